import type { ClientToWorker } from '../protocol/channel-link.ts'
import type { ErrorCode } from '../protocol/error-codes.ts'
import { MAX_CONTEXTS, MAX_OUTPUT, MAX_PENDING_RUNS, MAX_SOURCE, TIMEOUT_MS } from '../protocol/limits.ts'
import type { Phase } from '../protocol/report.ts'
import type { Answers, Primitive } from './answers.ts'
import { ChannelContext } from './channel-context.ts'
import { COMPLETED, type Ending, type Guard, INTERRUPTED, THREW } from './guard.ts'
import type { Heartbeat } from './heartbeat.ts'
import { withoutFrames } from './own-error.ts'
import { type PendingRun, PendingRuns } from './pending-runs.ts'
import type { ReadyContexts } from './ready-contexts.ts'
import { Op, Status } from './realm/record.ts'
import type { CompiledScript, ScriptCache } from './scripts.ts'
import { syntaxErrorOf } from './syntax-error.ts'

/** What all channels of a worker share. */
export interface WorkerParts {
  readonly guard: Guard
  readonly heartbeat: Heartbeat
  readonly ready: ReadyContexts
  readonly scripts: ScriptCache
  /** For the daemon: contexts and waiting runs now, and runs so far. */
  readonly usage: { contexts: number; runs: number; waiting: number }
}

type Request = Exclude<ClientToWorker, { readonly type: 'hello' | 'cancel' }>
type ContextRequest = Exclude<Request, { readonly type: 'create' | 'dispose' }>

/** Budget of a step that nobody's deadline covers, in milliseconds. */
const HOUSEKEEPING_MS = 100
/** A script whose last run took no longer than this is expected to be as quick again, in milliseconds. */
const QUICK_MS = 0.2
/** What is thrown as the deadline passes is still told, if that takes no longer than this beyond it, in milliseconds. */
const LATE_THROW_MS = 10

/** The contexts of one channel, and what its client has them do. Answers each request once. */
export class ChannelRuns {
  readonly #parts: WorkerParts
  readonly #channel: number
  readonly #maxTimeoutMs: number
  readonly #answers: Answers
  readonly #contexts = new Map<number, ChannelContext>()
  readonly #pending: PendingRuns
  readonly #waiting = new Map<number, PendingRun>()
  /** Runs that were cancelled before they were read. */
  readonly #cancelled = new Set<number>()
  #lastRun = 0
  /** The run at work, for its answer. */
  #run = 0
  #startedMs = 0
  #deadlineMs = 0

