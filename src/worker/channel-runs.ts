import { withoutFrames } from '../confined/own-error.ts'
import { evalExcerpt, syntaxErrorOf } from '../confined/syntax-error.ts'
import type { ClientToWorker } from '../protocol/channel-link.ts'
import type { ErrorCode } from '../protocol/error-codes.ts'
import { MAX_CONTEXTS, MAX_OUTPUT, MAX_PENDING_RUNS, MAX_SOURCE, TIMEOUT_MS } from '../protocol/limits.ts'
import type { Phase } from '../protocol/report.ts'
import { type Answers, isPlainPrimitive } from './answers.ts'
import { ChannelContext } from './channel-context.ts'
import { ContextTurns } from './context-turns.ts'
import { COMPLETED, type Ending, type Guard, INTERRUPTED, THREW } from './guard.ts'
import type { Heartbeat } from './heartbeat.ts'
import { HostCalls } from './host-calls.ts'
import type { Conversation } from './host-answer.ts'
import { ManyRuns } from './many-runs.ts'
import type { ReadyContexts } from './ready-contexts.ts'
import { Op, Status } from './realm/record.ts'
import type { Run } from './run.ts'
import { type CompiledScript, namedSource, type ScriptCache } from './scripts.ts'
import type { UploadedScripts } from './uploaded-scripts.ts'
import { ranOut } from './timeout-text.ts'

/** What all channels of a worker share. */
export interface WorkerParts {
  readonly guard: Guard
  readonly heartbeat: Heartbeat
  readonly ready: ReadyContexts
  readonly scripts: ScriptCache
  readonly uploads: UploadedScripts
  /** For the daemon: contexts and waiting runs now, and runs so far. */
  readonly usage: { contexts: number; runs: number; waiting: number }
}

