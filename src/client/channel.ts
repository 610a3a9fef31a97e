import { monotonicOf } from '../base/clock.ts'
import type { ChannelLimits } from '../protocol/channel-limits.ts'
import { clientToWorker, type WorkerToClient, workerToClient } from '../protocol/channel-link.ts'
import type { ContextPlan } from '../protocol/context-messages.ts'
import { TIMEOUT_MS } from '../protocol/limits.ts'
import { CodecError } from '../protocol/msgpack/codec-error.ts'
import { MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '../protocol/versions.ts'
import type { AboutCall } from './about-call.ts'
import { Bridges } from './bridges.ts'
import { Calls } from './calls.ts'
import { asValueError, ChannelWarnings, maxFrameBytes } from './channel-limits.ts'
import { ChannelOutbox } from './channel-outbox.ts'
import { ChannelSocket } from './channel-socket.ts'
import type { Script } from './compiler/script.ts'
import type { BridgeLimits, ContextBridge } from './context-bridge.ts'
import type { Lease } from './control.ts'
import { ContextLostError, PresetError } from './errors.ts'
import type { GuestEvents } from './guest-events.ts'
import { greeted, type Patience } from './greeting.ts'
import { GuestSpeech } from './guest-speech.ts'
import { lateCause } from './late-cause.ts'
import { discardOutcomes } from './many-call.ts'
import { ReceivedFailures } from './received-failures.ts'
import { ReceivedValues } from './received-values.ts'
import type { RunFacts } from './run-traces.ts'
import { checkDepth, currentFrame } from './reentrance.ts'
import type { CallExtras, Request } from './request.ts'
import { NO_PAYLOAD, Requests } from './requests.ts'
import { serveHostCall } from './served-host-call.ts'
import { Silence } from './silence.ts'
import { findTracing } from './tracing/tracing.ts'

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
  readonly #outbox: ChannelOutbox
  readonly #values: ReceivedValues
  readonly #failures: ReceivedFailures
  readonly #speech: GuestSpeech
  readonly #warnings: ChannelWarnings
  readonly #silence: Silence
  /** Runs that were given up and have no answer yet, with their context. */
  readonly #abandoned = new Map<number, number>()
  readonly #welcome = Promise.withResolvers<void>()
  readonly #openedMs = performance.now()
  /** The latest call that the worker is known to have begun with. */
  #begun = 0
  #cause: Error | undefined
  /** Fails what is under way, when the connection of a worker that is gone has ended. */
  #lost: (() => void) | undefined

  constructor(lease: Omit<Lease, 'type'>, path: string, defaults: BridgeLimits, events: ChannelEvents) {
    const { limits } = defaults
    this.#limits = limits
    this.#bridges = new Bridges(
      {
        invoke: (caller, handle, args) => this.#invoke(caller, handle, args),
        giveBack: (context, handles) => this.#outbox.giveBack(context, handles),
      },
      defaults,
    )
    this.#requests = new Requests(this.#bridges, limits.maxDepth)
    this.#warnings = new ChannelWarnings(lease.worker, this.#bridges, (context, warning) => this.#speech.emit(context, 'warning', warning))
    this.#values = new ReceivedValues(this.#bridges, limits.maxDepth, (context, handles) => this.#outbox.giveBack(context, handles))
    this.#failures = new ReceivedFailures(lease.worker, this.#bridges)
    this.#speech = new GuestSpeech(this.#bridges, this.#values, this.#failures, events.guests)
    this.worker = lease.worker
    this.number = lease.channel
    this.#events = events
    this.#silence = new Silence(lease.worker, (cause) => {
      this.#calls.rejectAll(cause)
      this.#socket.keepAlive(false)
    })
    const open = (): ChannelSocket =>
      new ChannelSocket(path, maxFrameBytes(limits), {
        frame: (bytes, start, end) => this.#heard(bytes, start, end),
        broken: (reason) => this.#distrust(reason),
        closed: () => this.#closed(),
      })
    // What comes of it later does not belong to who happened to be the first to need a worker.
    this.#socket = findTracing()?.within(undefined, open) ?? open()
    this.#outbox = new ChannelOutbox(this.#requests, this.#socket, (reason) => this.#distrust(reason))
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

  /** Bytes that have come from the worker. */
  get received(): number {
    return this.#failures.received
  }

  /** Whether the worker was gone before it read anything of what it was last asked: none of that was begun. */
  get isUnread(): boolean {
    return this.#outbox.isUnread
  }

  get alive(): boolean {
    return this.#socket.isWritable && this.#cause === undefined
  }

  /** Waits until the worker has accepted the ticket. */
  async opened(patience: Patience): Promise<void> {
    try {
      await greeted(this.#welcome.promise, this.worker, patience)
    } catch (error) {
      if (this.#cause === undefined) this.fail(error as Error)
      throw error
    }
    if (this.#calls.size === 0) this.#socket.keepAlive(false)
  }

  #invoke(bridge: ContextBridge, handle: number, args: readonly unknown[]): Promise<unknown> {
    const { context } = bridge
    if (this.#cause === undefined && !this.#bridges.has(bridge))
      return Promise.reject(new ContextLostError('ERR_CONTEXT_LOST', 'the context of this function is gone'))
    const invoke = (): Promise<unknown> => this.call({ type: 'invoke', context, timeoutMs: bridge.timeoutMs, handle }, args)
    return findTracing()?.run({ operation: 'invoke' }, invoke) ?? invoke()
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
    const receivedBefore = this.#failures.received
    const trace = findTracing()?.sent(this.worker)
    const about = {
      context,
      timeoutMs,
      maxOutput,
      inside,
      many,
      script,
      due,
      trace,
      receivedBefore,
      lastCall: undefined,
      evidence: undefined,
    }
    bridge?.allowCalls()
    const answer = this.#calls.wait(run, about)
    started?.(run)
    this.#outbox.flushSoon()
    return answer
  }

  /** Says what the request that comes next may have, or the context that it makes. */
  #lower({ type, context }: Request, run: number, limits: ChannelLimits): void {
    const isMade = type === 'create' || type.startsWith('once')
    this.#requests.write({ type: 'limits', context, run: isMade ? 0 : run, limits }, 0, NO_PAYLOAD)
  }

  /** Sends a compiled script, for requests that name it by its hash. */
  upload({ hash, filename, code, cachedData }: Script): void {
    if (!this.#socket.isWritable) return
    this.#requests.write({ type: 'script', hash: Buffer.from(hash, 'hex'), filename, code, cachedData }, 0, NO_PAYLOAD)
    this.#outbox.flushSoon()
  }

  /** Has `call` make a context as planned. The scripts of its preset take their time before the deadline of the call begins. */
  async planned(context: number, plan: ContextPlan, call: () => Promise<unknown>): Promise<unknown> {
    if (this.#socket.isWritable) this.#requests.write({ type: 'plan', context, ...plan }, 0, NO_PAYLOAD)
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
    if (!this.#socket.isWritable) return
    this.#requests.write({ type: 'cancel', run }, 0, NO_PAYLOAD)
    this.#outbox.flushSoon()
  }

  /** What a call runs that has no answer yet, if that is known. */
  sourceOf(run: number): string | undefined {
    return this.#calls.about(run)?.script?.source
  }

  /** Rejects the one call that the worker died of. */
  blame(run: number, error: (timeoutMs: number, facts: RunFacts) => Error): void {
    const about = this.#calls.about(run)
    if (about !== undefined) this.#calls.reject(run, error(about.timeoutMs, this.#failures.facts(about)))
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
    this.#cause ??= cause
    this.#welcome.reject(this.#cause)
    this.#calls.rejectEach((about, run) => errorOf(this.#failures.facts(about), run, this.#begun))
    this.#bridges.forgetAll()
    this.#silence.stop()
    this.#socket.destroy()
  }

  /** The same, of a worker whose process is gone. The end of its connection is on its way then, if it is not here yet, and calls under way wait for it: it says whether they were read. */
  lost(cause: Error, errorOf: (facts: RunFacts, run: number, begun: number) => Error): void {
    const fail = (): void => this.failEach(cause, errorOf)
    if (this.#socket.isClosed || this.#calls.size === 0) fail()
    else {
      this.#cause ??= cause
      this.#lost = fail
    }
  }

  #closed(): void {
    this.#lost?.()
    this.#events.closed()
  }

  #heard(bytes: Uint8Array, start: number, end: number): void {
    // What came together with the reason for the end.
    if (this.#cause !== undefined) return
    const { reader } = this.#values
    reader.reset(bytes, start, end)
    this.#failures.received += end - start
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
            this.#calls.reject(message.run, this.#failures.thrown(thrown, about.context, about.script)),
          ),
        )
        return
      case 'presetThrew':
        this.#answered(message.run, (about) =>
          this.#result(message.run, about, (thrown) =>
            this.#calls.reject(message.run, new PresetError(this.#failures.thrown(thrown, about.context, undefined))),
          ),
        )
        return
      case 'failed':
        if (message.run === 0) this.fail(this.#failures.failed(message, undefined))
        else if (!this.#abandoned.delete(message.run))
          this.#answered(message.run, (about) => this.#calls.reject(message.run, this.#failures.failed(message, about)))
        return
      case 'limited':
        if (!this.#abandoned.delete(message.run))
          this.#answered(message.run, (about) => this.#calls.reject(message.run, this.#failures.limited(message, about)))
        return
      case 'nearLimit':
        this.#bridges.speaker(message.context)
        this.#warnings.warn(message.context, message)
        return
      case 'exhausted':
        if (!this.#abandoned.delete(message.run))
          this.#answered(message.run, (about) => this.#calls.reject(message.run, this.#failures.exhausted(message, about)))
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
        this.#speech.console(message)
        return
      case 'unhandled':
        this.#speech.unhandled(message)
        return
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

  #hostCall(message: Extract<WorkerToClient, { readonly type: 'hostCall' }>): void {
    if (message.run > this.#begun && this.#bridges.find(message.context) !== undefined) this.#begun = message.run
    serveHostCall(message, this.#calls.about(message.run), this.#bridges, this.#values, this.#outbox)
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
      thrown: (thrown) => this.#failures.thrown(thrown, about.context, about.script),
      failed: (code, message, figures) => this.#failures.ofInput(code, message, figures, about),
    })
    if (done) {
      this.#calls.resolve(run, undefined)
      this.#settled(about)
    } else this.#silence.answered(this.#calls.size)
  }

  /** The client has taken a message of outcomes. */
  more(run: number): void {
    if (!this.#socket.isWritable || this.#calls.about(run) === undefined) return
    this.#requests.write({ type: 'more', run }, 0, NO_PAYLOAD)
    this.#outbox.flushSoon()
  }

  #settled(about: AboutCall): void {
    this.#silence.answered(this.#calls.size)
    about.inside = undefined
    if (this.#calls.size > 0) return
    this.#socket.keepAlive(false)
    if (this.#abandoned.size > 0) return
    this.#outbox.rest()
  }

  #distrust(reason: string): void {
    this.#events.distrust(reason)
    const error = this.#failures.broken(reason, performance.now() - this.#openedMs)
    this.failEach(error(undefined), error)
  }
}
