import { withoutFrames } from '../confined/own-error.ts'
import { evalExcerpt, syntaxErrorOf } from '../confined/syntax-error.ts'
import type { ChannelLimits } from '../protocol/channel-limits.ts'
import { ERROR_CODES, type ErrorCode } from '../protocol/error-codes.ts'
import type { ReachedLimit } from '../protocol/limit-messages.ts'
import type { Phase } from '../protocol/report.ts'
import { type Answers, isPlainPrimitive, type Primitive } from './answers.ts'
import { ChannelContext } from './channel-context.ts'
import { COMPLETED, type Ending, type Guard, INTERRUPTED, THREW } from './guard.ts'
import type { HostCalls } from './host-calls.ts'
import { Op, Status } from './realm/record.ts'
import { EXHAUSTED, type Pause } from './pause.ts'
import type { PresetFailure } from './preset-contexts.ts'
import type { Run } from './run.ts'
import { ENDED_BY_THROW, ENDED_WELL, type RunCounter } from './run-counter.ts'
import type { WorkerParts } from './worker-parts.ts'
import { ranOut } from './timeout-text.ts'

/** What is thrown as the deadline passes is still told, if that takes no longer than this beyond it, in milliseconds. */
const LATE_THROW_MS = 10

/** The request that a channel serves now, and how it is answered: once. Times are milliseconds of `performance.now()`. */
export class RunAtWork {
  /** 0 while there is none. */
  number = 0
  /** The name of its source, for the text of a time-out. */
  filename: string | undefined
  startedMs = 0
  deadlineMs = 0
  /** How much of its time was over when it started. */
  queuedMs = 0
  /** Bytes of its result. */
  #maxOutput = 0
  #isLimited = false
  /** UTF-16 code units of its source. */
  #maxSource = 0
  readonly #limits: () => ChannelLimits
  readonly #guard: Guard
  readonly #answers: Answers
  readonly #hostCalls: HostCalls
  readonly #waits: (run: Run) => void
  /** Runs that were cancelled before they were read, or while a guest waits for a host call. */
  readonly #cancelled: Set<number>
  readonly #pause: Pause
  readonly #counter: RunCounter
  /** What its evaluate took, in milliseconds; negative while there was none. */
  tookMs = -1
  /** Since when it computes this time, and how long it did before, in milliseconds. */
  #sinceMs = 0
  #busyMs = 0
  /** What the guest gave or threw is being written. */
  #isWriting = false

  /** `waits` takes a run whose promise has not settled. */
  constructor(
    { guard, pause, counter }: Pick<WorkerParts, 'guard' | 'pause' | 'counter'>,
    answers: Answers,
    hostCalls: HostCalls,
    cancelled: Set<number>,
    limits: () => ChannelLimits,
    waits: (run: Run) => void,
  ) {
    this.#limits = limits
    this.#guard = guard
    this.#answers = answers
    this.#hostCalls = hostCalls
    this.#cancelled = cancelled
    this.#pause = pause
    this.#counter = counter
    this.#waits = waits
  }

  begin(number: number): void {
    this.number = number
    this.startedMs = performance.now()
    this.#sinceMs = this.startedMs
    this.#busyMs = 0
    this.#isWriting = false
    this.filename = undefined
    this.tookMs = -1
    this.queuedMs = 0
    this.#maxSource = this.#limits().maxSource
    this.#hostCalls.begin()
  }

  /** It goes on in this context, with limits of its own if it has any. */
  in(context: ChannelContext, own: ChannelLimits | undefined): void {
    this.#maxSource = context.limits.maxSource
    if (own === undefined) {
      this.#maxOutput = context.limits.maxOutput
      return
    }
    this.#isLimited = true
    this.#maxOutput = own.maxOutput
    context.realm.limitResult(own)
    context.capCalls(this.number, own.maxHostCalls)
  }

