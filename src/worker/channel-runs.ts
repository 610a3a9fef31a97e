import { performanceOf } from '../base/clock.ts'
import type { ClientToWorker } from '../protocol/channel-link.ts'
import { MalformedMessageError } from '../protocol/link.ts'
import { MAX_PENDING_RUNS, NEAR_SHARE, TIMEOUT_MS } from '../protocol/limits.ts'
import type { Admission } from '../confined/tickets.ts'
import type { Answers } from './answers.ts'
import { ChannelContext } from './channel-context.ts'
import { ContextTurns } from './context-turns.ts'
import { COMPLETED, type Guard } from './guard.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { Conversation } from './host-answer.ts'
import { HostCalls } from './host-calls.ts'
import { ManyRuns } from './many-runs.ts'
import { EXHAUSTED, type Pause } from './pause.ts'
import { MemoryMeasurements } from './memory-measurements.ts'
import { PlannedContexts } from './planned-contexts.ts'
import type { PresetContexts } from './preset-contexts.ts'
import type { ReadyContexts } from './ready-contexts.ts'
import { Op, Status } from './realm/record.ts'
import { RequestLimits } from './request-limits.ts'
import { RunAtWork } from './run-at-work.ts'
import type { RunCounter } from './run-counter.ts'
import { type CompiledScript, namedSource, type ScriptCache } from './scripts.ts'
import type { TimeZones } from './time-zones.ts'
import type { UploadedScripts } from './uploaded-scripts.ts'
import { VmRuns } from './vm-runs.ts'

/** What all channels of a worker share. */
export interface WorkerParts {
  readonly guard: Guard
  readonly counter: RunCounter
  readonly heartbeat: Pick<Heartbeat, 'serve' | 'rest' | 'isUnwanted'>
  readonly pause: Pause
  readonly ready: ReadyContexts
  readonly presets: PresetContexts
  readonly timeZones: TimeZones
  readonly scripts: ScriptCache
  readonly uploads: Pick<UploadedScripts, 'keep' | 'get' | 'forget'>
  /** Whether several channels share the context that is made: then data alone crosses. */
  readonly isShared?: boolean
  readonly maxContexts: number
  /** For the daemon: contexts and waiting runs now, and runs so far. */
  readonly usage: { contexts: number; runs: number; waiting: number }
}

type Message = Exclude<ClientToWorker, { readonly type: 'hello' | 'cancel' | 'attach' | 'ready' | 'end' }>
/** What is answered once. */
type Request = Exclude<Extract<Message, { readonly run: number }>, { readonly type: 'more' | 'due' | 'limits' }>
type ContextRequest = Extract<Request, { readonly timeoutMs: number }>

/** A script whose last run took no longer than this is expected to be as quick again, in milliseconds. */
const QUICK_MS = 0.2

/** The contexts of one channel, and what its client has them do. Answers each request once. */
export class ChannelRuns {
  readonly #parts: WorkerParts
  readonly #channel: number
  readonly #maxTimeoutMs: number
  readonly #limits: RequestLimits
  /** That its worker will have no room for contexts soon. */
  #hasWarned = false
  readonly #answers: Answers
  readonly #contexts = new Map<number, ChannelContext>()
  readonly #hostCalls: HostCalls
  readonly #turns: ContextTurns
  readonly #many: ManyRuns
  readonly #planned: PlannedContexts
  /** Runs that were cancelled before they were read, or while a guest waits for a host call. */
  readonly #cancelled = new Set<number>()
  #lastRun = 0
  /** The request that comes next has waited already, and is due at a time of `performance.now()`. */
  #dueRun = 0
  #dueMs = 0
  readonly #work: RunAtWork
  readonly #vm: VmRuns
  readonly #measurements: MemoryMeasurements