  constructor(parts: WorkerParts, channel: number, maxTimeoutMs: number, answers: Answers) {
    this.#parts = parts
    this.#channel = channel
    this.#maxTimeoutMs = maxTimeoutMs
    this.#answers = answers
    this.#pending = new PendingRuns({
      drain: (context, deadlineMs) => {
        this.#drain(context, deadlineMs)
        answers.flush()
      },
      expire: (run) => {
        this.#abandon(run, 'ERR_TIMEOUT', 'waited for a promise until its deadline passed')
        answers.flush()
      },
    })
  }

  /** Serves one request. `payload` is the value that came with it, still encoded. */
  serve(request: Request, payload: Uint8Array): void {
    this.#run = request.run
    this.#lastRun = request.run
    this.#startedMs = performance.now()
    if (this.#cancelled.delete(request.run)) {
      this.#fail('ERR_CANCELLED', 'cancelled before it started', 'queued')
      return
    }
    if (this.#waiting.size >= MAX_PENDING_RUNS) {
      this.#fail('ERR_OVERLOADED', `${MAX_PENDING_RUNS} runs of this channel wait already`, 'queued')
      return
    }
    this.#parts.usage.runs++
    this.#parts.heartbeat.serve(this.#channel, request.run)
    this.#dispatch(request, payload)
    if (this.#parts.heartbeat.rest()) this.#parts.guard.absorbInterrupt()
  }

  cancel(run: number): void {
    const waiting = this.#waiting.get(run)
    if (waiting !== undefined) this.#abandon(waiting, 'ERR_CANCELLED', 'cancelled')
    else if (run > this.#lastRun && this.#cancelled.size < MAX_PENDING_RUNS) this.#cancelled.add(run)
    this.#answers.flush()
  }

  /** The client is gone: nothing is answered any more. */
  close(): void {
    for (const run of this.#waiting.values()) this.#pending.remove(run)
    this.#parts.usage.waiting -= this.#waiting.size
    this.#waiting.clear()
    this.#parts.usage.contexts -= this.#contexts.size
    this.#contexts.clear()
  }

  #dispatch(request: Request, payload: Uint8Array): void {
    switch (request.type) {
      case 'create':
        this.#create(request.context, payload)
        return
      case 'dispose':
        this.#dispose(request.context)
        return
      case 'once':
      case 'onceWith': {
        const context = new ChannelContext(this.#parts.ready.take(), true)
        this.#deadlineMs = this.#startedMs + Math.min(request.timeoutMs, this.#maxTimeoutMs)
        if (request.type === 'onceWith' && !this.#define(context, payload)) return
        this.#evaluate(context, request.source, request.filename)
        return
      }
      default: {
        const context = this.#contexts.get(request.context)
        if (context === undefined) {
          this.#fail('ERR_CONTEXT_LOST', 'there is no such context: it was disposed', 'queued')
          return
        }
        this.#deadlineMs = this.#startedMs + Math.min(request.timeoutMs, this.#maxTimeoutMs)
        this.#access(context, request, payload)
        this.#collect(context)
        if (context.realm.record.cleanups) this.#drain(context, performance.now() + HOUSEKEEPING_MS)
      }
    }
  }

  #access(context: ChannelContext, request: Exclude<ContextRequest, { readonly type: 'once' | 'onceWith' }>, payload: Uint8Array): void {
    if (request.type === 'run') {
      this.#evaluate(context, request.source, request.filename)
      return
    }
    const { record } = context.realm
    if ((request.type === 'set' || request.type === 'call') && !this.#give(context, payload)) return
    record.name = request.name
    if (request.type === 'call') this.#answers.flush()
    this.#step(context, OP_OF[request.type])
  }

  #create(number: number, globals: Uint8Array): void {
    if (this.#contexts.has(number)) {
      this.#fail('ERR_PROTOCOL', `context ${number} exists already`, 'queued')
      return
    }
    if (this.#parts.usage.contexts >= MAX_CONTEXTS.default) {
      this.#fail('ERR_CONTEXT_LIMIT', `this worker has its limit of ${MAX_CONTEXTS.default} contexts; dispose some`, 'queued')
      return
    }
    const context = new ChannelContext(this.#parts.ready.take(), false)
    this.#deadlineMs = this.#startedMs + Math.min(TIMEOUT_MS.default, this.#maxTimeoutMs)
    if (!this.#define(context, globals)) return
    this.#contexts.set(number, context)
    this.#parts.usage.contexts++
    this.#answers.primitive(this.#run, undefined, MAX_OUTPUT.max)
  }

  #dispose(number: number): void {
    const context = this.#contexts.get(number)
    if (context !== undefined) {
      this.#contexts.delete(number)
      this.#parts.usage.contexts--
      for (const run of context.pending.values()) this.#abandon(run, 'ERR_CONTEXT_LOST', 'its context was disposed')
    }
    this.#answers.primitive(this.#run, undefined, MAX_OUTPUT.max)
  }

  #evaluate(context: ChannelContext, source: string, filename: string | undefined): void {
    if (source.length > MAX_SOURCE.default) {
      this.#fail('ERR_SOURCE_LIMIT', `the source has ${source.length} characters, over the limit of ${MAX_SOURCE.default}`, 'compile')
      return
    }
    const compiled = this.#compile(source, filename)
    if (compiled === undefined) return
    const { realm } = context
    const { guard } = this.#parts
    // Answers of runs before this one must not wait for one that may take long.
    if (!compiled.quick) this.#answers.flush()
    const ending = guard.evaluate(compiled.script, realm, this.#deadlineMs)
    compiled.quick = performance.now() - this.#startedMs < QUICK_MS
    if (ending === INTERRUPTED) {
      this.#interrupted()
      return
    }
    const value = guard.value
    if (ending === COMPLETED && isPlainPrimitive(value)) {
      if (!this.#answers.primitive(this.#run, value, MAX_OUTPUT.default)) this.#outputTooLarge()
      return
    }
    realm.record.value = value
    if (ending === THREW) this.#step(context, Op.thrown, Math.max(this.#deadlineMs, performance.now()) + LATE_THROW_MS)
    else this.#step(context, Op.settle)
  }

  #compile(source: string, filename: string | undefined): CompiledScript | undefined {
    try {
      return this.#parts.scripts.get(source, filename)
    } catch (error) {
      const syntaxError = syntaxErrorOf(error)
      // V8 refuses a source for its size, or for nesting that overflows the parser's stack, with other errors of the main realm.
      const refused = (): Error => withoutFrames(new RangeError('the source cannot be compiled: it is nested too deeply or too large'))
      this.#answers.thrown(this.#run, syntaxError ?? refused())
      return undefined
    }
  }

  /** Defines the payload's entries as globals. False if that failed, which is then answered. */
  #define(context: ChannelContext, payload: Uint8Array): boolean {
    if (!this.#give(context, payload)) return false
    const { record } = context.realm
    const ending = context.realm.step(Op.define, this.#deadlineMs)
    if (ending === COMPLETED && record.status === Status.done) return true
    this.#answer(context, ending)
    return false
  }

  #give(context: ChannelContext, payload: Uint8Array): boolean {
    const ending = context.realm.give(payload, this.#deadlineMs)
    if (ending === COMPLETED) return true
    this.#answer(context, ending)
    return false
  }

  #step(context: ChannelContext, op: Op, deadlineMs: number = this.#deadlineMs): void {
    context.realm.record.run = this.#run
    this.#answer(context, context.realm.step(op, deadlineMs))
  }

  /** Answers the run at work with what its last step left in the record. */
  #answer(context: ChannelContext, ending: Ending): void {
    if (ending === INTERRUPTED) {
      this.#interrupted()
      return
    }
    const { record } = context.realm
    // The step itself catches everything; what gets past it is a stack overflow on its way in.
    if (ending === THREW) {
      this.#answers.thrown(this.#run, withoutFrames(new RangeError('Maximum call stack size exceeded')))
      return
    }
    switch (record.status) {
      case Status.done:
        this.#answers.encoded('done', this.#run, context.realm.result())
        return
      case Status.threw:
        this.#answers.encoded('threw', this.#run, context.realm.result())
        return
      case Status.pending:
        this.#wait(context)
        return
      case Status.failed: {
        const elapsed = performance.now() - this.#startedMs
        this.#answers.failedWith(this.#run, record.code, record.message, 'result', elapsed, elapsed)
        return
      }
      default:
        record.status satisfies never
    }
  }

  #wait(context: ChannelContext): void {
    const now = performance.now()
    const run: PendingRun = {
      run: this.#run,
      context,
      startedMs: this.#startedMs,
      deadlineMs: this.#deadlineMs,
      busyMs: now - this.#startedMs,
    }
    this.#waiting.set(run.run, run)
    this.#parts.usage.waiting++
    context.pending.set(run.run, run)
    this.#pending.add(run)
    // A promise that was settled already has had its say in the evaluate that asked for it.
    this.#collect(context)
  }

  #drain(context: ChannelContext, deadlineMs: number): void {
    this.#startedMs = performance.now()
    const ending = context.realm.step(Op.drain, deadlineMs)
    if (ending === INTERRUPTED) {
      // Somebody's code after an await ran on until the first deadline among the waiting runs: it is theirs to pay.
      const now = performance.now()
      for (const run of context.pending.values()) {
        if (run.deadlineMs <= now + 1) this.#abandon(run, 'ERR_TIMEOUT', 'computed until its deadline passed')
      }
    }
    this.#collect(context)
  }

  /** Answers the waiting runs whose promise has settled by now. */
  #collect(context: ChannelContext): void {
    const { record } = context.realm
    while (record.settled > 0 && context.pending.size > 0) {
      record.run = 0
      const left = record.settled
      const ending = context.realm.step(Op.take, nearestDeadline(context))
      const run = context.pending.get(record.run)
      if (run !== undefined) {
        this.#forget(run)
        this.#run = run.run
        this.#startedMs = run.startedMs
        this.#deadlineMs = run.deadlineMs
        this.#answer(context, ending)
      } else if (record.settled >= left) return
    }
  }

  /** Ends a waiting run for a reason of ours; its promise may settle later, unheard. */
  #abandon(run: PendingRun, code: ErrorCode, message: string): void {
    this.#forget(run)
    const { realm, once } = run.context
    if (!once && this.#contexts.size > 0) {
      realm.record.run = run.run
      realm.step(Op.forget, performance.now() + HOUSEKEEPING_MS)
    }
    this.#answers.failed(run.run, code, message, 'run', performance.now() - run.startedMs, run.busyMs)
  }

  #forget(run: PendingRun): void {
    if (this.#waiting.delete(run.run)) this.#parts.usage.waiting--
    run.context.pending.delete(run.run)
    this.#pending.remove(run)
  }

  #interrupted(): void {
    if (performance.now() >= this.#deadlineMs - 1) this.#fail('ERR_TIMEOUT', 'computed until its deadline passed', 'run')
    else if (this.#cancelled.delete(this.#run)) this.#fail('ERR_CANCELLED', 'cancelled', 'run')
    else this.#fail('ERR_INTERRUPTED', 'interrupted from outside', 'run')
  }

  #outputTooLarge(): void {
    this.#fail('ERR_OUTPUT_LIMIT', `the result is larger than the limit of ${MAX_OUTPUT.default} bytes`, 'result')
  }

  /** All that the run at work has done so far was computing. */
  #fail(code: ErrorCode, message: string, phase: Phase): void {
    const elapsed = performance.now() - this.#startedMs
    this.#answers.failed(this.#run, code, message, phase, elapsed, elapsed)
  }
}

const OP_OF = { get: Op.get, set: Op.set, delete: Op.delete, globals: Op.globals, call: Op.call } as const

function nearestDeadline(context: ChannelContext): number {
  let nearest = Number.POSITIVE_INFINITY
  for (const { deadlineMs } of context.pending.values()) nearest = Math.min(nearest, deadlineMs)
  return nearest
}

function isPlainPrimitive(value: unknown): value is Primitive {
  switch (typeof value) {
    case 'object':
      return value === null
    case 'function':
    case 'symbol':
      return false
    default:
      return true
  }
}
