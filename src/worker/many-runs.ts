import { ERROR_CODES, type ErrorCode } from '../protocol/error-codes.ts'
import { MANY_SLICE_MS, MANY_WINDOW } from '../protocol/limits.ts'
import type { Phase } from '../protocol/report.ts'
import type { Answers } from './answers.ts'
import type { ChannelContext } from './channel-context.ts'
import type { WorkerParts } from './worker-parts.ts'
import type { ContextTurns } from './context-turns.ts'
import { COMPLETED, type Ending, INTERRUPTED, THREW } from './guard.ts'
import type { Conversation } from './host-answer.ts'
import type { HostCalls } from './host-calls.ts'
import { EXHAUSTED } from './pause.ts'
import { Op, Status } from './realm/record.ts'
import type { Run } from './run.ts'
import { ENDED_WELL } from './run-counter.ts'
import type { CompiledScript } from './scripts.ts'
import { ranOut } from './timeout-text.ts'

/** How long a slice may go on beyond its first input's deadline, in milliseconds: later inputs begin within that time, and each has its whole deadline. */
const SLICE_SLACK_MS = MANY_SLICE_MS + 1
/** How long to wait for a client that does not read, in milliseconds. */
const CONGESTED_MS = 5
const NO_BYTES = new Uint8Array(0)

/** What asks for a `many` run. */
interface ManyRequest {
  readonly run: number
  readonly timeoutMs: number
  readonly filename: string | undefined
  readonly source: string
}

interface Many extends ManyRequest {
  readonly context: ChannelContext
  readonly total: number
  /** Inputs that have their outcome. */
  settled: number
  /** Messages that the client is ready for. */
  window: number
  /** The next slice is on its way, or an input's promise is. */
  busy: boolean
}

/**
 * Runs of one script over many inputs: slice after slice, each an evaluate of a few milliseconds, with other work in between. Outcomes leave in order. A client that does not take them
 * stops the run until it does.
 */
export class ManyRuns {
  readonly #parts: WorkerParts
  readonly #channel: number
  readonly #answers: Answers
  readonly #conversation: Conversation
  readonly #hostCalls: HostCalls
  readonly #turns: ContextTurns
  readonly #runs = new Map<number, Many>()

  constructor(
    parts: WorkerParts,
    channel: number,
    answers: Answers,
    conversation: Conversation,
    hostCalls: HostCalls,
    turns: ContextTurns,
  ) {
    this.#parts = parts
    this.#channel = channel
    this.#answers = answers
    this.#conversation = conversation
    this.#hostCalls = hostCalls
    this.#turns = turns
  }

  /** Begins: the inputs are in the realm, `total` of them. Evaluates the script for the first. */
  begin(context: ChannelContext, request: ManyRequest, script: CompiledScript, total: number): void {
    const { run, timeoutMs, filename, source } = request
    const many: Many = { run, timeoutMs, filename, source, context, total, settled: 0, window: MANY_WINDOW, busy: true }
    this.#runs.set(run, many)
    if (total === 0) {
      this.#finish(many, NO_BYTES, 0)
      return
    }
    const { guard } = this.#parts
    const { realm } = context
    const startedMs = performance.now()
    const deadlineMs = startedMs + timeoutMs
    const ending = guard.evaluate(script.script, realm, deadlineMs)
    const value = guard.value
    realm.record.run = run
    realm.record.value = ending === COMPLETED ? value : undefined
    const noted = realm.step(Op.manyFirst, deadlineMs + SLICE_SLACK_MS)
    if (ending === COMPLETED) {
      if (noted === COMPLETED && realm.record.status !== Status.failed && realm.record.code === 1) this.#next(many)
      else this.#one(many, noted, startedMs)
      return
    }
    if (ending === THREW) {
      realm.record.value = value
      this.#one(many, realm.step(Op.thrown, deadlineMs + SLICE_SLACK_MS), startedMs)
    } else this.#one(many, ending, startedMs)
  }

  /** The client has taken a message. */
  more(run: number): void {
    const many = this.#runs.get(run)
    if (many === undefined) return
    many.window = Math.min(MANY_WINDOW, many.window + 1)
    if (!many.busy) this.#next(many)
  }

  isUnderWay(run: number): boolean {
    return this.#runs.has(run)
  }

  /** Whether there is such a run; then it is over. */
  cancel(run: number): boolean {
    const many = this.#runs.get(run)
    if (many === undefined) return false
    this.#fail(many, 'ERR_CANCELLED', 'cancelled', 'run')
    return true
  }