  /** The turn in this context is over; a run that waits goes on. */
  out(context: ChannelContext): void {
    if (!this.#isLimited) return
    this.#isLimited = false
    context.realm.limitResult(context.limits)
    if (!context.pending.has(this.number)) context.uncapCalls(this.number)
  }

  /** The promise of a run that waited has settled: `ending` is that of the step that took its outcome. */
  resume(context: ChannelContext, run: Run, ending: Ending): void {
    this.number = run.run
    this.filename = run.filename
    this.startedMs = run.startedMs
    this.deadlineMs = run.deadlineMs
    this.queuedMs = run.queuedMs
    this.#maxOutput = run.maxOutput
    this.#sinceMs = performance.now()
    this.tookMs = this.#sinceMs - run.startedMs
    this.#busyMs = run.busyMs
    this.#isWriting = true
    this.#hostCalls.begin()
    this.answer(context, ending)
    this.number = 0
  }

  /** Itself, as one that is not over when its turn is. */
  toWaiting(context: ChannelContext): Run {
    return {
      run: this.number,
      context,
      filename: this.filename,
      startedMs: this.startedMs,
      deadlineMs: this.deadlineMs,
      queuedMs: this.queuedMs,
      maxOutput: this.#maxOutput,
      busyMs: this.#computedMs(performance.now()),
    }
  }

  /** Hands bytes to the realm. False if that failed, which is then answered. */
  give(context: ChannelContext, payload: Uint8Array): boolean {
    const ending = context.realm.give(payload, this.deadlineMs)
    if (ending === COMPLETED) return true
    this.answer(context, ending)
    return false
  }

  /** Defines the payload's entries as globals. False if that failed, which is then answered. */
  define(context: ChannelContext, payload: Uint8Array): boolean {
    if (!this.give(context, payload)) return false
    const { record } = context.realm
    const ending = context.realm.step(Op.define, this.deadlineMs)
    if (ending === COMPLETED && record.status === Status.primitive) return true
    this.answer(context, ending)
    return false
  }

  /** Has the realm side do something, and answers with what came of it. */
  step(context: ChannelContext, op: Op, deadlineMs: number = this.deadlineMs): void {
    context.realm.record.run = this.number
    this.#isWriting = op === Op.settle || op === Op.tell || op === Op.thrown
    this.answer(context, context.realm.step(op, deadlineMs))
  }

  /** Answers with what an evaluate of guest code came to. */
  evaluated(context: ChannelContext, ending: Ending, value: unknown): void {
    if (ending === INTERRUPTED) {
      this.#interrupted(context)
      return
    }
    const { realm } = context
    if (ending === COMPLETED && isPlainPrimitive(value)) {
      this.#answers.guestMessages(realm)
      this.#primitive(value)
      return
    }
    realm.record.value = value
    if (ending === THREW) this.step(context, Op.thrown, this.#lateMs())
    else this.step(context, Op.settle)
  }

  /** Answers with what its last step left in the record. */
  answer(context: ChannelContext, ending: Ending): void {
    if (ending === INTERRUPTED) {
      this.#interrupted(context)
      return
    }
    const { record } = context.realm
    this.#answers.guestMessages(context.realm)
    // The step itself catches everything; what gets past it is a stack overflow on its way in.
    if (ending === THREW) {
      this.#answers.thrown(this.number, withoutFrames(new RangeError('Maximum call stack size exceeded')))
      this.#counter.ended(ENDED_BY_THROW, this.tookMs)
      return
    }
    switch (record.status) {
      case Status.primitive: {
        const { value } = record
        record.value = undefined
        if (!isPlainPrimitive(value)) throw new Error('the realm side passed an object off as a primitive')
        this.#primitive(value)
        return
      }
      case Status.done:
        if (record.length > this.#maxOutput) {
          this.#outputTooLarge(record.length)
          return
        }
        this.#answers.encoded('done', this.number, context.realm.result())
        this.#counter.ended(ENDED_WELL, this.tookMs)
        return
      case Status.threw: {
        const excerpt = evalExcerpt(record.value)
        if (excerpt === undefined) {
          this.#answers.encoded('threw', this.number, context.realm.result())
          this.#counter.ended(ENDED_BY_THROW, this.tookMs)
        } else {
          record.message = excerpt
          this.step(context, Op.placed, this.#lateMs())
        }
        return
      }
      case Status.pending:
        this.#waits(this.toWaiting(context))
        return
      case Status.failed: {
        const { code, message, limit, configured, observed } = record
        if (limit === '') this.#failWith(code, message, 'result')
        else this.#failAt({ limit, configured, observed }, code, message, 'result')
        return
      }
      default:
        record.status satisfies never
    }
  }

  /** The context that it wanted cannot be had: a script of its preset did not come to its end. */
  presetFailed({ realm, script, ending, thrown, startedMs, deadlineMs }: PresetFailure): void {
    this.filename = script.filename
    this.startedMs = startedMs
    this.deadlineMs = deadlineMs
    if (ending === THREW) {
      realm.limit(this.#limits())
      realm.record.value = thrown
      if (realm.step(Op.thrown, this.#lateMs()) === COMPLETED && realm.record.status === Status.threw) {
        this.#answers.encoded('presetThrew', this.number, realm.result())
        this.#counter.ended(ENDED_BY_THROW, this.tookMs)
        return
      }
    }
    realm.takeOutbox()
    this.#interrupted(new ChannelContext(realm, 0, true, this.#limits()))
  }

  /** False if a source is too large, which is then answered. */
  admits(length: number): boolean {
    const maxSource = this.#maxSource
    if (length <= maxSource) return true
    const message = `the source has ${length} characters, over the limit of ${maxSource}`
    this.failAt({ limit: 'maxSource', configured: maxSource, observed: length }, 'ERR_SOURCE_LIMIT', message, 'compile')
    return false
  }

  /** Answers with a value of the worker's own. */
  value(value: unknown): void {
    this.#maxOutput = this.#limits().maxOutput
    const bytes = this.#answers.value(this.number, value, this.#maxOutput)
    if (bytes > 0) this.#outputTooLarge(bytes)
  }

  /** What V8 makes of a source; undefined if that is an error, which is then answered. */
  parsed<Compiled>(compile: () => Compiled | undefined): Compiled | undefined {
    try {
      return compile()
    } catch (error) {
      const syntaxError = syntaxErrorOf(error)
      // V8 refuses a source for its size, or for nesting that overflows the parser's stack, with other errors of the main realm.
      const refused = (): Error => withoutFrames(new RangeError('the source cannot be compiled: it is nested too deeply or too large'))
      this.#answers.thrown(this.number, syntaxError ?? refused())
      this.#counter.ended(ENDED_BY_THROW, this.tookMs)
      return undefined
    }
  }

  fail(code: ErrorCode, message: string, phase: Phase): void {
    const now = performance.now()
    this.#answers.failed(this.number, code, message, phase, now - this.startedMs, this.#computedMs(now), this.#guard.place)
    this.#counter.failed(ERROR_CODES[code], this.tookMs)
  }

  /** The same because of a limit. */
  failAt(reached: ReachedLimit, code: ErrorCode, message: string, phase: Phase): void {
    this.#failAt(reached, ERROR_CODES[code], message, phase)
  }

  #failWith(code: number, message: string, phase: Phase): void {
    const now = performance.now()
    this.#answers.evidence(this.number, undefined)
    this.#answers.failedWith(this.number, code, message, phase, now - this.startedMs, this.#computedMs(now))
    this.#counter.failed(code, this.tookMs)
  }

  #failAt(reached: ReachedLimit, code: number, message: string, phase: Phase): void {
    const now = performance.now()
    const wallMs = now - this.startedMs
    this.#answers.evidence(this.number, undefined)
    this.#answers.limited({ run: this.number, code, message, phase, wallMs, cpuMs: this.#computedMs(now), ...reached })
    this.#counter.failed(code, this.tookMs)
  }

  #lateMs(): number {
    return Math.max(this.deadlineMs, performance.now()) + LATE_THROW_MS
  }

  /** The signal ended it: its deadline's, or the daemon's, or, while it waited for the host, our own. */
  #interrupted(context: ChannelContext): void {
    this.#answers.guestMessages(context.realm)
    const now = performance.now()
    const { waitedFor } = this.#hostCalls
    const phase = waitedFor !== undefined ? 'host-call' : this.#isWriting ? 'result' : 'run'
    if (this.#cancelled.delete(this.number)) this.fail('ERR_CANCELLED', 'cancelled', phase)
    else if (now >= this.deadlineMs - 1) {
      const state = waitedFor === undefined ? 'computed' : `waited for host call '${waitedFor}'`
      context.overran(now)
      this.fail('ERR_TIMEOUT', ranOut(this.toWaiting(context), state, now), phase)
    } else if (this.#pause.isOn) this.fail('ERR_CPU_LIMIT', EXHAUSTED, phase)
    else this.fail('ERR_INTERRUPTED', 'interrupted from outside', phase)
    // What it left behind, of a flood, may be much to see to.
    this.#answers.relieve()
  }

  #primitive(value: Primitive): void {
    const bytes = this.#answers.primitive(this.number, value, this.#maxOutput)
    if (bytes > 0) this.#outputTooLarge(bytes)
    else this.#counter.ended(ENDED_WELL, this.tookMs)
  }

  #outputTooLarge(observed: number): void {
    const configured = this.#maxOutput
    const message = `the result is larger than the limit of ${configured} bytes`
    this.failAt({ limit: 'maxOutput', configured, observed }, 'ERR_OUTPUT_LIMIT', message, 'result')
  }

  /** How long it has computed so far. */
  #computedMs(nowMs: number): number {
    return this.#busyMs + nowMs - this.#sinceMs - this.#hostCalls.waitedMs
  }
}
