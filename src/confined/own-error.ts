import { types } from 'node:util'

const { getPrototypeOf } = Reflect
const mainErrorPrototype = Error.prototype

/**
 * The stack of an error of the main realm; `undefined` for anything else, of which nothing is read: what was thrown may be a guest's.
 */
export function ownErrorText(thrown: unknown): string | undefined {
  if (!types.isNativeError(thrown)) return undefined
  for (let prototype = getPrototypeOf(thrown); prototype !== null; prototype = getPrototypeOf(prototype)) {
    if (prototype === mainErrorPrototype) return thrown.stack
    // Asking a Proxy for its prototype would call a trap of the guest's.
    if (types.isProxy(prototype)) return undefined
  }
  return undefined
}

/** An error of the worker's own making that its client gets as the guest's: without the frames of ours that V8 put into its stack. */
export function withoutFrames(error: Error): Error {
  error.stack = `${error.name}: ${error.message}`
  return error
}
