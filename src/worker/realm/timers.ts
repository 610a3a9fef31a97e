import { MAX_TIMERS } from '../../protocol/limits.ts'
import { exactNow, virtualClock } from './clock.ts'
import { guestError } from './guest-error.ts'
import { asNative } from './native-function.ts'
import type { NearLimits } from './near-limits.ts'
import { ATTENTION, type RealmRecord } from './record.ts'
import { type Timer, TimerQueue } from './timer-queue.ts'

const { apply, defineProperty } = Reflect
const NativeTypeError = TypeError
const NativeString = String
const toNumber = Number
// oxlint-disable-next-line no-eval -- a handler may be a string of code (HTML, timer initialization steps); it runs in the guest's realm
const indirectEval = eval
const NativePromise = Promise
const { then } = NativePromise.prototype
const { resolve } = NativePromise

/** HTML's 32-bit delays; what is longer is due at once. */
const MAX_DELAY_MS = 0x7fff_ffff

export interface Timers {
  /** Defines the globals. */
  install(): void
  /** Runs the first timer, if it is due. */
  runNext(): void
  /** Calls back once, `ms` from now at the earliest. Nobody waits for it: a context with nothing else to do is idle. Throws if there are too many timers. */
  after(callback: () => void, ms: number): void
  /** Something was done: a virtual clock that goes on by itself may have to. */
  recheck(): void
  /** Runs the first timer that is due at `untilMs` of the virtual clock, which is then its time; without one, that is the time. Returns whether there was one. */
  advance(untilMs: number): boolean
}

/**
 * `setTimeout` and its kin (HTML, "timers"; `setImmediate` as in Node). The worker wakes the realm when the first is due; each runs in an evaluate of its own, so that microtasks run in
 * between. What a callback throws is reported, as in any host.
 */
