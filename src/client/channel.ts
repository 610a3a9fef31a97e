import { monotonicOf } from '../base/clock.ts'
import { isArgumentList } from '../protocol/arguments.ts'
import type { ChannelLimits } from '../protocol/channel-limits.ts'
import { type ClientToWorker, clientToWorker, type WorkerToClient, workerToClient } from '../protocol/channel-link.ts'
import type { ContextPlan } from '../protocol/context-messages.ts'
import { errorCodeName } from '../protocol/error-codes.ts'
import { HELLO_TIMEOUT_MS, MAX_QUEUED_BYTES, MAX_RELEASED, TIMEOUT_MS } from '../protocol/limits.ts'
import { CodecError } from '../protocol/msgpack/codec-error.ts'
import { MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '../protocol/versions.ts'
import { Bridges } from './bridges.ts'
import { Calls } from './calls.ts'
import { asValueError, ChannelWarnings, maxFrameBytes } from './channel-limits.ts'
import { ChannelSocket } from './channel-socket.ts'
import type { Script } from './compiler/script.ts'
import type { BridgeLimits, ContextBridge } from './context-bridge.ts'
import type { Lease } from './control.ts'
import { type Due, queuedTimeout, waitedMs } from './due.ts'
import { ConnectionError, ContextLostError, errorForCode, PresetError, ProtocolError, type Report } from './errors.ts'
import { exhaustedError } from './exhausted.ts'
import { guestErrorOf } from './guest-error.ts'
import { type GuestEventMap, type GuestEventName, type GuestEvents, levelOf } from './guest-events.ts'
import { callHostFunction } from './host-functions.ts'
import { lateCause } from './late-cause.ts'
import { discardOutcomes, type ManyCall } from './many-call.ts'
import { ReceivedValues } from './received-values.ts'
import { factsOf, placeText, type RunFacts, type Traces, withFacts } from './run-traces.ts'
import { checkDepth, currentFrame, type Nested } from './reentrance.ts'
import { FLUSH_BYTES, NO_PAYLOAD, Requests } from './requests.ts'
import { Silence } from './silence.ts'
import type { RunScript } from './source-maps.ts'

/** A worker reads more than this at once, in bytes, if it is there: all of it, or nothing. */
const READ_AT_ONCE_BYTES = 32 * 1024

type RequestHead = Extract<
  Exclude<ClientToWorker, { readonly type: 'hello' | 'cancel' | 'more' | 'due' | 'limits' }>,
  { readonly run: number }
>
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
interface AboutCall extends Nested, Traces {
  readonly context: number
  readonly timeoutMs: number
  /** Bytes of its result. */
  readonly maxOutput: number
  /** Where outcomes of a `many` run go. */
  readonly many: ManyCall | undefined
  /** The source of a run, for the stacks of what it throws. */
  readonly script: RunScript | undefined
  /** When it is due, if its time in the worker's line counts. */
  readonly due: Due | undefined
}

export interface CallExtras extends Partial<Pick<AboutCall, 'many' | 'script' | 'due'>> {
  /** Lower limits, of the context that it makes, or of itself. */
  readonly limits?: ChannelLimits | undefined
  /** Gets the number of the call. */
  readonly started?: (run: number) => void
}

/** The client's connection to one worker. Everything that comes from it is HOSTILE: bounded, decoded by type, and one wrong byte ends the channel. */
export class Channel {
  readonly worker: number
  readonly number: number
  readonly #socket: ChannelSocket
  readonly #events: ChannelEvents
  readonly #limits: ChannelLimits
  readonly #calls = new Calls<unknown, AboutCall>()
  readonly #bridges: Bridges
  readonly #requests: Requests
  readonly #values: ReceivedValues
  readonly #warnings: ChannelWarnings
  readonly #silence: Silence
  /** Runs that were given up and have no answer yet, with their context. */
  readonly #abandoned = new Map<number, number>()
  readonly #welcome = Promise.withResolvers<void>()
  #flushing = false
  /** Writes, and their bytes, since the worker had nothing to do for this channel. */
  #writes = 0
  #writtenBytes = 0
  /** Of what has not left yet, replies have at most so many bytes. */
  #replyBytes = 0
  readonly #openedMs = performance.now()
  /** Bytes of all messages that have come. */
  #received = 0
  /** The latest call that the worker is known to have begun with. */
  #begun = 0
  #cause: Error | undefined

  constructor(lease: Omit<Lease, 'type'>, path: string, defaults: BridgeLimits, events: ChannelEvents) {
    const { limits } = defaults
    this.#limits = limits
    this.#bridges = new Bridges(
      {
        invoke: (caller, handle, args) => this.#invoke(caller, handle, args),
        giveBack: (context, handles) => this.#giveBack(context, handles),
      },
      defaults,
    )
    this.#requests = new Requests(this.#bridges, limits.maxDepth)
    this.#warnings = new ChannelWarnings(lease.worker, this.#bridges, (context, warning) => this.#emit(context, 'warning', warning))
    this.#values = new ReceivedValues(this.#bridges, limits.maxDepth, (context, handles) => this.#giveBack(context, handles))
    this.worker = lease.worker
    this.number = lease.channel
    this.#events = events
    this.#silence = new Silence(lease.worker, (cause) => {
      this.#calls.rejectAll(cause)
      this.#socket.keepAlive(false)
    })
    this.#socket = new ChannelSocket(path, maxFrameBytes(limits), {
      frame: (bytes, start, end) => this.#heard(bytes, start, end),
      broken: (reason) => this.#distrust(reason),
      closed: () => events.closed(),
    })
    this.#welcome.promise.catch(() => undefined)
    const hello = clientToWorker.encode({
      type: 'hello',
      minVersion: MIN_PROTOCOL_VERSION,
      maxVersion: MAX_PROTOCOL_VERSION,
      ticket: lease.ticket,
    })
    this.#socket.write(Buffer.concat([hello, clientToWorker.encode({ type: 'limits', context: 0, run: 0, limits })]))
  }

  /** The functions that its contexts and this process hold of each other. */
  get bridges(): Bridges {
    return this.#bridges
  }

  get pending(): number {
    return this.#calls.size
  }

  /** Whether the worker was gone before it read anything of what it was last asked: none of that was begun. */
  get isUnread(): boolean {
    return this.#writes === 0 || (this.#socket.isBroken && this.#writes === 1 && this.#writtenBytes <= READ_AT_ONCE_BYTES)
  }

  get alive(): boolean {
    return !this.#socket.isClosed && this.#cause === undefined
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
    if (this.#calls.size === 0) this.#socket.keepAlive(false)
  }

  #invoke(bridge: ContextBridge, handle: number, args: readonly unknown[]): Promise<unknown> {
    const { context } = bridge
    if (this.#cause === undefined && !this.#bridges.has(bridge))
      return Promise.reject(new ContextLostError('ERR_CONTEXT_LOST', 'the context of this function is gone'))
    return this.call({ type: 'invoke', context, timeoutMs: bridge.timeoutMs, handle }, args)
  }

  /** Sends a request; resolves with its result, rejects with what the guest threw or with a failure of ours. */
  call(request: Request, payload: unknown, { started, many, script, due, limits }: CallExtras = {}): Promise<unknown> {
    if (this.#cause !== undefined) return Promise.reject(lateCause(this.#cause))
    const inside = currentFrame()
    const { context } = request
    const run = this.#calls.next()
    try {
      if (inside !== undefined) checkDepth(inside)
      if (due !== undefined) this.#requests.write({ type: 'due', run, atMs: monotonicOf(due.atMs) }, 0, NO_PAYLOAD)
      if (limits !== undefined) this.#lower(request, run, limits)
      this.#requests.write({ ...request, run }, context, payload)
    } catch (error) {
      return Promise.reject(asValueError(error))
    }
    if (this.#calls.size === 0) this.#socket.keepAlive(true)
    const timeoutMs = 'timeoutMs' in request ? request.timeoutMs : TIMEOUT_MS.default
    this.#silence.called(timeoutMs)
    const bridge = this.#bridges.find(context)
    const { maxOutput } = limits ?? bridge?.limits ?? this.#limits
    const receivedBefore = this.#received
    const about = { context, timeoutMs, maxOutput, inside, many, script, due, receivedBefore, lastCall: undefined, evidence: undefined }
    bridge?.allowCalls()
    const answer = this.#calls.wait(run, about)
    started?.(run)
    this.#flushSoon()
    return answer
  }

  /** Says what the request that comes next may have, or the context that it makes. */
  #lower({ type, context }: Request, run: number, limits: ChannelLimits): void {
    const isMade = type === 'create' || type.startsWith('once')
    this.#requests.write({ type: 'limits', context, run: isMade ? 0 : run, limits }, 0, NO_PAYLOAD)
  }

  /** Sends a compiled script, for requests that name it by its hash. */
  upload({ hash, filename, code, cachedData }: Script): void {
    if (this.#socket.isClosed) return
    this.#requests.write({ type: 'script', hash: Buffer.from(hash, 'hex'), filename, code, cachedData }, 0, NO_PAYLOAD)
    this.#flushSoon()
  }

  /** Has `call` make a context as planned. The scripts of its preset take their time before the deadline of the call begins. */
  async planned(context: number, plan: ContextPlan, call: () => Promise<unknown>): Promise<unknown> {
    if (!this.#socket.isClosed) this.#requests.write({ type: 'plan', context, ...plan }, 0, NO_PAYLOAD)
    const answer = call()
    if (this.#calls.size > 0) this.#silence.called(plan.timeoutMs * plan.scripts.length + this.#silence.longestMs)
    return answer
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
    if (this.#socket.isClosed) return
    this.#requests.write({ type: 'cancel', run }, 0, NO_PAYLOAD)
    this.#flushSoon()
  }

  /** What a call runs that has no answer yet, if that is known. */
  sourceOf(run: number): string | undefined {
    return this.#calls.about(run)?.script?.source
  }

  /** Rejects the one call that the worker died of. */
  blame(run: number, error: (timeoutMs: number, facts: RunFacts) => Error): void {
    const about = this.#calls.about(run)
    if (about !== undefined) this.#calls.reject(run, error(about.timeoutMs, this.#facts(about)))
  }

  /** Ends the channel: all its calls, now and later, fail with this cause. The first cause wins. */
  fail(cause: Error): void {
    this.failEach(cause, () => cause)
  }

  /**
   * The same, but each call under way gets an error of its own.
   * @param errorOf is told its number, and that of the latest call that is known to have begun
   */
  failEach(cause: Error, errorOf: (facts: RunFacts, run: number, begun: number) => Error): void {
    const isFirst = this.#cause === undefined
    this.#cause ??= cause
    this.#welcome.reject(this.#cause)
    if (isFirst) this.#calls.rejectEach((about, run) => errorOf(this.#facts(about), run, this.#begun))
    else this.#calls.rejectAll(this.#cause)
    this.#bridges.forgetAll()
    this.#silence.stop()
    this.#socket.destroy()
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
    if (bytes === undefined || this.#socket.isClosed) return
    this.#writes++
    this.#writtenBytes += bytes.length
    this.#socket.write(bytes)
  }

  #heard(bytes: Uint8Array, start: number, end: number): void {
    // What came together with the reason for the end.
    if (this.#cause !== undefined) return
    const { reader } = this.#values
    reader.reset(bytes, start, end)
    this.#received += end - start
    const message = workerToClient.read(reader)
    switch (message.type) {
      case 'welcome':
        this.#welcome.resolve()
        return
      case 'done':
        this.#answered(message.run, (about) => {
          this.#warnings.result(this.#values.payloadBytes, about)
          this.#result(message.run, about, (value) => this.#calls.resolve(message.run, value))
        })
        return
      case 'threw':
        this.#answered(message.run, (about) =>
          this.#result(message.run, about, (thrown) =>
            this.#calls.reject(message.run, this.#guestError(thrown, about.context, about.script)),
          ),
        )
        return
      case 'presetThrew':
        this.#answered(message.run, (about) =>
          this.#result(message.run, about, (thrown) =>
            this.#calls.reject(message.run, new PresetError(this.#guestError(thrown, about.context, undefined))),
          ),
        )
        return
      case 'failed':
        if (message.run === 0) this.fail(this.#failure(message, undefined))
        else if (!this.#abandoned.delete(message.run))
          this.#answered(message.run, (about) => this.#calls.reject(message.run, this.#failure(message, about)))
        return
      case 'limited':
        if (!this.#abandoned.delete(message.run))
          this.#answered(message.run, (about) => this.#calls.reject(message.run, this.#limitError(message, this.#facts(about))))
        return
      case 'nearLimit':
        this.#bridges.speaker(message.context)
        this.#warnings.warn(message.context, message)
        return
      case 'exhausted':
        if (!this.#abandoned.delete(message.run))
          this.#answered(message.run, (about) => this.#calls.reject(message.run, exhaustedError(this.worker, message, this.#facts(about))))
        return
      case 'evidence': {
        const about = this.#calls.about(message.run)
        if (about !== undefined) about.evidence = message
        return
      }
      case 'hostCall':
        this.#hostCall(message)
        return
      case 'releasedByGuest': {
        const { handles } = message
        const exported = this.#bridges.speaker(message.context)?.exported
        for (let i = 0; i < handles.length; i += 2) exported?.release(handles[i] as number, handles[i + 1] as number)
        return
      }
      case 'console':
        this.#console(message)
        return
      case 'unhandled': {
        const name = message.rejection ? 'unhandledRejection' : 'uncaughtException'
        this.#emit(message.context, name, this.#guestError(this.#values.said(message.context), message.context, undefined))
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
    if (run > this.#begun) this.#begun = run
    const about = this.#calls.about(run)
    if (about === undefined) {
      const context = this.#abandoned.get(run)
      if (!this.#abandoned.delete(run)) return
      this.#values.discarding(context as number, () => this.#values.payload(context as number))
      return
    }
    settle(about)
    this.#settled(about)
  }

  /** What a call came to. A lawful value that this process cannot hold (its Node is older than the guest's) fails that call alone. */
  #result(run: number, about: AboutCall, settle: (value: unknown) => void): void {
    let value: unknown
    try {
      value = this.#values.payload(about.context)
    } catch (error) {
      if (!(error instanceof CodecError) || error.code !== 'ERR_VALUE_UNSUPPORTED') throw error
      this.#calls.reject(run, asValueError(error))
      return
    }
    settle(value)
  }

  #guestError(thrown: unknown, context: number, script: RunScript | undefined): Error {
    const error = guestErrorOf(thrown)
    this.#bridges.find(context)?.sourceMaps.map(error, script)
    return error
  }

  #failure(message: Extract<WorkerToClient, { readonly type: 'failed' }>, about: AboutCall | undefined): Error {
    const { phase, wallMs, cpuMs } = message
    const code = errorCodeName(message.code)
    const bare: Report = { phase, wallMs, cpuMs, worker: this.worker, peakRssBytes: 0 }
    if (code === 'ERR_TIMEOUT' && phase === 'queued' && about?.due !== undefined) return queuedTimeout(about.due, this.worker)
    if (about === undefined) return errorForCode(code, message.message, bare)
    const report = withFacts(bare, this.#facts(about))
    if (code !== 'ERR_TIMEOUT') return errorForCode(code, message.message, report)
    const where = report.at === undefined ? '' : `, in ${placeText(report.at)}`
    return errorForCode(code, message.message + where, {
      ...report,
      limit: 'timeout',
      configured: about.timeoutMs,
      observed: about.due === undefined ? wallMs : waitedMs(about.due),
    })
  }

  #limitError(message: Extract<WorkerToClient, { readonly type: 'limited' }>, facts: RunFacts): Error {
    const { phase, wallMs, cpuMs, limit, configured, observed } = message
    const report = { phase, wallMs, cpuMs, worker: this.worker, peakRssBytes: 0, limit, configured, observed }
    return errorForCode(errorCodeName(message.code), message.message, withFacts(report, facts))
  }

  #facts(about: AboutCall): RunFacts {
    const bridge = this.#bridges.find(about.context)
    const facts = factsOf(about, this.#received, (fn) => bridge?.exported.get(fn)?.name)
    return facts.at === undefined || bridge === undefined ? facts : { ...facts, at: bridge.sourceMaps.place(facts.at, about.script) }
  }

  #hostCall(message: Extract<WorkerToClient, { readonly type: 'hostCall' }>): void {
    const bridge = this.#bridges.speaker(message.context)
    const args = this.#values.said(message.context)
    if (!isArgumentList(args)) throw new Error('a host call without a list of arguments')
    if (bridge === undefined) {
      // Its context was disposed, or its run was given up.
      const gone = Object.assign(new Error('the functions of this context are gone'), { code: 'ERR_FUNCTION_GONE' })
      this.#reply({ type: 'raised', context: message.context, call: message.call }, gone, message.sync)
      return
    }
    if (message.run > this.#begun) this.#begun = message.run
    if (!bridge.mayCall(performance.now())) throw new Error('more host calls than a guest may make')
    const within = this.#calls.about(message.run)
    callHostFunction(bridge, message, within?.context === message.context ? within : undefined, args, {
      answer: (type, to, call, value) => {
        // The context is gone meanwhile, or the worker.
        if (!this.#bridges.has(to)) return
        this.#reply({ type, context: to.context, call }, value, message.sync)
      },
      promised: (to, call) => {
        if (!this.#bridges.has(to)) return
        this.#reply({ type: 'promised', context: to.context, call }, NO_PAYLOAD, true)
      },
    })
  }

  /** Sends what answers a worker's own message, which may not pile up. If a guest waits for it, that stands still, and its worker with it. */
  #reply(message: Extract<ClientToWorker, { readonly context: number }>, payload: unknown, isUrgent: boolean): void {
    const before = this.#requests.bytes
    this.#requests.write(message, message.context, payload)
    const { unsent } = this.#socket
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
      const context = this.#abandoned.get(run)
      if (context === undefined) return
      if (done) this.#abandoned.delete(run)
      discardOutcomes(this.#values, context)
      return
    }
    about.many.receive(this.#values, about.context, {
      thrown: (thrown) => this.#guestError(thrown, about.context, about.script),
      failed: (code, message) => {
        const report = withFacts({ phase: 'run', wallMs: 0, cpuMs: 0, worker: this.worker, peakRssBytes: 0 }, this.#facts(about))
        const name = errorCodeName(code)
        return errorForCode(name, message, name === 'ERR_TIMEOUT' ? { ...report, limit: 'timeout', configured: about.timeoutMs } : report)
      },
    })
    if (done) {
      this.#calls.resolve(run, undefined)
      this.#settled(about)
    } else this.#silence.answered(this.#calls.size)
  }

  /** The client has taken a message of outcomes. */
  more(run: number): void {
    if (this.#socket.isClosed || this.#calls.about(run) === undefined) return
    this.#requests.write({ type: 'more', run }, 0, NO_PAYLOAD)
    this.#flushSoon()
  }

  #console(message: Extract<WorkerToClient, { readonly type: 'console' }>): void {
    const { context, text, timeMs, dropped } = message
    const bridge = this.#bridges.speaker(context)
    if (bridge?.hears('console') !== true && !this.#events.guests.has('console')) return
    const args = this.#values.said(context)
    if (!isArgumentList(args)) throw new Error('console output without a list of arguments')
    this.#emit(context, 'console', { level: levelOf(message.level), text, args, time: new Date(timeMs), dropped })
  }

  #emit<Name extends GuestEventName>(context: number, name: Name, ...event: GuestEventMap[Name]): void {
    this.#bridges.find(context)?.emit(name, ...event)
    this.#events.guests.emit(name, ...event)
  }

  #giveBack(context: number, handles: readonly number[]): void {
    if (handles.length === 0 || this.#socket.isClosed) return
    for (let from = 0; from < handles.length; from += 2 * MAX_RELEASED) {
      // The list has no prototype.
      const some: number[] = []
      for (let i = from; i < handles.length && i < from + 2 * MAX_RELEASED; i++) some.push(handles[i] as number)
      this.#reply({ type: 'releasedByHost', context, handles: some }, NO_PAYLOAD, false)
    }
  }

  #settled(about: AboutCall): void {
    this.#silence.answered(this.#calls.size)
    about.inside = undefined
    if (this.#calls.size > 0) return
    this.#socket.keepAlive(false)
    if (this.#abandoned.size > 0) return
    this.#writes = 0
    this.#writtenBytes = 0
  }

  #distrust(reason: string): void {
    this.#events.distrust(reason)
    const message = `worker ${this.worker} broke the protocol (${reason}); it was ended`
    const wallMs = performance.now() - this.#openedMs
    const report: Report = {
      phase: 'run',
      worker: this.worker,
      cpuMs: 0,
      wallMs,
      peakRssBytes: 0,
      cause: 'protocol',
      reason: `broke the protocol: ${reason}`,
    }
    const error = (evidence: Report): ProtocolError => new ProtocolError('ERR_PROTOCOL', message, evidence)
    this.failEach(error(report), (facts) => error(withFacts(report, facts)))
  }
}
