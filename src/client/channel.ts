import { connect, type Socket } from 'node:net'
import { errorMessage } from '../base/error.ts'
import { nativeStrings } from '../base/native-strings.ts'
import { type ClientToWorker, clientToWorker, type WorkerToClient, workerToClient } from '../protocol/channel-link.ts'
import { errorCodeName } from '../protocol/error-codes.ts'
import { OUTCOME } from '../protocol/guest-messages.ts'
import { FrameSplitter } from '../protocol/framing.ts'
import {
  FRAME_OVERHEAD_BYTES,
  GRACE_MS,
  HELLO_TIMEOUT_MS,
  MANY_WINDOW,
  MAX_DEPTH,
  MAX_OUTPUT,
  MAX_QUEUED_BYTES,
  MAX_RELEASED,
  TIMEOUT_MS,
} from '../protocol/limits.ts'
import { CodecError } from '../protocol/msgpack/codec-error.ts'
import { MsgpackReader } from '../protocol/msgpack/reader.ts'
import { ValueDecoder } from '../protocol/values/value-decoder.ts'
import type { FunctionHandle } from '../protocol/values/value-options.ts'
import { MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '../protocol/versions.ts'
import { Calls } from './calls.ts'
import type { Script } from './compiler/script.ts'
import { ContextBridge } from './context-bridge.ts'
import type { Lease } from './control.ts'
import { ConnectionError, ContextLostError, errorForCode, ProtocolError, TimeoutError, ValueError } from './errors.ts'
import { guestErrorOf } from './guest-error.ts'
import { type GuestEventMap, type GuestEventName, type GuestEvents, levelOf } from './guest-events.ts'
import { goneFunction } from './guest-function.ts'
import { callHostFunction } from './host-functions.ts'
import { lateCause } from './late-cause.ts'
import type { Outcome, Outcomes } from './outcomes.ts'
import { checkDepth, currentFrame, type Nested } from './reentrance.ts'
import { FLUSH_BYTES, NO_PAYLOAD, Requests } from './requests.ts'
import type { RunScript } from './source-maps.ts'

/** Frames that a worker may send, in bytes: a value, or an error's text, and what goes with it. */
const MAX_FRAME_BYTES = MAX_OUTPUT.max + FRAME_OVERHEAD_BYTES
/** Node reads into this buffer again and again. */
const READ_BUFFER_BYTES = 64 * 1024

/** How long a worker may be silent beyond the longest deadline of its pending calls before they are given up, in milliseconds. Runs of other clients may be ahead in its queue. */
const SILENCE_MS = 5_000
const LOOK_MS = 250

type RequestHead = Extract<Exclude<ClientToWorker, { readonly type: 'hello' | 'cancel' | 'more' }>, { readonly run: number }>
/** A request without its number, which the channel gives. */
export type Request = RequestHead extends infer Head ? (Head extends RequestHead ? Omit<Head, 'run'> : never) : never

export interface ChannelEvents {
  /** The worker sent something that no worker sends. */
  readonly distrust: (reason: string) => void
  /** The connection is gone; called once. The channel's calls wait until {@link Channel.fail} says why. */
  readonly closed: () => void
  /** V8 did not take the code cache of a script that was sent. */
  readonly cacheRefused: (hash: Uint8Array) => void
  /** Listeners for what any context says. */
  readonly guests: GuestEvents
}

/** What is remembered of a call. */
interface AboutCall extends Nested {
  readonly context: number
  readonly timeoutMs: number
  /** Where outcomes of a `many` run go, how many have come, and how many inputs it has. */
  readonly many: ManyCall | undefined
  /** The source of a run, for the stacks of what it throws. */
  readonly script: RunScript | undefined
}

interface CallExtras extends Partial<Pick<AboutCall, 'many' | 'script'>> {
  /** Gets the number of the call. */
  readonly started?: (run: number) => void
}

interface ManyCall {
  readonly outcomes: Outcomes
  readonly inputs: number
  received: number
}

/** The client's connection to one worker. Everything that comes from it is HOSTILE: bounded, decoded by type, and one wrong byte ends the channel. */
export class Channel {
  readonly worker: number
  readonly number: number
  readonly #socket: Socket
  readonly #events: ChannelEvents
  readonly #calls = new Calls<unknown, AboutCall>()
  readonly #bridges = new Map<number, ContextBridge>()
  readonly #defaultTimeoutMs: number
  readonly #requests = new Requests({ find: (context) => this.#bridges.get(context), open: (context) => this.bridge(context) })
  readonly #reader = new MsgpackReader(undefined, 0, 0, nativeStrings)
  readonly #decoder = new ValueDecoder({
    maxDepth: MAX_DEPTH.max,
    functionIn: (handle) => this.#received(handle),
    remoteIn: (kind, parts) => (this.#unwanted === undefined ? this.bridge(this.#context).remotes.receive(kind, parts) : {}),
  })
  /** The context that the value which is read belongs to. */
  #context = 0
  /** Handles in a value that nobody wants, to be given back at once: ids and numbers in turns. */
  #unwanted: number[] | undefined
  /** Runs that were given up and have no answer yet, with their context. */
  readonly #abandoned = new Map<number, number>()
  readonly #welcome = Promise.withResolvers<void>()
  /** The longest deadline among the calls since this channel was idle last, and when the worker last answered one. */
  #longestMs = 0
  #progressMs = 0
  #look: NodeJS.Timeout | undefined
  #contexts = 0
  #flushing = false
  /** Of what has not left yet, replies have at most so many bytes. */
  #replyBytes = 0
  #closed = false
  #cause: Error | undefined

  constructor(lease: Lease, path: string, defaultTimeoutMs: number, events: ChannelEvents) {
    this.#defaultTimeoutMs = defaultTimeoutMs
    this.worker = lease.worker
    this.number = lease.channel
    this.#events = events
    const splitter = new FrameSplitter(MAX_FRAME_BYTES, (bytes, start, end) => this.#heard(bytes, start, end))
    const receive = (chunk: Uint8Array): void => {
      try {
        splitter.push(chunk)
      } catch (error) {
        this.#distrust(errorMessage(error))
      }
    }
    this.#socket = connect({
      path,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
        callback: (size, buffer) => {
          receive(buffer.subarray(0, size))
          return true
        },
      },
    })
    this.#socket.on('error', () => this.#close())
    this.#socket.on('close', () => this.#close())
    this.#welcome.promise.catch(() => undefined)
    const hello = clientToWorker.encode({
      type: 'hello',
      minVersion: MIN_PROTOCOL_VERSION,
      maxVersion: MAX_PROTOCOL_VERSION,
      ticket: lease.ticket,
    })
    this.#socket.write(hello)
  }

  get pending(): number {
    return this.#calls.size
  }

  get alive(): boolean {
    return !this.#closed && this.#cause === undefined
  }

  /** Waits until the worker has accepted the ticket. */
  async opened(): Promise<void> {
    const timer = setTimeout(
      () => this.fail(new ConnectionError('ERR_CONNECTION', `the worker did not answer within ${HELLO_TIMEOUT_MS} ms`)),
      HELLO_TIMEOUT_MS,
    )
    try {
      await this.#welcome.promise
    } finally {
      clearTimeout(timer)
    }
    if (this.#calls.size === 0) this.#socket.unref()
  }

  /** The functions that a context and this process hold of each other. */
  bridge(context: number): ContextBridge {
    let bridge = this.#bridges.get(context)
    if (bridge === undefined) {
      bridge = new ContextBridge(context, {
        invoke: (caller, handle, args) => this.#invoke(caller, handle, args),
        released: (released) => process.nextTick(() => this.#release(released)),
      })
      this.#bridges.set(context, bridge)
    }
    return bridge
  }

  #invoke(bridge: ContextBridge, handle: number, args: readonly unknown[]): Promise<unknown> {
    const { context } = bridge
    if (this.#cause === undefined && this.#bridges.get(context) !== bridge)
      return Promise.reject(new ContextLostError('ERR_CONTEXT_LOST', 'the context of this function is gone'))
    return this.call({ type: 'invoke', context, timeoutMs: this.#defaultTimeoutMs, handle }, args)
  }

  /** The context is gone: whatever this process holds of it is, too. */
  forget(context: number): void {
    const bridge = this.#bridges.get(context)
    this.#bridges.delete(context)
    bridge?.close()
  }

  /** Functions that this process holds of guests, and guests of this process. */
  countFunctions(): { readonly guest: number; readonly host: number } {
    let guest = 0
    let host = 0
    for (const bridge of this.#bridges.values()) {
      guest += bridge.guestFunctions
      host += bridge.exported.open
    }
    return { guest, host }
  }

  /** Sends a request; resolves with its result, rejects with what the guest threw or with a failure of ours. */
  call(request: Request, payload: unknown, { started, many, script }: CallExtras = {}): Promise<unknown> {
    if (this.#cause !== undefined) return Promise.reject(lateCause(this.#cause))
    const inside = currentFrame()
    const { context } = request
    const run = this.#calls.next()
    try {
      if (inside !== undefined) checkDepth(inside)
      this.#requests.write({ ...request, run }, context, payload)
    } catch (error) {
      return Promise.reject(asValueError(error))
    }
    if (this.#calls.size === 0) this.#busy()
    const timeoutMs = 'timeoutMs' in request ? request.timeoutMs : TIMEOUT_MS.default
    this.#longestMs = Math.max(this.#longestMs, timeoutMs)
    const about = { context, timeoutMs, inside, many, script }
    this.#bridges.get(context)?.allowCalls()
    const answer = this.#calls.wait(run, about)
    started?.(run)
    this.#flushSoon()
    return answer
  }

  /** Sends a compiled script, for requests that name it by its hash. */
  upload({ hash, filename, code, cachedData }: Script): void {
    if (this.#closed) return
    this.#requests.write({ type: 'script', hash: Buffer.from(hash, 'hex'), filename, code, cachedData }, 0, NO_PAYLOAD)
    this.#flushSoon()
  }

  /** Rejects one call here and now; its answer, if there is one, is not waited for. */
  abandon(run: number, cause: unknown): boolean {
    const about = this.#calls.about(run)
    const waited = this.#calls.reject(run, cause)
    if (about === undefined) return waited
    this.#settled(about)
    this.#abandoned.set(run, about.context)
    return waited
  }

  /** Asks the worker to drop or abort a run. One that computes does not hear it: the daemon interrupts it. */
  cancel(run: number): void {
    if (this.#closed) return
    this.#requests.write({ type: 'cancel', run }, 0, NO_PAYLOAD)
    this.#flushSoon()
  }

  /** Ends the channel: all its calls, now and later, fail with this cause. The first cause wins. */
  fail(cause: Error): void {
    this.#cause ??= cause
    this.#welcome.reject(this.#cause)
    this.#calls.rejectAll(this.#cause)
    for (const context of this.#bridges.keys()) this.forget(context)
    clearInterval(this.#look)
    this.#socket.destroy()
  }

  /** A number for a new context of this channel. */
  nextContext(): number {
    return ++this.#contexts
  }

  /** One write for all requests of a turn. */
  #flushSoon(): void {
    if (this.#requests.bytes > FLUSH_BYTES) this.#flush()
    else if (!this.#flushing) {
      this.#flushing = true
      process.nextTick(() => {
        this.#flushing = false
        this.#flush()
      })
    }
  }

  #flush(): void {
    const bytes = this.#requests.take()
    if (bytes !== undefined && !this.#closed) this.#socket.write(bytes)
  }

  #heard(bytes: Uint8Array, start: number, end: number): void {
    // What came together with the reason for the end.
    if (this.#cause !== undefined) return
    const reader = this.#reader
    reader.reset(bytes, start, end)
    const message = workerToClient.read(reader)
    switch (message.type) {
      case 'welcome':
        this.#welcome.resolve()
        return
      case 'done':
        this.#answered(message.run, (about) => this.#result(message.run, about, (value) => this.#calls.resolve(message.run, value)))
        return
      case 'threw':
        this.#answered(message.run, (about) =>
          this.#result(message.run, about, (thrown) =>
            this.#calls.reject(message.run, this.#guestError(thrown, about.context, about.script)),
          ),
        )
        return
      case 'failed':
        if (message.run === 0) this.fail(this.#failure(message, undefined))
        else if (!this.#abandoned.delete(message.run))
          this.#answered(message.run, (about) => this.#calls.reject(message.run, this.#failure(message, about)))
        return
      case 'hostCall':
        this.#hostCall(message)
        return
      case 'releasedByGuest': {
        const { handles } = message
        const exported = this.#speaker(message.context)?.exported
        for (let i = 0; i < handles.length; i += 2) exported?.release(handles[i] as number, handles[i + 1] as number)
        return
      }
      case 'console':
        this.#console(message)
        return
      case 'unhandled': {
        const name = message.rejection ? 'unhandledRejection' : 'uncaughtException'
        this.#emit(message.context, name, this.#guestError(this.#said(message.context), message.context, undefined))
        return
      }
      case 'outcomes':
        this.#outcomes(message)
        return
      case 'cacheRefused':
        this.#events.cacheRefused(message.hash)
        return
      default:
        message satisfies never
    }
  }

  /** An answer to a call: only if somebody waits for it is it progress, and is its value read. */
  #answered(run: number, settle: (about: AboutCall) => void): void {
    const about = this.#calls.about(run)
    if (about === undefined) {
      const context = this.#abandoned.get(run)
      if (!this.#abandoned.delete(run)) return
      this.#discarding(context as number, () => this.#payload(context as number))
      return
    }
    settle(about)
    this.#settled(about)
  }

  /** What a call came to. A lawful value that this process cannot hold (its Node is older than the guest's) fails that call alone. */
  #result(run: number, about: AboutCall, settle: (value: unknown) => void): void {
    let value: unknown
    try {
      value = this.#payload(about.context)
    } catch (error) {
      if (!(error instanceof CodecError) || error.code !== 'ERR_VALUE_UNSUPPORTED') throw error
      this.#calls.reject(run, asValueError(error))
      return
    }
    settle(value)
  }

  #payload(context: number): unknown {
    const value = this.#value(context)
    this.#reader.finish()
    return value
  }

  #value(context: number): unknown {
    this.#context = context
    return this.#decoder.read(this.#reader)
  }

  /** A function in a value that is read. */
  #received(handle: FunctionHandle): unknown {
    if (this.#unwanted === undefined) return this.bridge(this.#context).receive(handle)
    if (!handle.returns) this.#unwanted.push(handle.id, 1)
    return goneFunction(handle.name)
  }

  /** Reads something that belongs to no context of ours any more, and gives the functions in it back at once: the guest keeps what it thinks that this process holds. */
  #discarding<Result>(context: number, read: () => Result): Result {
    const unwanted: number[] = []
    this.#unwanted = unwanted
    try {
      return read()
    } finally {
      this.#unwanted = undefined
      this.#giveBack(context, unwanted)
    }
  }

  /** Who says something by itself. Undefined for a context that is gone, which its worker may hear too late, and a single run to which no function crossed. It cannot speak for one that never was. */
  #speaker(context: number): ContextBridge | undefined {
    if (context === 0 || context > this.#contexts) throw new Error('it speaks for a context that there never was')
    return this.#bridges.get(context)
  }

  /** What a context says by itself. */
  #said(context: number): unknown {
    return this.#speaker(context) !== undefined ? this.#payload(context) : this.#discarding(context, () => this.#payload(context))
  }

  #guestError(thrown: unknown, context: number, script: RunScript | undefined): Error {
    const error = guestErrorOf(thrown)
    this.#bridges.get(context)?.sourceMaps.map(error, script)
    return error
  }

  #failure(message: Extract<WorkerToClient, { readonly type: 'failed' }>, about: AboutCall | undefined): Error {
    const { phase, wallMs, cpuMs } = message
    const code = errorCodeName(message.code)
    const report = { phase, wallMs, cpuMs, worker: this.worker, peakRssBytes: 0 }
    if (code !== 'ERR_TIMEOUT' || about === undefined) return errorForCode(code, message.message, report)
    return errorForCode(code, message.message, { ...report, limit: 'timeout', configured: about.timeoutMs, observed: wallMs })
  }

  #hostCall(message: Extract<WorkerToClient, { readonly type: 'hostCall' }>): void {
    const bridge = this.#speaker(message.context)
    const args = this.#said(message.context)
    if (!Array.isArray(args)) throw new Error('a host call without a list of arguments')
    if (bridge === undefined) {
      // Its context was disposed, or its run was given up.
      const gone = Object.assign(new Error('the functions of this context are gone'), { code: 'ERR_FUNCTION_GONE' })
      this.#reply({ type: 'raised', context: message.context, call: message.call }, gone, message.sync)
      return
    }
    if (!bridge.mayCall(performance.now())) throw new Error('more host calls than a guest may make')
    const within = this.#calls.about(message.run)
    callHostFunction(bridge, message, within?.context === message.context ? within : undefined, args, {
      answer: (type, to, call, value) => {
        // The context is gone meanwhile, or the worker.
        if (this.#bridges.get(to.context) !== to) return
        this.#reply({ type, context: to.context, call }, value, message.sync)
      },
      promised: (to, call) => {
        if (this.#bridges.get(to.context) !== to) return
        this.#reply({ type: 'promised', context: to.context, call }, NO_PAYLOAD, true)
      },
    })
  }

  /** Sends what answers a worker's own message, which may not pile up. If a guest waits for it, that stands still, and its worker with it. */
  #reply(message: Extract<ClientToWorker, { readonly context: number }>, payload: unknown, isUrgent: boolean): void {
    const before = this.#requests.bytes
    this.#requests.write(message, message.context, payload)
    const unsent = this.#socket.writableLength
    if (unsent === 0) this.#replyBytes = 0
    this.#replyBytes += Math.max(0, this.#requests.bytes - before)
    if (this.#replyBytes > MAX_QUEUED_BYTES && unsent + this.#requests.bytes > MAX_QUEUED_BYTES)
      this.#distrust('it does not take the answers to its calls')
    // What cannot leave at once is gathered: each write costs more than a small answer.
    else if (isUrgent && unsent === 0) this.#flush()
    else this.#flushSoon()
  }

  #outcomes({ run, done }: Extract<WorkerToClient, { readonly type: 'outcomes' }>): void {
    const about = this.#calls.about(run)
    if (about?.many === undefined) {
      this.#unwantedOutcomes(run, done)
      return
    }
    const { many } = about
    const reader = this.#reader
    const count = reader.arrayHeader()
    const outcomes: Outcome[] = []
    for (let i = 0; i < count; i += 2) {
      const status = reader.uint32(OUTCOME.failed)
      const value = this.#value(about.context)
      const index = many.received++
      if (status === OUTCOME.fulfilled) outcomes.push({ index, status: 'fulfilled', value })
      else
        outcomes.push({
          index,
          status: 'rejected',
          reason: status === OUTCOME.rejected ? this.#guestError(value, about.context, about.script) : this.#inputFailure(value),
        })
    }
    reader.finish()
    if (many.received > many.inputs) throw new Error('more outcomes than inputs')
    if (many.outcomes.waiting > MANY_WINDOW + 1) throw new Error('more outcomes than were asked for')
    many.outcomes.push(outcomes)
    this.#progressMs = performance.now()
    if (!done) return
    this.#calls.resolve(run, undefined)
    this.#settled(about)
  }

  /** The run was given up: what its outcomes hold is given back. */
  #unwantedOutcomes(run: number, done: boolean): void {
    const context = this.#abandoned.get(run)
    if (context === undefined) return
    if (done) this.#abandoned.delete(run)
    const reader = this.#reader
    this.#discarding(context, () => {
      for (let left = reader.arrayHeader(); left > 0; left--) this.#value(context)
    })
    reader.finish()
  }

  /** An input that failed for a reason of the worker's: an array of code and message. */
  #inputFailure(value: unknown): Error {
    if (!Array.isArray(value) || typeof value[0] !== 'number' || typeof value[1] !== 'string') throw new Error('a failure without its code')
    const report = { phase: 'run' as const, wallMs: 0, cpuMs: 0, worker: this.worker, peakRssBytes: 0 }
    return errorForCode(errorCodeName(value[0]), value[1], report)
  }

  /** The client has taken a message of outcomes. */
  more(run: number): void {
    if (this.#closed || this.#calls.about(run) === undefined) return
    this.#requests.write({ type: 'more', run }, 0, NO_PAYLOAD)
    this.#flushSoon()
  }

  #console(message: Extract<WorkerToClient, { readonly type: 'console' }>): void {
    const { context, text, timeMs, dropped } = message
    const bridge = this.#speaker(context)
    if (bridge?.events.has('console') !== true && !this.#events.guests.has('console')) return
    const args = this.#said(context)
    if (!Array.isArray(args)) throw new Error('console output without a list of arguments')
    this.#emit(context, 'console', { level: levelOf(message.level), text, args, time: new Date(timeMs), dropped })
  }

  #emit<Name extends GuestEventName>(context: number, name: Name, ...event: GuestEventMap[Name]): void {
    this.#bridges.get(context)?.events.emit(name, ...event)
    this.#events.guests.emit(name, ...event)
  }

  /** Gives handles back to the guest. */
  #release(bridge: ContextBridge): void {
    const handles = bridge.takeReleased()
    if (this.#bridges.get(bridge.context) !== bridge) return
    this.#giveBack(bridge.context, handles)
    this.#forgetIfOver(bridge)
  }

  #giveBack(context: number, handles: readonly number[]): void {
    if (handles.length === 0 || this.#closed) return
    for (let from = 0; from < handles.length; from += 2 * MAX_RELEASED) {
      // The list has no prototype.
      const some: number[] = []
      for (let i = from; i < handles.length && i < from + 2 * MAX_RELEASED; i++) some.push(handles[i] as number)
      this.#reply({ type: 'releasedByHost', context, handles: some }, NO_PAYLOAD, false)
    }
  }

  #forgetIfOver(bridge: ContextBridge): void {
    if (bridge.isOver && !bridge.isWanted) this.forget(bridge.context)
  }

  /** The one run of this context is over. */
  over(context: number): void {
    const bridge = this.#bridges.get(context)
    if (bridge === undefined) return
    bridge.isOver = true
    this.#forgetIfOver(bridge)
  }

  #busy(): void {
    this.#socket.ref()
    this.#longestMs = 0
    this.#progressMs = performance.now()
    this.#look ??= setInterval(() => this.#lookForSilence(), LOOK_MS).unref()
  }

  #settled(about: AboutCall): void {
    this.#progressMs = performance.now()
    about.inside = undefined
    if (this.#calls.size === 0) this.#socket.unref()
  }

  /** The worker ends runs at their deadline, and the daemon ends workers that do not. Should a hostile worker deceive the daemon, calls are settled all the same. */
  #lookForSilence(): void {
    const silentMs = performance.now() - this.#progressMs
    if (this.#calls.size === 0 || silentMs < this.#longestMs + GRACE_MS + SILENCE_MS) return
    const report = {
      phase: 'queued' as const,
      worker: this.worker,
      cpuMs: 0,
      wallMs: silentMs,
      peakRssBytes: 0,
      limit: 'timeout',
      configured: this.#longestMs,
      observed: silentMs,
    }
    this.#calls.rejectAll(new TimeoutError('ERR_TIMEOUT', `worker ${this.worker} answered nothing for ${Math.round(silentMs)} ms`, report))
    this.#progressMs = performance.now()
    this.#socket.unref()
  }

  #distrust(reason: string): void {
    this.#events.distrust(reason)
    this.fail(new ProtocolError('ERR_PROTOCOL', `worker ${this.worker} broke the protocol (${reason}); it was ended`))
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#events.closed()
  }
}

function asValueError(error: unknown): unknown {
  return error instanceof CodecError ? new ValueError(error.code, error.message) : error
}
