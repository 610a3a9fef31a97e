import type vm from 'node:vm'
import { types } from 'node:util'
import type { DeadlineTimer } from './deadline-timer.ts'
import type { Heartbeat } from './heartbeat.ts'
import { internalBinding } from '../confined/internals.ts'
import { guestPlace } from './guest-place.ts'
import { LateSignals } from './late-signals.ts'
import type { Moat, RealmHooks } from './moat.ts'
import { LOOK_AT_CLOCK } from './moat-source.ts'
import type { GuestPlace } from '../protocol/report.ts'
import { Answer, Request } from './realm/record.ts'
import type { TimeZones } from './time-zones.ts'

/** How an evaluate ended. Integers, because the hot path branches on them. */
export const COMPLETED = 0
/** The guest threw; what it threw is in {@link Guard.value}. */
export const THREW = 1
/** Ended by SIGINT: the deadline passed, or the daemon sent one. */
export const INTERRUPTED = 2
export type Ending = typeof COMPLETED | typeof THREW | typeof INTERRUPTED

/** Keeps Node from reading `stack` of what a guest threw outside the evaluate. */
const DISPLAY_ERRORS = false
/** Costs next to nothing because the watchdog thread is running already. */
const BREAK_ON_SIGINT = true
const NO_TIMEOUT = -1
/** What `script.runInContext()` calls when it has looked at its options. They are the same each time, and to look takes 0.25 of the 0.8 µs of entering a context. */
const runScript = Function.prototype.call.bind(internalBinding('contextify').ContextifyScript.prototype.runInContext) as (
  script: vm.Script,
  global: vm.Context,
  timeoutMs: number,
  displayErrors: boolean,
  breakOnSigint: boolean,
  breakOnFirstLine: boolean,
) => unknown

/** How long after its signal was due an evaluate that goes on is sent another, and then each such time another, in milliseconds: the one before is not on its way any more. */
const INSIST_EACH_MS = 0.2

const { apply, getOwnPropertyDescriptor } = Reflect

/** A module of the realm's, for which Node does the same. */
export interface EvaluableModule {
  evaluate(): unknown
}

export interface GuardedRealm {
  readonly global: vm.Context
  readonly hooks: RealmHooks
  /** Undefined for the process's usual one. */
  readonly timeZone: string | undefined
  /** Answers what the realm side asks in the middle of an evaluate, which goes on until `deadlineMs`. */
  answer(request: number, deadlineMs: number): number
  /** Answers {@link Request.now}. Guests ask often; a signal may end this half-way. */
  tellTime(): number
}

/**
 * Stack that the worker's own code may need while it answers, as arguments of 8 bytes each: proved to be there before it begins, because an overflow half-way would leave its state in pieces. V8
 * alone wants 32 KiB to compile a function that is called for the first time, or again after a long while.
 */
const HEADROOM = Array.from({ length: 8 * 1024 }, () => 0)
const nothing = (): number => 0

/**
 * The only door to guest code. Every guest instruction, microtasks included, runs inside {@link Guard.evaluate}.
 *
 * Architecture invariant: nothing else in the worker calls `runInContext` on a guest's context once guest code ran in it, and nothing reads, compares by
 * coercion, awaits or logs {@link Guard.value}.
 */
export class Guard {
  readonly #timer: DeadlineTimer
  readonly #heartbeat: Heartbeat
  readonly #moat: Moat
  readonly #timeZones: TimeZones
  readonly #lateSignals: LateSignals
  /** HOSTILE: completion value, or what was thrown, of the last evaluate. A guest value. */
  value: unknown = undefined

  /** Where the guest was when it was told that its evaluate is over, if it was met asking for something. */
  place: GuestPlace | undefined

  /** The realm that is evaluated, and its deadline. */
  #realm: GuardedRealm | undefined
  #deadlineMs = 0
  /** When the moat, if it is called often, has a signal sent that may have been lost. */
  #insistAtMs = 0
  /** Whether what is evaluated is the worker's own. */
  #isOwn = false
  /** What the worker's own code threw while it answered. */
  #failure: Error | undefined

