import type { ContextBridge } from './context-bridge.ts'
import { raisedToGuest } from './raised-error.ts'
import { type HostFrame, type Nested, runInside } from './reentrance.ts'
import type { Traces } from './run-traces.ts'

/** How the outcome of a host call leaves. */
interface HostAnswers {
  /** Sends the value; throws if it cannot cross. */
  readonly answer: (type: 'returned' | 'raised', bridge: ContextBridge, call: number, value: unknown) => void
  /** A promise was returned where a value is waited for. */
  readonly promised: (bridge: ContextBridge, call: number) => void
}

/**
 * Calls a host function for the guest of the request `within`, if that is not answered yet. A promise that it returns goes to the guest as a promise: the guest waits for it only if it wants to, and its worker goes on with other work.
 */
export function callHostFunction(
  bridge: ContextBridge,
  message: { readonly call: number; readonly fn: number; readonly sync: boolean },
  within: (Nested & Traces) | undefined,
  args: readonly unknown[],
  answers: HostAnswers,
): void {
  const { call, fn } = message
  const frame: HostFrame = { within, fn, isOver: false }
  if (within !== undefined) within.lastCall = frame
  const settle = (type: 'returned' | 'raised', value: unknown): void => {
    frame.isOver = true
    frame.within = undefined
    try {
      answers.answer(type, bridge, call, type === 'raised' ? raisedToGuest(value) : value)
    } catch (error) {
      // The value cannot cross. Why not can.
      answers.answer('raised', bridge, call, raisedToGuest(error))
    }
  }
  const host = bridge.exported.get(message.fn)
  if (host === undefined) {
    settle('raised', Object.assign(new Error('this function of the host was released'), { code: 'ERR_FUNCTION_GONE' }))
    return
  }
  let promise: Promise<unknown>
  try {
    const result: unknown = runInside(frame, () => Reflect.apply(host.fn as (...given: unknown[]) => unknown, undefined, args))
    if (!isThenable(result)) {
      settle('returned', result)
      return
    }
    promise = Promise.resolve(result)
  } catch (error) {
    settle('raised', error)
    return
  }
  if (message.sync) answers.promised(bridge, call)
  bridge.inFlight++
  const over = (type: 'returned' | 'raised', value: unknown): void => {
    bridge.inFlight--
    settle(type, value)
  }
  promise.then(
    (value) => over('returned', value),
    (reason: unknown) => over('raised', reason),
  )
}

function isThenable(value: unknown): boolean {
  return (
    (typeof value === 'object' || typeof value === 'function') && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