type Message = Exclude<ClientToWorker, { readonly type: 'hello' | 'cancel' }>
/** What is answered once. */
type Request = Exclude<Extract<Message, { readonly run: number }>, { readonly type: 'more' }>
type ContextRequest = Extract<Request, { readonly timeoutMs: number }>

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
  readonly #hostCalls: HostCalls
  readonly #turns: ContextTurns
  readonly #many: ManyRuns
  /** Runs that were cancelled before they were read, or while a guest waits for a host call. */
  readonly #cancelled = new Set<number>()
  #lastRun = 0
  /** The run at work, for its answer. */
  #run = 0
  #filename: string | undefined
  #startedMs = 0
  #deadlineMs = 0
  /** Since when it computes this time, and how long it did before, in milliseconds. */
  #sinceMs = 0
  #busyMs = 0

  constructor(parts: WorkerParts, channel: number, maxTimeoutMs: number, answers: Answers, conversation: Conversation) {
    this.#parts = parts
    this.#channel = channel
    this.#maxTimeoutMs = maxTimeoutMs
    this.#answers = answers
    this.#hostCalls = new HostCalls(answers, conversation)
    this.#turns = new ContextTurns(parts, channel, answers, conversation, this.#hostCalls, {
      settled: (context, run, ending) => this.#resume(context, run, ending),
      released: (context) => this.#dropIfDone(context),
    })
    this.#many = new ManyRuns(parts, channel, answers, conversation, this.#hostCalls, this.#turns)
  }

  /** Functions that contexts and client hold of each other. */
  get handles(): number {
    let handles = 0
    for (const { realm } of this.#contexts.values()) handles += realm.record.exported + realm.record.imported
    return handles
  }

  /** Whether the run at work, which waits for a host call, was cancelled. */
  get isCancelled(): boolean {
    return this.#cancelled.has(this.#run)
  }

  /** Serves one message. `payload` is the value that came with it, still encoded. */
  serve(message: Message, payload: Uint8Array): void {
    if (message.type === 'more') {
      this.#many.more(message.run)
      return
    }
    if (message.type === 'script') {
      this.#parts.uploads.keep(this.#channel, message)
      return
    }
    if ('run' in message) {
      this.#request(message, payload)
      return
    }
    const context = this.#contexts.get(message.context)
    // It was disposed since.
    if (context === undefined) return
    switch (message.type) {
      case 'releasedByHost':
        this.#turns.release(context, message.handles)
        this.#dropIfDone(context)
        return
      case 'returned':
      case 'raised':
        this.#turns.answered(context, message.call, message.type, payload)
        return
      case 'promised':
        // The call that it answers is over.
        return
      default:
        message satisfies never
    }
  }

  cancel(run: number): void {
    if (this.#many.cancel(run)) this.#answers.flush()
    else if (!this.#turns.abandonRun(run, 'ERR_CANCELLED', 'cancelled') && run > this.#lastRun && this.#cancelled.size < MAX_PENDING_RUNS)
      this.#cancelled.add(run)
    this.#answers.flush()
  }

  /** The same from inside the run at work; false if it is for another. */
  cancelCurrent(run: number): boolean {
    if (run !== this.#run || run === 0) return false
    this.#cancelled.add(run)
    return true
  }

  /** Sees to contexts in which something came about by itself: a callback of a FinalizationRegistry. */
  sweep(): void {
    for (const context of this.#contexts.values()) if (context.realm.record.attention !== 0) this.#turns.after(context)
    this.#answers.flush()
  }

  /** The client is gone: nothing is answered any more. */
  close(): void {
    this.#turns.close()
    this.#many.close()
    for (const context of this.#contexts.values()) this.#turns.stop(context)
    this.#parts.usage.contexts -= this.#contexts.size
    this.#contexts.clear()
    this.#parts.uploads.forget(this.#channel)
  }

  #request(request: Request, payload: Uint8Array): void {
    this.#run = request.run
    this.#lastRun = request.run
    this.#startedMs = performance.now()
    this.#sinceMs = this.#startedMs
    this.#busyMs = 0
    this.#filename = undefined
    this.#hostCalls.begin()
    if (this.#cancelled.delete(request.run)) {
      this.#fail('ERR_CANCELLED', 'cancelled before it started', 'queued')
      return
    }
    if (this.#turns.waiting >= MAX_PENDING_RUNS) {
      this.#fail('ERR_OVERLOADED', `${MAX_PENDING_RUNS} runs of this channel wait already`, 'queued')
      return
    }
    this.#parts.usage.runs++
    this.#parts.heartbeat.serve(this.#channel, request.run)
    const context = this.#dispatch(request, payload)
    if (this.#parts.heartbeat.rest()) this.#parts.guard.absorbInterrupt()
    this.#cancelled.delete(request.run)
    this.#run = 0
    if (context === undefined || context.realm.record.attention === 0) return
    this.#turns.after(context)
    // Made for this run, which is over.
    if (context.once && !this.#contexts.has(context.number)) this.#turns.stop(context)
  }

  /** Returns the context in which code may have run. */
  #dispatch(request: Request, payload: Uint8Array): ChannelContext | undefined {
    switch (request.type) {
      case 'create':
        return this.#create(request.context, payload)
      case 'dispose':
        this.#dispose(request.context)
        return undefined
      case 'once':
      case 'onceWith': {
        if (this.#isTaken(request.context)) return undefined
        const context = this.#take(request.context, true)
        this.#deadlineMs = this.#startedMs + Math.min(request.timeoutMs, this.#maxTimeoutMs)
        if (request.type === 'onceWith' && !this.#define(context, payload)) return undefined
        this.#evaluate(context, request.source, request.filename)
        if (!context.isDone) this.#keep(context)
        return context
      }
      case 'onceScript':
      case 'onceScriptWith': {
        const compiled = this.#uploaded(request.hash)
        if (compiled === undefined || this.#isTaken(request.context)) return undefined
        const context = this.#take(request.context, true)
        this.#deadlineMs = this.#startedMs + Math.min(request.timeoutMs, this.#maxTimeoutMs)
        if (request.type === 'onceScriptWith' && !this.#define(context, payload)) return undefined
        this.#enter(context, compiled)
        if (context.pending.size > 0 || context.realm.record.exported > 0) this.#keep(context)
        return context
      }
      default: {
        const context = this.#contexts.get(request.context)
        if (context === undefined) {
          this.#fail('ERR_CONTEXT_LOST', 'there is no such context: it was disposed', 'queued')
          return undefined
        }
        this.#deadlineMs = this.#startedMs + Math.min(request.timeoutMs, this.#maxTimeoutMs)
        this.#access(context, request, payload)
        return context
      }
    }
  }

  #access(
    context: ChannelContext,
    request: Exclude<ContextRequest, { readonly type: 'once' | 'onceWith' | 'onceScript' | 'onceScriptWith' }>,
    payload: Uint8Array,
  ): void {
    const { record } = context.realm
    record.origin = this.#run
    if (context.pending.size === 0) context.allowCalls(this.#startedMs)
    switch (request.type) {
      case 'run':
        this.#evaluate(context, request.source, request.filename)
        return
      case 'runScript': {
        const compiled = this.#uploaded(request.hash)
        if (compiled !== undefined) this.#enter(context, compiled)
        return
      }
      case 'many':
        this.#beginMany(context, request, payload)
        return
      case 'idle':
        this.#turns.waitForIdle(this.#waitingRun(context))
        return
      case 'set':
      case 'call':
        if (!this.#give(context, payload)) return
        record.name = request.name
        if (request.type === 'call') this.#answers.relieve()
        this.#step(context, request.type === 'set' ? Op.set : Op.call)
        return
      case 'invoke':
        if (!this.#give(context, payload)) return
        record.code = request.handle
        this.#answers.relieve()
        this.#step(context, Op.invoke)
        return
      default:
        record.name = request.name
        this.#step(context, OP_OF[request.type])
    }
  }

  #beginMany(context: ChannelContext, request: Extract<Request, { readonly type: 'many' }>, inputs: Uint8Array): void {
    const { run, source, filename } = request
    const compiled = this.#compile(source, filename)
    if (compiled === undefined || !this.#give(context, inputs)) return
    const { realm } = context
    // What is evaluated again for each input is the source itself, under its name.
    realm.record.name = namedSource(source, filename)
    realm.record.run = run
    const ending = realm.step(Op.manyBegin, this.#deadlineMs)
    if (ending !== COMPLETED || realm.record.status !== Status.done) {
      this.#answer(context, ending)
      return
    }
    this.#answers.relieve()
    const timeoutMs = Math.min(request.timeoutMs, this.#maxTimeoutMs)
    this.#many.begin(context, { run, timeoutMs, filename, source }, compiled, realm.record.code)
  }

  #isTaken(number: number): boolean {
    if (!this.#contexts.has(number)) return false
    this.#fail('ERR_PROTOCOL', `context ${number} exists already`, 'queued')
    return true
  }

  #take(number: number, once: boolean): ChannelContext {
    const context = new ChannelContext(this.#parts.ready.take(), number, once)
    context.realm.record.origin = this.#run
    context.realm.onRequest = (request, deadlineMs) => this.#hostCalls.answer(context, request, deadlineMs)
    return context
  }

  #keep(context: ChannelContext): void {
    this.#contexts.set(context.number, context)
    this.#parts.usage.contexts++
  }

  #create(number: number, globals: Uint8Array): ChannelContext | undefined {
    if (this.#isTaken(number)) return undefined
    if (this.#parts.usage.contexts >= MAX_CONTEXTS.default) {
      this.#fail('ERR_CONTEXT_LIMIT', `this worker has its limit of ${MAX_CONTEXTS.default} contexts; dispose some`, 'queued')
      return undefined
    }
    const context = this.#take(number, false)
    this.#deadlineMs = this.#startedMs + Math.min(TIMEOUT_MS.default, this.#maxTimeoutMs)
    if (!this.#define(context, globals)) return undefined
    this.#keep(context)
    this.#answers.primitive(this.#run, undefined, MAX_OUTPUT.max)
    return context
  }

  #dispose(number: number): void {
    const context = this.#contexts.get(number)
    if (context !== undefined) this.#drop(context)
    this.#answers.primitive(this.#run, undefined, MAX_OUTPUT.max)
  }

  #drop(context: ChannelContext): void {
    if (!this.#contexts.delete(context.number)) return
    this.#parts.usage.contexts--
    this.#many.endAll(context)
    this.#turns.abandonAll(context, 'ERR_CONTEXT_LOST', 'its context was disposed')
    this.#turns.stop(context)
  }

  /** A context that was made for one run ends with it, and with the last handle that its client holds. */
  #dropIfDone(context: ChannelContext): void {
    if (context.isDone) this.#drop(context)
  }

  #evaluate(context: ChannelContext, source: string, filename: string | undefined): void {
    this.#filename = filename
    if (source.length > MAX_SOURCE.default) {
      this.#fail('ERR_SOURCE_LIMIT', `the source has ${source.length} characters, over the limit of ${MAX_SOURCE.default}`, 'compile')
      return
    }
    const compiled = this.#compile(source, filename)
    if (compiled !== undefined) this.#enter(context, compiled)
  }

  #enter(context: ChannelContext, compiled: CompiledScript): void {
    const { realm } = context
    const { guard } = this.#parts
    // Answers of runs before this one must not wait for one that may take long.
    if (!compiled.quick) this.#answers.relieve()
    const ending = guard.evaluate(compiled.script, realm, this.#deadlineMs)
    compiled.quick = performance.now() - this.#startedMs < QUICK_MS
    if (ending === INTERRUPTED) {
      this.#interrupted(context)
      return
    }
    const value = guard.value
    if (ending === COMPLETED && isPlainPrimitive(value)) {
      this.#answers.guestMessages(realm)
      if (!this.#answers.primitive(this.#run, value, MAX_OUTPUT.default)) this.#outputTooLarge()
      return
    }
    realm.record.value = value
    if (ending === THREW) this.#step(context, Op.thrown, Math.max(this.#deadlineMs, performance.now()) + LATE_THROW_MS)
    else this.#step(context, Op.settle)
  }

  #compile(source: string, filename: string | undefined): CompiledScript | undefined {
    return this.#parsed(() => this.#parts.scripts.get(source, filename))
  }

  /** A script that the client sent before. */
  #uploaded(hash: Uint8Array): CompiledScript | undefined {
    let known = true
    const compiled = this.#parsed(() => {
      const found = this.#parts.uploads.get(this.#channel, hash, () => this.#answers.cacheRefused(hash))
      known = found !== undefined
      return found
    })
    if (!known) this.#fail('ERR_SCRIPT_UNKNOWN', 'this worker does not have this script', 'compile')
    this.#filename = compiled?.filename
    return compiled
  }

  /** What V8 makes of a source; undefined if that is an error, which is then answered. */
  #parsed(compile: () => CompiledScript | undefined): CompiledScript | undefined {
    try {
      return compile()
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
    if (ending === COMPLETED && record.status === Status.primitive) return true
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
      this.#interrupted(context)
      return
    }
    const { record } = context.realm
    this.#answers.guestMessages(context.realm)
    // The step itself catches everything; what gets past it is a stack overflow on its way in.
    if (ending === THREW) {
      this.#answers.thrown(this.#run, withoutFrames(new RangeError('Maximum call stack size exceeded')))
      return
    }
    switch (record.status) {
      case Status.primitive: {
        const { value } = record
        record.value = undefined
        if (!isPlainPrimitive(value)) throw new Error('the realm side passed an object off as a primitive')
        if (!this.#answers.primitive(this.#run, value, MAX_OUTPUT.default)) this.#outputTooLarge()
        return
      }
      case Status.done:
        this.#answers.encoded('done', this.#run, context.realm.result())
        return
      case Status.threw: {
        const excerpt = evalExcerpt(record.value)
        if (excerpt === undefined) this.#answers.encoded('threw', this.#run, context.realm.result())
        else {
          record.message = excerpt
          this.#step(context, Op.placed, Math.max(this.#deadlineMs, performance.now()) + LATE_THROW_MS)
        }
        return
      }
      case Status.pending:
        this.#turns.wait(this.#waitingRun(context))
        return
      case Status.failed: {
        const now = performance.now()
        this.#answers.failedWith(this.#run, record.code, record.message, 'result', now - this.#startedMs, this.#computedMs(now))
        return
      }
      default:
        record.status satisfies never
    }
  }

  /** The run at work, which is not over. */
  #waitingRun(context: ChannelContext): Run {
    return {
      run: this.#run,
      context,
      filename: this.#filename,
      startedMs: this.#startedMs,
      deadlineMs: this.#deadlineMs,
      busyMs: this.#computedMs(performance.now()),
    }
  }

  /** The promise of a run that waited has settled: `ending` is that of the step that took its outcome. */
  #resume(context: ChannelContext, run: Run, ending: Ending): void {
    this.#run = run.run
    this.#filename = run.filename
    this.#startedMs = run.startedMs
    this.#deadlineMs = run.deadlineMs
    this.#sinceMs = performance.now()
    this.#busyMs = run.busyMs
    this.#hostCalls.begin()
    this.#answer(context, ending)
    this.#run = 0
    this.#dropIfDone(context)
  }

  /** The signal ended the run at work: its deadline's, or the daemon's, or, while it waited for the host, our own. */
  #interrupted(context: ChannelContext): void {
    this.#answers.guestMessages(context.realm)
    const now = performance.now()
    const elapsedMs = now - this.#startedMs
    const { waitedFor } = this.#hostCalls
    const busyMs = this.#computedMs(now)
    const phase = waitedFor === undefined ? 'run' : 'host-call'
    if (this.#cancelled.delete(this.#run)) this.#answers.failed(this.#run, 'ERR_CANCELLED', 'cancelled', phase, elapsedMs, busyMs)
    else if (now >= this.#deadlineMs - 1) {
      const state = waitedFor === undefined ? 'computed' : `waited for host call '${waitedFor}'`
      const run = { run: this.#run, context, filename: this.#filename, startedMs: this.#startedMs, deadlineMs: this.#deadlineMs, busyMs }
      this.#answers.failed(this.#run, 'ERR_TIMEOUT', ranOut(run, state, now), phase, elapsedMs, busyMs)
    } else this.#answers.failed(this.#run, 'ERR_INTERRUPTED', 'interrupted from outside', phase, elapsedMs, busyMs)
  }

  #outputTooLarge(): void {
    this.#fail('ERR_OUTPUT_LIMIT', `the result is larger than the limit of ${MAX_OUTPUT.default} bytes`, 'result')
  }

  #fail(code: ErrorCode, message: string, phase: Phase): void {
    const now = performance.now()
    this.#answers.failed(this.#run, code, message, phase, now - this.#startedMs, this.#computedMs(now))
  }

  /** How long the run at work has computed so far. */
  #computedMs(nowMs: number): number {
    return this.#busyMs + nowMs - this.#sinceMs - this.#hostCalls.waitedMs
  }
}

const OP_OF = { get: Op.get, delete: Op.delete, globals: Op.globals } as const