  constructor(timer: DeadlineTimer, heartbeat: Heartbeat, moat: Moat, timeZones: TimeZones) {
    this.#timer = timer
    this.#heartbeat = heartbeat
    this.#moat = moat
    this.#timeZones = timeZones
    // Kept for the life of the process: without it each evaluate would start and join a thread (80 to 170 µs).
    internalBinding('contextify').startSigintWatchdog()
    this.#lateSignals = new LateSignals(timer)
    moat.connect((request) => (request === LOOK_AT_CLOCK ? this.#insist() : this.#answer(request)))
  }

  /**
   * Runs a script or a module in `realm`, and then the realm's microtasks, until `deadlineMs` (of `performance.now()`) at most.
   * A deadline that has passed already ends it without entering.
   */
  evaluate(code: vm.Script | EvaluableModule, realm: GuardedRealm, deadlineMs: number): Ending {
    this.value = undefined
    this.place = undefined
    const nowMs = performance.now()
    if (deadlineMs <= nowMs) return INTERRUPTED
    // Before any signal may come.
    if (realm.timeZone !== this.#timeZones.current) this.#timeZones.enter(realm.timeZone)
    if (this.#timer.arm(deadlineMs, nowMs) && !this.#armAnew(deadlineMs)) return INTERRUPTED
    this.#heartbeat.enter(deadlineMs)
    this.#moat.enter(realm.hooks)
    this.#realm = realm
    this.#deadlineMs = deadlineMs
    this.#insistAtMs = this.#timer.firesAtMs + INSIST_EACH_MS
    let ending: Ending
    try {
      this.value = 'evaluate' in code ? code.evaluate() : runScript(code, realm.global, NO_TIMEOUT, DISPLAY_ERRORS, BREAK_ON_SIGINT, false)
      ending = COMPLETED
    } catch (thrown) {
      this.value = thrown
      ending = isInterruption(thrown) ? INTERRUPTED : THREW
    }
    this.#moat.enter(undefined)
    this.#realm = undefined
    this.#heartbeat.leave()
    if (this.#failure !== undefined) throw this.#failure
    if (ending === INTERRUPTED) {
      this.value = undefined
      // More than one may have been sent; and a guest that throws a likeness of the error just as the timer fires must not leave the signal for another's run.
      if (this.#timer.disarm()) this.#lateSignals.settle()
    }
    return ending
  }

  /**
   * Evaluates what the worker itself has to do to a realm before a run may enter it, or after one was ended. The daemon's signals are for the run, and must not end this half-way: it finds
   * nothing that it could interrupt, and looks again.
   */
  evaluateOwn(script: vm.Script, realm: GuardedRealm, deadlineMs: number): Ending {
    const { place } = this
    const isServing = this.#heartbeat.isServing
    if (this.#heartbeat.rest()) this.absorbInterrupt()
    this.#isOwn = true
    try {
      return this.evaluate(script, realm, deadlineMs)
    } finally {
      this.#isOwn = false
      this.place = place
      if (isServing) this.#heartbeat.goOn()
    }
  }

  /**
   * The moat has been called often. If its evaluate should have ended by now, the signal was lost on the way into it: V8 looks for one where a function is entered, and what Node calls inside a
   * TryCatch goes on as if nothing had been. So the signal is sent from here, and the last that is done here is to wait until it is there: there is no function on the way back.
   */
  #insist(): number {
    const nowMs = performance.now()
    if (this.#realm === undefined || nowMs < this.#insistAtMs) return 0
    apply(nothing, undefined, HEADROOM)
    this.#insistAtMs = nowMs + INSIST_EACH_MS
    this.#timer.again()
    return 0
  }

  /** The daemon has sent SIGINT for the run that is over now. If that is not what ended it, the signal is still to come, and must not meet the next run. */
  absorbInterrupt(): void {
    this.#timer.disarm()
    this.#lateSignals.settle()
  }

  /** The worker has nothing to run: no timer should wake it. */
  idle(): void {
    if (this.#timer.disarm()) this.#lateSignals.settle()
  }

  /**
   * A realm side asks for something, in the middle of an evaluate. While the worker's own code answers, no signal may end it half-way: the timer is off, and the daemon is told that
   * nothing runs that it could interrupt. What waits in here sees to the deadline by itself. If a signal is on its way already, it ends the evaluate as soon as the realm side has its answer.
   */
  #answer(request: number): number {
    const realm = this.#realm
    if (realm === undefined) return -1
    if (request === Request.now) return realm.tellTime()
    apply(nothing, undefined, HEADROOM)
    if (this.#timer.disarm() || (!this.#isOwn && (this.#heartbeat.rest() || this.#heartbeat.isUnwanted))) {
      // It may have been lost, too, or was never sent.
      this.#timer.insist()
      this.place = guestPlace()
      return Answer.end
    }
    // What Node has the moat do meanwhile (format the stack of an error of the worker's own) is no business of the guest's.
    this.#moat.enter(undefined)
    let answer: number
    try {
      answer = realm.answer(request, this.#deadlineMs)
    } catch (error) {
      this.#failure = error as Error
      answer = Answer.end
    }
    if (answer === Answer.end) this.place = guestPlace()
    this.#moat.enter(realm.hooks)
    const nowMs = performance.now()
    // With the answer `end` the realm side waits for the signal, which comes at once. The timer is set before the daemon may interrupt: a signal must not end this half-way.
    if (answer === Answer.end) this.#timer.insist()
    else this.#timer.arm(Math.max(nowMs, this.#deadlineMs), nowMs)
    if (!this.#isOwn) this.#heartbeat.goOn()
    return answer
  }

  /** The timer had fired for an evaluate before. False if there is no time left when that is seen to. */
  #armAnew(deadlineMs: number): boolean {
    this.#timer.disarm()
    this.#lateSignals.settle()
    const nowMs = performance.now()
    if (deadlineMs <= nowMs) return false
    this.#timer.arm(deadlineMs, nowMs)
    return true
  }
}

/**
 * Whether this is Node's interruption error. Node makes it in the guest's realm, so a guest can throw one that looks the same: then its run is reported as
 * interrupted, which harms nobody else. Looks at an own data property of a native error, and so runs no code of the guest's.
 */
function isInterruption(thrown: unknown): boolean {
  return types.isNativeError(thrown) && getOwnPropertyDescriptor(thrown, 'code')?.value === 'ERR_SCRIPT_EXECUTION_INTERRUPTED'
}
