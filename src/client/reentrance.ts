import { AsyncLocalStorage } from 'node:async_hooks'
import { MAX_REENTRANCE } from '../protocol/limits.ts'
import { LimitError } from './errors.ts'

/** How many host functions the code that runs now is inside of: a host function that calls into a context which calls a host function, and so on, also across contexts. */
const depth = new AsyncLocalStorage<number>()

export function reentranceDepth(): number {
  return depth.getStore() ?? 0
}

/** Runs a host function that a call at `callerDepth` led to. */
export function runInside<Result>(callerDepth: number, run: () => Result): Result {
  return depth.run(callerDepth + 1, run)
}

/** @throws LimitError `ERR_CALL_DEPTH` */
export function checkDepth(callDepth: number): void {
  if (callDepth > MAX_REENTRANCE) {
    throw new LimitError(
      'ERR_CALL_DEPTH',
      `host functions and contexts call each other more than ${MAX_REENTRANCE} levels deep, which is the limit`,
    )
  }
}
