import { getOwnPropertyDescriptor, objectKeys } from '../../../protocol/msgpack/intrinsics.ts'
import { arrayIndex } from '../../../protocol/values/array-index.ts'
import type { Inspection } from './inspection.ts'
import { getOwnPropertyNames, getOwnPropertySymbols } from './intrinsics.ts'
import { type List, list } from './list.ts'

export type Keys = List<string | symbol>

/** Of what has more indices the named properties are not looked for: the language can only list them all, which takes a millisecond for each 10,000. */
const MAX_LISTED_INDICES = 10_000

/** The own properties to show: the enumerable ones, or all. Symbols come last. */
export function keysOf(inspection: Inspection, value: object): Keys {
  const keys: Keys = list()
  const names = namesOf(inspection, value)
  for (let i = 0; i < names.length; i++) keys[i] = names[i] as string
  return withSymbols(inspection, value, keys)
}

/** The same without the `count` indices of an array, a typed array or a boxed string. */
export function namedKeysOf(inspection: Inspection, value: object, count: number): Keys {
  const keys: Keys = list()
  if (count > MAX_LISTED_INDICES) return withSymbols(inspection, value, keys)
  const names = namesOf(inspection, value)
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    // Indices come first.
    if (keys.length > 0 || arrayIndex(name) < 0) keys[keys.length] = name
  }
  return withSymbols(inspection, value, keys)
}

function namesOf(inspection: Inspection, value: object): readonly string[] {
  if (inspection.hidden) return getOwnPropertyNames(value)
  try {
    return objectKeys(value)
  } catch {
    // A namespace of a module that has not run yet.
    return getOwnPropertyNames(value)
  }
}

function withSymbols(inspection: Inspection, value: object, keys: Keys): Keys {
  const symbols = getOwnPropertySymbols(value)
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] as symbol
    if (inspection.hidden || getOwnPropertyDescriptor(value, symbol)?.enumerable === true) keys[keys.length] = symbol
  }
  return keys
}