export function createTimers(realmGlobal: object, record: RealmRecord, near: NearLimits, report: (error: unknown) => void): Timers {
  let queue: TimerQueue | undefined
  let lastId = 0
  /** Timers that somebody waits for. */
  let awaited = 0

  const changed = (): void => {
    record.timerAt = wakeAt(queue?.first())
    record.attention |= ATTENTION.timers
  }

  /** A virtual clock wakes nobody, unless it may go on by itself. */
  const wakeAt = (first: Timer | undefined): number => {
    if (first === undefined) return Number.POSITIVE_INFINITY
    if (virtualClock() === undefined) return first.due
    return first.due <= exactNow() || mayJump() ? 0 : Number.POSITIVE_INFINITY
  }

  /** Nothing but timers is under way. */
  const mayJump = (): boolean => virtualClock()?.isAuto === true && awaited > 0 && record.busy === awaited

  const start = (run: () => void, delayMs: number, intervalMs: number, isAwaited: boolean): number => {
    queue ??= new TimerQueue()
    if (queue.size >= MAX_TIMERS) throw guestError('ERR_OVERLOADED', `this context has ${MAX_TIMERS} timers, which is the limit`)
    lastId = lastId >= MAX_DELAY_MS ? 1 : lastId + 1
    const timer: Timer = {
      id: lastId,
      run,
      origin: record.origin,
      intervalMs,
      isAwaited,
      due: delayMs === 0 ? 0 : exactNow() + delayMs,
      isCounted: false,
      isOver: false,
      order: 0,
    }
    queue.add(timer)
    near.count('maxTimers', queue.size, MAX_TIMERS)
    if (isAwaited) {
      timer.isCounted = true
      record.busy++
      awaited++
    }
    // Should a deadline end this before it is known when to wake: at once, to find out.
    record.timerAt = 0
    record.attention |= ATTENTION.timers
    changed()
    return timer.id
  }

  /** Nothing in it gives a deadline the chance to come between: nobody waits for it any more, and it is over. */
  const discount = (timer: Timer): void => {
    if (timer.isCounted) {
      record.busy--
      awaited--
    }
    timer.isCounted = false
    timer.isOver = true
  }

  const clear = (id: unknown): void => {
    if (queue === undefined) return
    // A number, or what becomes one; anything else names no timer.
    if (typeof id !== 'number' && typeof id !== 'string') return
    const timer = queue.get(+id)
    // One that is the realm's own has a number, too, which nobody was told.
    if (timer?.isAwaited !== true) return
    discount(timer)
    queue.remove(timer)
    changed()
  }

  const globals = {
    setTimeout(handler: unknown, delay?: unknown, ...args: unknown[]) {
      return start(callbackOf(handler, args), toDelay(delay), -1, true)
    },
    setInterval(handler: unknown, delay?: unknown, ...args: unknown[]) {
      const delayMs = toDelay(delay)
      return start(callbackOf(handler, args), delayMs, delayMs, true)
    },
    setImmediate(handler: unknown, ...args: unknown[]) {
      return start(callbackOf(handler, args), 0, -1, true)
    },
    clearTimeout(id?: unknown) {
      clear(id)
    },
    clearInterval(id?: unknown) {
      clear(id)
    },
    clearImmediate(id?: unknown) {
      clear(id)
    },
    queueMicrotask(callback: unknown) {
      if (typeof callback !== 'function') throw new NativeTypeError('queueMicrotask: the callback must be a function')
      const job = (): void => {
        try {
          apply(callback as () => void, undefined, [])
        } catch (error) {
          report(error)
        }
      }
      void apply(then, apply(resolve, NativePromise, [undefined]), [job])
    },
  }
  /** The first one. */
  const run = (timer: Timer): void => {
    if (timer.intervalMs >= 0) queue?.again(timer, exactNow() + timer.intervalMs)
    else {
      discount(timer)
      queue?.remove(timer)
    }
    // Before the callback, which may never come to an end.
    changed()
    record.origin = timer.origin
    timer.run()
  }

  return {
    install() {
      define(realmGlobal, 'setTimeout', globals.setTimeout, 1)
      define(realmGlobal, 'setInterval', globals.setInterval, 1)
      define(realmGlobal, 'setImmediate', globals.setImmediate, 1)
      define(realmGlobal, 'clearTimeout', globals.clearTimeout, 0)
      define(realmGlobal, 'clearInterval', globals.clearInterval, 0)
      define(realmGlobal, 'clearImmediate', globals.clearImmediate, 0)
      define(realmGlobal, 'queueMicrotask', globals.queueMicrotask, 1)
    },
    runNext() {
      const timer = queue?.first()
      if (timer !== undefined && timer.due > exactNow() && mayJump()) virtualClock()?.goTo(timer.due)
      if (timer === undefined || (timer.due > 0 && timer.due > exactNow())) changed()
      else run(timer)
    },
    recheck() {
      const timerAt = wakeAt(queue?.first())
      if (timerAt !== record.timerAt) changed()
    },
    advance(untilMs) {
      const timer = queue?.first()
      if (timer === undefined || timer.due > untilMs) {
        virtualClock()?.goTo(untilMs)
        changed()
        return false
      }
      virtualClock()?.goTo(timer.due)
      run(timer)
      return true
    },
    after(callback, ms) {
      start(callback, ms, -1, false)
    },
  }

  function callbackOf(handler: unknown, args: unknown[]): () => void {
    const callback =
      typeof handler === 'function'
        ? () => apply(handler as (...given: unknown[]) => void, realmGlobal, args)
        : codeOf(apply<undefined, [unknown], string>(NativeString, undefined, [handler]))
    return () => {
      try {
        callback()
      } catch (error) {
        report(error)
      }
    }
  }
}

function codeOf(code: string): () => unknown {
  // Named: where code without a name comes from would be told by the name of this file.
  return () => indirectEval(`${code}\n//# sourceURL=timer`) as unknown
}

/** Milliseconds, 1 at least, as Node and browsers do it. */
function toDelay(delay: unknown): number {
  const ms = toNumber(delay)
  return ms >= 1 && ms <= MAX_DELAY_MS ? ms : 1
}

function define(realmGlobal: object, name: string, fn: (...args: never[]) => unknown, length: number): void {
  const value = asNative(fn, name, length)
  // Not enumerable, as what the language has by itself: what is enumerable is the guest's own.
  defineProperty(realmGlobal, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true } as PropertyDescriptor)
}