  /** The tenant has used up its processor time. */
  endAll(): void {
    for (const many of this.#runs.values()) this.#fail(many, 'ERR_CPU_LIMIT', EXHAUSTED, 'run')
  }

  /** The context is going away. */
  endOf(context: ChannelContext): void {
    for (const many of this.#runs.values())
      if (many.context === context) this.#fail(many, 'ERR_CONTEXT_LOST', 'its context was disposed', 'run')
  }

  close(): void {
    this.#runs.clear()
  }

  #next(many: Many): void {
    many.busy = many.window > 0
    if (!many.busy) return
    if (this.#conversation.isCongested()) setTimeout(() => this.#slice(many), CONGESTED_MS)
    else setImmediate(() => this.#slice(many))
  }

  #slice(many: Many): void {
    if (this.#runs.get(many.run) !== many) return
    if (this.#conversation.isCongested()) {
      this.#next(many)
      return
    }
    const { context, run } = many
    const { realm } = context
    const { guard, heartbeat } = this.#parts
    const startedMs = performance.now()
    realm.record.run = run
    realm.record.origin = run
    this.#hostCalls.begin()
    heartbeat.serve(this.#channel, run)
    const ending = realm.step(Op.manySlice, startedMs + many.timeoutMs + SLICE_SLACK_MS)
    if (heartbeat.rest()) guard.absorbInterrupt()
    const { code: count, status } = realm.record
    if (ending === THREW) {
      this.#fail(many, 'ERR_INTERRUPTED', 'the stack of this worker is used up', 'run')
    } else {
      if (count > 0 || ending === COMPLETED) this.#send(many, realm.result(), count)
      // Jobs of inputs that have their outcomes already: which one's cannot be known.
      if (ending === INTERRUPTED && status === Status.done) this.#turns.wentOn(context, performance.now())
      if (ending === INTERRUPTED && status !== Status.done) this.#timedOut(many, startedMs)
      else if (status === Status.pending) this.#wait(many, performance.now())
      else if (this.#runs.has(run)) this.#next(many)
    }
    this.#turns.after(context)
    this.#answers.flush()
  }

  /** One input's outcome, or its promise, as a step has left it in the record. `computedMs` is what it computed, if it has waited. */
  #one(many: Many, ending: Ending, startedMs: number, computedMs?: number): void {
    const { realm } = many.context
    const { record } = realm
    const wallMs = performance.now() - startedMs
    const times = { wallMs, cpuMs: computedMs ?? wallMs - this.#hostCalls.waitedMs }
    if (ending === INTERRUPTED) this.#timedOut(many, startedMs)
    else if (ending === THREW)
      this.#outcome(many, () => this.#answers.failedOutcome('ERR_INTERRUPTED', 'the stack of this worker is used up', 'run', times))
    else if (record.status === Status.pending) this.#wait(many, startedMs)
    else this.#outcome(many, () => this.#answers.outcome(realm, many.context.limits.maxOutput, times))
  }

  #timedOut(many: Many, startedMs: number): void {
    // It may have begun to wait for its promise.
    many.context.realm.record.run = many.run
    many.context.realm.step(Op.forget, performance.now() + SLICE_SLACK_MS)
    const nowMs = performance.now()
    if (this.#parts.pause.isOn && nowMs < startedMs + many.timeoutMs) {
      this.#fail(many, 'ERR_CPU_LIMIT', EXHAUSTED, 'run')
      return
    }
    many.context.overran(nowMs)
    const run = this.#runOf(many, startedMs)
    const { waitedFor, waitedMs } = this.#hostCalls
    run.busyMs = nowMs - startedMs - waitedMs
    const state = waitedFor === undefined ? 'computed' : `waited for host call '${waitedFor}'`
    const text = ranOut(run, `${state} on input ${many.settled}`, nowMs)
    const times = { wallMs: nowMs - startedMs, cpuMs: run.busyMs }
    this.#outcome(many, () => this.#answers.failedOutcome('ERR_TIMEOUT', text, waitedFor === undefined ? 'run' : 'host-call', times))
  }

  /** Sends one outcome that `write` writes, and goes on. */
  #outcome(many: Many, write: () => void): void {
    many.settled++
    const done = many.settled >= many.total
    const start = this.#answers.openOutcomes(many.run, done, 1)
    write()
    this.#answers.closeOutcomes(start)
    this.#sent(many, done)
    if (!done) this.#next(many)
  }

  #send(many: Many, bytes: Uint8Array, count: number): void {
    many.settled += count
    if (many.settled >= many.total) this.#finish(many, bytes, count)
    else if (count > 0) {
      this.#answers.outcomes(many.run, false, bytes, count)
      many.window--
    }
  }

  #finish(many: Many, bytes: Uint8Array, count: number): void {
    this.#answers.outcomes(many.run, true, bytes, count)
    this.#sent(many, true)
  }

  #sent(many: Many, done: boolean): void {
    many.window--
    if (!done) return
    this.#forget(many)
    this.#parts.counter.ended(ENDED_WELL, -1)
  }

  /** The input's outcome is a promise. */
  #wait(many: Many, startedMs: number): void {
    this.#turns.wait(this.#runOf(many, startedMs))
  }

  #runOf(many: Many, startedMs: number): Run {
    const { run, context, filename, timeoutMs } = many
    const one: Run = {
      run,
      context,
      filename,
      startedMs,
      deadlineMs: startedMs + timeoutMs,
      queuedMs: 0,
      maxOutput: context.limits.maxOutput,
      busyMs: 0,
      owner: {
        settled: (ending) => this.#one(many, ending, startedMs, one.busyMs),
        abandoned: (code, message, phase) => {
          const times = { wallMs: performance.now() - startedMs, cpuMs: one.busyMs }
          if (code === 'ERR_TIMEOUT') this.#outcome(many, () => this.#answers.failedOutcome(code, message, phase, times))
          else this.#fail(many, code, message, phase)
        },
      },
    }
    return one
  }

  #fail(many: Many, code: ErrorCode, message: string, phase: Phase): void {
    this.#forget(many)
    this.#turns.forgetRun(many.run)
    this.#answers.failed(many.run, code, message, phase, 0, 0)
    this.#parts.counter.failed(ERROR_CODES[code], -1)
  }

  #forget(many: Many): void {
    if (!this.#runs.delete(many.run)) return
    many.context.realm.record.run = many.run
    many.context.realm.step(Op.manyEnd, performance.now() + SLICE_SLACK_MS)
  }
}
