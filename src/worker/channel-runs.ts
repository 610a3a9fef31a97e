import { performanceOf } from '../base/clock.ts'
import type { ClientToWorker } from '../protocol/channel-link.ts'
import { MalformedMessageError } from '../protocol/link.ts'
import { MAX_PENDING_RUNS, TIMEOUT_MS } from '../protocol/limits.ts'
import type { Admission } from '../confined/tickets.ts'
import type { Answers } from './answers.ts'
import type { ChannelContext } from './channel-context.ts'
import { ChannelContexts } from './channel-contexts.ts'
import { ContextRequests } from './context-requests.ts'
import { ContextTurns } from './context-turns.ts'
import type { Conversation } from './host-answer.ts'
import { HostCalls } from './host-calls.ts'
import { ManyRuns } from './many-runs.ts'
import { EXHAUSTED } from './pause.ts'
import { MemoryMeasurements } from './memory-measurements.ts'
import { RequestLimits } from './request-limits.ts'
import { RunAtWork } from './run-at-work.ts'
import { ScriptRuns } from './script-runs.ts'
import { VmRuns } from './vm-runs.ts'
import type { WorkerParts } from './worker-parts.ts'

type Message = Exclude<ClientToWorker, { readonly type: 'hello' | 'cancel' | 'attach' | 'ready' | 'end' }>
/** What is answered once. */
type Request = Exclude<Extract<Message, { readonly run: number }>, { readonly type: 'more' | 'due' | 'limits' }>

/** The contexts of one channel, and what its client has them do. Answers each request once. */
export class ChannelRuns {
  readonly #parts: WorkerParts
  readonly #channel: number
  readonly #maxTimeoutMs: number
  readonly #limits: RequestLimits
  readonly #answers: Answers
  readonly #contexts: ChannelContexts
  readonly #hostCalls: HostCalls
  readonly #turns: ContextTurns
  readonly #many: ManyRuns
  /** Runs that were cancelled before they were read, or while a guest waits for a host call. */
  readonly #cancelled = new Set<number>()
  #lastRun = 0
  /** The request that comes next has waited already, and is due at a time of `performance.now()`. */
  #dueRun = 0
  #dueMs = 0
  readonly #work: RunAtWork
  readonly #scripts: ScriptRuns
  readonly #vm: VmRuns
  readonly #requests: ContextRequests
  readonly #measurements: MemoryMeasurements

  constructor(parts: WorkerParts, admission: Admission, answers: Answers, conversation: Conversation) {
    const { channel, maxTimeoutMs, limits } = admission
    this.#parts = parts
    this.#channel = channel
    this.#maxTimeoutMs = maxTimeoutMs
    this.#limits = new RequestLimits(limits)
    this.#answers = answers
    this.#hostCalls = new HostCalls(answers, conversation)
    this.#turns = new ContextTurns(parts, channel, answers, conversation, this.#hostCalls, {
      settled: (context, run, ending) => {
        this.#work.resume(context, run, ending)
        this.#contexts.dropIfDone(context)
      },
      released: (context) => this.#contexts.dropIfDone(context),
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
    this.#scripts = new ScriptRuns(parts, channel, answers, this.#work)
    this.#requests = new ContextRequests(maxTimeoutMs, {
      answers,
      cancelled: this.#cancelled,
      limits: this.#limits,
      many: this.#many,
      scripts: this.#scripts,
      turns: this.#turns,
      vm: this.#vm,
      work: this.#work,
    })
    this.#contexts = new ChannelContexts(parts, admission, {
      answers,
      hostCalls: this.#hostCalls,
      limits: this.#limits,
      many: this.#many,
      scripts: this.#scripts,
      turns: this.#turns,
      work: this.#work,
    })
  }

  /** Functions that contexts and client hold of each other. */
  get handles(): number {
    return this.#contexts.handles
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
      this.#contexts.plans.add(message)
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
        this.#contexts.dropIfDone(context)
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
    return this.#contexts.offends(nowMs)
  }

  /** Sees to contexts in which something came about by itself: a callback of a FinalizationRegistry. */
  sweep(): void {
    this.#contexts.sweep()
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
    this.#contexts.close()
    this.#parts.uploads.forget(this.#channel)
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
        this.#contexts.dispose(request.context)
        return undefined
      case 'once':
      case 'onceWith': {
        if (!this.#contexts.mayAdd(request.context)) return undefined
        const context = this.#contexts.take(request.context, true)
        if (context === undefined) return undefined
        this.#setDeadline(request.timeoutMs)
        if (request.type === 'onceWith' && !this.#work.define(context, payload)) return undefined
        this.#scripts.evaluate(context, request.source, request.filename)
        if (!context.isDone) this.#contexts.keep(context)
        return context
      }
      case 'onceScript':
      case 'onceScriptWith': {
        const compiled = this.#scripts.uploaded(request.hash)
        if (compiled === undefined || !this.#work.admits(compiled.length) || !this.#contexts.mayAdd(request.context)) return undefined
        const context = this.#contexts.take(request.context, true)
        if (context === undefined) return undefined
        this.#setDeadline(request.timeoutMs)
        if (request.type === 'onceScriptWith' && !this.#work.define(context, payload)) return undefined
        this.#scripts.enter(context, compiled)
        if (!context.isDone) this.#contexts.keep(context)
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
        this.#requests.serve(context, request, payload)
        this.#work.out(context)
        return context
      }
    }
  }

  /** A request is not served: its value is for nobody. */
  #discard(number: number, payload: Uint8Array): void {
    const context = this.#contexts.get(number)
    if (context !== undefined) this.#turns.discard(context, payload)
  }

  #create(number: number, globals: Uint8Array): ChannelContext | undefined {
    if (!this.#contexts.mayAdd(number)) return undefined
    const context = this.#contexts.take(number, false)
    if (context === undefined) return undefined
    this.#setDeadline(TIMEOUT_MS.default)
    if (!this.#work.define(context, globals)) return undefined
    this.#contexts.keep(context)
    this.#answers.nothing(this.#work.number)
    return context
  }

  /** Of the run at work. */
  #setDeadline(timeoutMs: number): void {
    const deadlineMs = this.#work.startedMs + Math.min(timeoutMs, this.#maxTimeoutMs)
    this.#work.deadlineMs = this.#work.number === this.#dueRun ? Math.min(deadlineMs, this.#dueMs) : deadlineMs
    this.#work.queuedMs = deadlineMs - this.#work.deadlineMs
  }
}
