import { AsyncLocalStorage } from 'node:async_hooks'
import { MAX_REENTRANCE } from '../protocol/limits.ts'
import { LimitError } from './errors.ts'

/** A request of ours that is not answered yet, as far as nesting goes. */
export interface Nested {
  /** The host function that it was made inside of. Undefined if there was none, and once the request is answered. */
  inside: HostFrame | undefined
}

/** A call of a host function. */
export interface HostFrame {
  /** The request whose guest made it. Undefined if that was answered, and once this call is over. */
  within: Nested | undefined
  /** The function's number. */
  readonly fn: number
  /** It has returned, and what it may have promised has come. What it left behind is inside of nothing. */
  isOver: boolean
}

/** The host function that the code which runs now is inside of. */
const current = new AsyncLocalStorage<HostFrame>()

export function currentFrame(): HostFrame | undefined {
  const frame = current.getStore()
  return frame?.isOver === true ? undefined : frame
}

/** Runs a host function for the guest of a request. The frame is over when the caller says so. */
export function runInside<Result>(frame: HostFrame, run: () => Result): Result {
  return current.run(frame, run)
}

/**
 * Counts how many host functions are inside each other: one that calls into a context which calls a host function, and so on, also across contexts. Only what still waits for the
 * next counts.
 *
 * @throws LimitError `ERR_CALL_DEPTH`
 */
export function checkDepth(innermost: HostFrame): void {
  let depth = 0
  for (let frame: HostFrame | undefined = innermost; frame !== undefined && !frame.isOver; frame = frame.within?.inside) depth++
  if (depth > MAX_REENTRANCE) {
    throw new LimitError(
      'ERR_CALL_DEPTH',
      `host functions and contexts call each other more than ${MAX_REENTRANCE} levels deep, which is the limit`,
    )
  }
}
