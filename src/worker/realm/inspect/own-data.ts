import { getOwnPropertyDescriptor, getPrototypeOf, hasOwn } from '../../../protocol/msgpack/intrinsics.ts'

/** A Proxy may answer with a new prototype for ever. */
export const LONGEST_CHAIN = 100

/** The object in the prototype chain of `value`, itself included, that has the property. */
export function holderOf(value: object, key: PropertyKey): object | undefined {
  let at: object | null = value
  for (let i = 0; at !== null && i < LONGEST_CHAIN; i++) {
    if (hasOwn(at, key)) return at
    at = getPrototypeOf(at)
  }
  return undefined
}

/** The value of an own property; undefined for an accessor, whose getter is not called. */
export function ownData(holder: object, key: PropertyKey): unknown {
  const described = getOwnPropertyDescriptor(holder, key)
  return described !== undefined && hasOwn(described, 'value') ? described.value : undefined
}

/** The same for a property that may be inherited. */
export function dataOf(value: object, key: PropertyKey): unknown {
  const holder = holderOf(value, key)
  return holder === undefined ? undefined : ownData(holder, key)
}