  constructor(parts: WorkerParts, { channel, maxTimeoutMs, limits }: Admission, answers: Answers, conversation: Conversation) {
    this.#parts = parts
    this.#channel = channel
    this.#maxTimeoutMs = maxTimeoutMs
    this.#limits = new RequestLimits(limits)
    this.#answers = answers
    this.#hostCalls = new HostCalls(answers, conversation)
    this.#turns = new ContextTurns(parts, channel, answers, conversation, this.#hostCalls, {
      settled: (context, run, ending) => {
        this.#work.resume(context, run, ending)
        this.#dropIfDone(context)
      },
      released: (context) => this.#dropIfDone(context),
    })
    this.#work = new RunAtWork(
      parts,
      answers,
      this.#hostCalls,
      this.#cancelled,
      () => this.#limits.channel,
      (run) => this.#turns.wait(run),
    )
    this.#measurements = new MemoryMeasurements(answers)
    this.#vm = new VmRuns(parts.guard, answers, this.#work, parts.counter)
    this.#many = new ManyRuns(parts, channel, answers, conversation, this.#hostCalls, this.#turns)
    this.#planned = new PlannedContexts(parts.presets, {
      number: channel,
      maxTimeoutMs,
      uploaded: (hash) => this.#uploaded(hash),
      knowsTimeZone: (zone) => this.#knowsTimeZone(zone),
      failed: (failure) => this.#work.presetFailed(failure),
    })
  }

  /** Functions that contexts and client hold of each other. */
  get handles(): number {
    let handles = 0
    for (const { realm } of this.#contexts.values()) handles += realm.record.exported + realm.record.imported
    return handles
  }

  /** Whether the run at work, which waits for a host call, was cancelled. */
  get isCancelled(): boolean {
    return this.#cancelled.has(this.#work.number)
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
    if (message.type === 'due') {
      this.#dueRun = message.run
      this.#dueMs = performanceOf(message.atMs)
      return
    }
    if (message.type === 'plan') {
      this.#planned.plans.add(message)
      return
    }
    if (message.type === 'limits') {
      this.#limits.lower(message)
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
    if (run !== this.#work.number || run === 0) return false
    this.#cancelled.add(run)
    return true
  }

  /** Whether a context computes until its deadline time and again. */
  offends(nowMs: number): boolean {
    for (const context of this.#contexts.values()) if (context.offends(nowMs)) return true
    return false
  }

  /** Sees to contexts in which something came about by itself: a callback of a FinalizationRegistry. */
  sweep(): void {
    for (const context of this.#contexts.values()) if (context.realm.record.attention !== 0) this.#turns.after(context)
    this.#answers.flush()
  }

  /** The tenant has used up its processor time: whatever waits ends. */
  pause(): void {
    this.#many.endAll()
    this.#turns.pause()
    this.#answers.flush()
  }

  /** The client is gone: nothing is answered any more. */
  close(): void {
    this.#turns.close()
    this.#many.close()
    this.#measurements.close()
    for (const context of this.#contexts.values()) this.#turns.stop(context)
    this.#parts.usage.contexts -= this.#contexts.size
    this.#contexts.clear()
    this.#parts.uploads.forget(this.#channel)
    this.#parts.presets.forget(this.#channel)
  }

  #request(request: Request, payload: Uint8Array): void {
    // Numbers count up, and begin anew after 32 bits.
    if (request.run <= this.#lastRun && (this.#turns.isWaiting(request.run) || this.#many.isUnderWay(request.run)))
      throw new MalformedMessageError(`the number ${request.run} of a request that is not answered yet`)
    this.#work.begin(request.run)
    this.#lastRun = request.run
    if (this.#cancelled.delete(request.run)) {
      this.#work.fail('ERR_CANCELLED', 'cancelled before it started', 'queued')
      this.#discard(request.context, payload)
      return
    }
    if (this.#turns.waiting >= MAX_PENDING_RUNS) {
      this.#work.fail('ERR_OVERLOADED', `${MAX_PENDING_RUNS} runs of this channel wait already`, 'queued')
      this.#discard(request.context, payload)
      return
    }
    if (request.run === this.#dueRun && performance.now() >= this.#dueMs) {
      this.#work.fail('ERR_TIMEOUT', 'the run waited for its turn until its deadline passed', 'queued')
      this.#discard(request.context, payload)
      return
    }
    // What is dropped takes no time, and others may need the room.
    if (this.#parts.pause.isOn && request.type !== 'dispose') {
      this.#work.fail('ERR_CPU_LIMIT', EXHAUSTED, 'queued')
      this.#discard(request.context, payload)
      return
    }
    this.#parts.usage.runs++
    this.#parts.heartbeat.serve(this.#channel, request.run)
    // Its client is gone, or gave it up, while this was on its way: the daemon found nothing to interrupt.
    if (this.#parts.heartbeat.isUnwanted) {
      if (this.#parts.heartbeat.rest()) this.#parts.guard.absorbInterrupt()
      this.#work.fail('ERR_CANCELLED', 'cancelled before it started', 'queued')
      this.#discard(request.context, payload)
      return
    }
    const context = this.#dispatch(request, payload)
    if (this.#parts.heartbeat.rest()) this.#parts.guard.absorbInterrupt()
    this.#cancelled.delete(request.run)
    this.#work.number = 0
    if (context?.realm.record.unread === true) this.#turns.discard(context, payload)
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
        if (!this.#mayAdd(request.context)) return undefined
        const context = this.#take(request.context, true)
        if (context === undefined) return undefined
        this.#setDeadline(request.timeoutMs)
        if (request.type === 'onceWith' && !this.#work.define(context, payload)) return undefined
        this.#evaluate(context, request.source, request.filename)
        if (!context.isDone) this.#keep(context)
        return context
      }
      case 'onceScript':
      case 'onceScriptWith': {
        const compiled = this.#uploaded(request.hash)
        if (compiled === undefined || !this.#work.admits(compiled.length) || !this.#mayAdd(request.context)) return undefined
        const context = this.#take(request.context, true)
        if (context === undefined) return undefined
        this.#setDeadline(request.timeoutMs)
        if (request.type === 'onceScriptWith' && !this.#work.define(context, payload)) return undefined
        this.#enter(context, compiled)
        if (!context.isDone) this.#keep(context)
        return context
      }
      case 'vmCompile':
        this.#vm.compile(request)
        return undefined
      case 'vmMeasure':
        if (!this.#measurements.measure(request.run, request.detailed))
          this.#work.fail('ERR_OVERLOADED', 'too many measurements of memory are under way', 'queued')
        return undefined
      default: {
        const context = this.#contexts.get(request.context)
        if (context === undefined) {
          this.#work.fail('ERR_CONTEXT_LOST', 'there is no such context: it was disposed', 'queued')
          return undefined
        }
        this.#setDeadline(request.timeoutMs)
        this.#access(context, request, payload)
        this.#work.out(context)
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
    record.origin = this.#work.number
    if (context.pending.size === 0) context.allowCalls(this.#work.startedMs)
    this.#work.in(context, this.#limits.ofRun(request.run, context.limits))
    switch (request.type) {
      case 'run':
        this.#evaluate(context, request.source, request.filename)
        return
      case 'runScript': {
        const compiled = this.#uploaded(request.hash)
        if (compiled !== undefined && this.#work.admits(compiled.length)) this.#enter(context, compiled)
        return
      }
      case 'many':
        record.unread = true
        this.#beginMany(context, request, payload)
        return
      case 'advance':
        this.#advance(context, request.ms)
        return
      case 'vmRun':
        record.unread = true
        this.#vm.run(context, request, payload)
        return
      case 'vmSync':
        record.unread = true
        this.#vm.sync(context, payload)
        return
      case 'idle':
        this.#turns.waitForIdle(this.#work.toWaiting(context))
        return
      case 'set':
      case 'call':
        record.unread = true
        if (!this.#work.give(context, payload)) return
        record.name = request.name
        if (request.type === 'call') this.#answers.relieve()
        this.#work.step(context, request.type === 'set' ? Op.set : Op.call)
        return
      case 'import':
      case 'modules':
        record.unread = true
        if (!this.#work.give(context, payload)) return
        context.realm.allowModules(context.limits.maxSource)
        this.#work.step(context, request.type === 'import' ? Op.import : Op.modules)
        return
      case 'invoke':
        record.unread = true
        if (!this.#work.give(context, payload)) return
        record.code = request.handle
        this.#answers.relieve()
        this.#work.step(context, Op.invoke)
        return
      default:
        record.name = request.name
        this.#work.step(context, OP_OF[request.type])
    }
  }

  #beginMany(context: ChannelContext, request: Extract<Request, { readonly type: 'many' }>, inputs: Uint8Array): void {
    const { run, source, filename } = request
    const compiled = this.#compile(source, filename)
    if (compiled === undefined || !this.#work.give(context, inputs)) return
    const { realm } = context
    // What is evaluated again for each input is the source itself, under its name.
    realm.record.name = namedSource(source, filename)
    realm.record.run = run
    const ending = realm.step(Op.manyBegin, this.#work.deadlineMs)
    if (ending !== COMPLETED || realm.record.status !== Status.done) {
      this.#work.answer(context, ending)
      return
    }
    this.#answers.relieve()
    const timeoutMs = Math.min(request.timeoutMs, this.#maxTimeoutMs)
    this.#many.begin(context, { run, timeoutMs, filename, source }, compiled, realm.record.code)
    // While its first input waited for the host.
    if (this.#cancelled.has(run)) this.#many.cancel(run)
  }

  /** A request is not served: its value is for nobody. */
  #discard(number: number, payload: Uint8Array): void {
    const context = this.#contexts.get(number)
    if (context !== undefined) this.#turns.discard(context, payload)
  }

  #knowsTimeZone(zone: string): boolean {
    if (this.#parts.timeZones.knows(zone)) return true
    this.#work.fail(
      'ERR_TIME_ZONE',
      `there is no time zone '${zone}' that a worker could be in: use a name such as 'Europe/Berlin'`,
      'queued',
    )
    return false
  }

  /** One timer a step, so that jobs run in between; all of them within the deadline. */
  #advance(context: ChannelContext, ms: number): void {
    const { realm } = context
    this.#answers.relieve()
    realm.record.value = ms
    let ending = realm.step(Op.advance, this.#work.deadlineMs)
    while (ending === COMPLETED && realm.record.status === Status.primitive && realm.record.code === 1)
      ending = realm.step(Op.advanceOn, this.#work.deadlineMs)
    this.#work.answer(context, ending)
  }

  /** Whether there may be a context of that number. If not, that is answered. A single run may leave its context behind, so it is refused before its code does anything. */
  #mayAdd(number: number): boolean {
    if (this.#contexts.has(number)) this.#work.fail('ERR_PROTOCOL', `context ${number} exists already`, 'queued')
    else {
      const maxContexts = this.#maxContexts
      const own = this.#limits.channel.maxContexts
      if (this.#contexts.size >= own && own < maxContexts)
        this.#tooManyContexts(own, `this connection has its limit of ${own} contexts in a worker; dispose some`)
      else if (this.#parts.usage.contexts < maxContexts) return true
      else this.#tooManyContexts(maxContexts, `this worker has its limit of ${maxContexts} contexts; dispose some`)
    }
    return false
  }

  get #maxContexts(): number {
    return Math.min(this.#parts.maxContexts, this.#limits.ceilings.maxContexts)
  }

  #tooManyContexts(configured: number, message: string): void {
    this.#work.failAt({ limit: 'maxContexts', configured, observed: configured + 1 }, 'ERR_CONTEXT_LIMIT', message, 'queued')
  }

  /** Undefined if it cannot be made as it was planned, which is then answered. */
  #take(number: number, once: boolean): ChannelContext | undefined {
    const plan = this.#planned.plans.take(number)
    const realm = plan === undefined ? this.#parts.ready.take() : this.#planned.make(plan)
    if (realm === undefined) return undefined
    // The scripts of its preset have deadlines of their own.
    if (plan !== undefined) this.#work.startedMs = performance.now()
    const context = new ChannelContext(realm, number, once, this.#limits.ofContext(number))
    this.#work.in(context, undefined)
    context.realm.record.origin = this.#work.number
    context.realm.record.dataOnly = this.#parts.isShared === true
    context.realm.onRequest = (request, deadlineMs) => this.#hostCalls.answer(context, request, deadlineMs)
    return context
  }

  #keep(context: ChannelContext): void {
    this.#contexts.set(context.number, context)
    this.#parts.usage.contexts++
    const { contexts: observed } = this.#parts.usage
    const configured = this.#maxContexts
    if (this.#hasWarned || observed < NEAR_SHARE * configured) return
    this.#hasWarned = true
    this.#answers.nearLimit({ context: context.number, limit: 'maxContexts', configured, observed })
  }

  #create(number: number, globals: Uint8Array): ChannelContext | undefined {
    if (!this.#mayAdd(number)) return undefined
    const context = this.#take(number, false)
    if (context === undefined) return undefined
    this.#setDeadline(TIMEOUT_MS.default)
    if (!this.#work.define(context, globals)) return undefined
    this.#keep(context)
    this.#answers.nothing(this.#work.number)
    return context
  }

  #dispose(number: number): void {
    const context = this.#contexts.get(number)
    if (context !== undefined) this.#drop(context)
    this.#answers.nothing(this.#work.number)
  }

  #drop(context: ChannelContext): void {
    if (!this.#contexts.delete(context.number)) return
    this.#parts.usage.contexts--
    this.#many.endOf(context)
    this.#turns.abandonAll(context, 'ERR_CONTEXT_LOST', 'its context was disposed')
    this.#turns.stop(context)
  }

  /** A context that was made for one run ends with it, and with the last handle that its client holds. */
  #dropIfDone(context: ChannelContext): void {
    if (context.isDone) this.#drop(context)
  }

  #evaluate(context: ChannelContext, source: string, filename: string | undefined): void {
    this.#work.filename = filename
    if (!this.#work.admits(source.length)) return
    const compiled = this.#compile(source, filename)
    if (compiled !== undefined) this.#enter(context, compiled)
  }

  #enter(context: ChannelContext, compiled: CompiledScript): void {
    const { guard } = this.#parts
    // Answers of runs before this one must not wait for one that may take long.
    if (!compiled.quick) this.#answers.relieve()
    const ending = guard.evaluate(compiled.script, context.realm, this.#work.deadlineMs)
    this.#work.tookMs = performance.now() - this.#work.startedMs
    compiled.quick = this.#work.tookMs < QUICK_MS
    this.#work.evaluated(context, ending, guard.value)
  }

  #compile(source: string, filename: string | undefined): CompiledScript | undefined {
    return this.#work.parsed(() => this.#parts.scripts.get(source, filename))
  }

  /** A script that the client sent before. */
  #uploaded(hash: Uint8Array): CompiledScript | undefined {
    let known = true
    const compiled = this.#work.parsed(() => {
      const found = this.#parts.uploads.get(this.#channel, hash, () => this.#answers.cacheRefused(hash))
      known = found !== undefined
      return found
    })
    if (!known) this.#work.fail('ERR_SCRIPT_UNKNOWN', 'this worker does not have this script', 'compile')
    this.#work.filename = compiled?.filename
    return compiled
  }

  /** Of the run at work. */
  #setDeadline(timeoutMs: number): void {
    const deadlineMs = this.#work.startedMs + Math.min(timeoutMs, this.#maxTimeoutMs)
    this.#work.deadlineMs = this.#work.number === this.#dueRun ? Math.min(deadlineMs, this.#dueMs) : deadlineMs
    this.#work.queuedMs = deadlineMs - this.#work.deadlineMs
  }
}

const OP_OF = { get: Op.get, delete: Op.delete, globals: Op.globals } as const
