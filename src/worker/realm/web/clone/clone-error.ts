import { construct, defineProperty, getOwnPropertyDescriptor, mapSet } from '../../../../protocol/msgpack/intrinsics.ts'
import { toDOMString } from '../idl.ts'
import type { Cloner } from './cloner.ts'

type ErrorClass = new () => Error

/** The names that the standard keeps; any other becomes 'Error'. */
const classes = { __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError } as unknown as Record<
  string,
  ErrorClass | undefined
>
const PlainError: ErrorClass = Error

/** Name and message, and what the engine adds to them: cause and stack. Own properties do not come along. */
export function cloneError(error: object, cloner: Cloner): object {
  const { name } = error as { readonly name?: unknown }
  const copy = construct((typeof name === 'string' ? classes[name] : undefined) ?? PlainError, [])
  mapSet(cloner.memory, error, copy)
  const message = dataOf(error, 'message')
  if (message !== undefined) hide(copy, 'message', toDOMString(message.value))
  hide(copy, 'stack', stackOf(error))
  const cause = dataOf(error, 'cause')
  if (cause !== undefined) hide(copy, 'cause', cloner.clone(cause.value))
  return copy
}

function dataOf(error: object, key: string): { readonly value: unknown } | undefined {
  const described = getOwnPropertyDescriptor(error, key)
  return described !== undefined && described.get === undefined && described.set === undefined ? { value: described.value } : undefined
}

/** Formatting a stack runs guest code, which may fail. */
function stackOf(error: { readonly stack?: unknown }): unknown {
  try {
    return error.stack
  } catch {
    return undefined
  }
}

function hide(error: object, key: string, value: unknown): void {
  defineProperty(error, key, { __proto__: null, value, writable: true, enumerable: false, configurable: true } as PropertyDescriptor)
}
