import type { ChannelLimits } from '../protocol/channel-limits.ts'
import { codeHash } from '../base/source-hash.ts'
import type { Trust } from '../protocol/placement.ts'
import type { ContextPlan } from '../protocol/context-messages.ts'
import { Channel } from './channel.ts'
import type { Script } from './compiler/script.ts'
import { SentScripts } from './compiler/sent-scripts.ts'
import type { BridgeLimits, ContextBridge } from './context-bridge.ts'
import type { Control, Lease } from './control.ts'
import { deathOf, isDeath } from './death.ts'
import { type Due, queuedTimeout, untilDue } from './due.ts'
import { ConnectionError, ContextLostError, type Report } from './errors.ts'
import type { GuestEvents, LimitWarning } from './guest-events.ts'
import { isLate, lateCause } from './late-cause.ts'
import { ManyCall } from './many-call.ts'
import { Outcomes } from './outcomes.ts'
import type { RefusedScripts } from './refused-scripts.ts'
import type { CallExtras, Request } from './request.ts'
import { NO_PAYLOAD } from './requests.ts'
import type { RunScript } from './source-maps.ts'
import { Stall } from './stall.ts'
import { findTracing } from './tracing/tracing.ts'

/** How long to wait for the daemon's word on why a worker is gone, in milliseconds. */
const REPORT_WAIT_MS = 1_000
/** How long after its deadline a call whose time in the worker's line counts is given up, in milliseconds: a run that has begun is ended by the worker itself, at once, and its answer is on its way. */
const LATE_MS = 100
/** How often a lane that takes no more looks whether anything is held there, in milliseconds. */
const DRAIN_LOOK_MS = 25

export interface LaneOptions {
  readonly dedicated: boolean
  /** Of what guests it is, if it is shared. */
  readonly trust: Trust
  readonly defaults: BridgeLimits
  readonly guests: GuestEvents
  readonly refused: RefusedScripts
  /** The worker's V8 did not take a script's code cache. */
  readonly cacheRefused: (script: Script) => void
}

/**
 * A leased worker, as this client sees it: its channel, and what the daemon says of its end. A death is recorded once, and every call gets its cause.
 */
export class Lane {
  readonly worker: number
  /** Leased for one run or one context; nothing else goes there. */
  readonly dedicated: boolean
  readonly trust: Trust
  readonly refused: RefusedScripts
  readonly #channel: Channel
  readonly #scripts: SentScripts
  readonly #control: Control
  readonly #closed: (lane: Lane) => void
  #reportWait: NodeJS.Timeout | undefined
  #cause: Error | undefined
  /** Contexts that are held here, those of single runs under way included. */
  #held = 0
  /** Calls that are about to be made here. */
  #expected = 0
  #givenMs = 0
  #isOpen = false
  readonly #stall: Stall
  #draining: NodeJS.Timeout | undefined

  constructor(lease: Omit<Lease, 'type'>, path: string, options: LaneOptions, control: Control, closed: (lane: Lane) => void) {
    this.dedicated = options.dedicated
    this.trust = options.trust
    this.worker = lease.worker
    this.refused = options.refused
    this.#control = control
    this.#closed = closed
    this.#scripts = new SentScripts((script) => this.#channel.upload(script), options.cacheRefused)
    this.#stall = new Stall(async () => control.busyForMs(lease.worker))
    this.#channel = new Channel(lease, path, options.defaults, {
      guests: options.guests,
      cacheRefused: (hash) => this.#scripts.refused(hash),
      distrust: (reason) => control.distrust(lease.worker, reason),
      closed: () => this.#disconnected(),
    })
  }

  /** Calls under way, and those that are about to be made. */
  get load(): number {
    return this.#channel.pending + this.#expected
  }

  /** When somebody was last given this lane for a call, of `performance.now()`. */
  get givenMs(): number {
    return this.#givenMs
  }

  /** Whether the worker has let this client in. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether calls are under way here and the worker is known to compute, so that another would wait. */
  get isComputing(): boolean {
    return this.load > 0 && this.#stall.isComputing(this.#channel.received, performance.now())
  }

  /** Somebody is given this lane for one call: {@link arrived} says that it is made now, or not at all. */
  give(): void {
    this.#expected++
    this.#givenMs = performance.now()
    this.#stall.given(this.#channel.received, this.#givenMs)
  }

  arrived(): void {
    this.#expected--
  }

  get alive(): boolean {
    return this.#cause === undefined && this.#channel.alive
  }

  /** Whether a call that failed with `error` can be made again elsewhere: the worker was gone before the call was sent, or before it read it. */
  mayRepeat(error: unknown): boolean {
    if (this.#cause === undefined) return false
    return isLate(error, this.#cause) || (isDeath(error) && this.#channel.isUnread)
  }

  /** Why what was there is gone. */
  get cause(): Error {
    return this.#cause ?? new ConnectionError('ERR_CONNECTION', `the connection to worker ${this.worker} closed`)
  }

  /** Whether nothing new goes there. */
  get isDraining(): boolean {
    return this.#draining !== undefined
  }

  /** The worker takes no more: the channel is closed when nothing is held there. Not before the next turn, since whoever has just been given this lane holds nothing yet. */
  drain(): void {
    this.#draining ??= setInterval(() => {
      if (this.load === 0 && this.#held === 0 && this.#channel.bridges.size === 0)
        this.end(new ConnectionError('ERR_DISPOSED', `worker ${this.worker} was replaced`))
    }, DRAIN_LOOK_MS).unref()
  }

  /** Waits until the worker has let this client in: for one that computes, `queueMs` milliseconds at most since `sinceMs`. */
  async opened(queueMs: number, sinceMs: number): Promise<void> {
    await this.#channel.opened({ queueMs, sinceMs, busyForMs: async () => this.#control.busyForMs(this.worker) })
    this.#isOpen = true
  }

  bridge(context: number): ContextBridge {
    return this.#channel.bridges.open(context)
  }

  /** The context is gone, and with it a process that it had of its own. */
  forget(context: number): void {
    this.#held--
    this.#channel.bridges.forget(context)
    if (this.dedicated) this.end(new ContextLostError('ERR_CONTEXT_LOST', 'this context was disposed'))
  }

  /** The one run of this context is over; what this process holds of it may live on. */
  over(context: number): void {
    this.#held--
    this.#channel.bridges.over(context)
  }

  countFunctions(): { readonly guest: number; readonly host: number } {
    return this.#channel.bridges.countFunctions()
  }

  /** Its contexts come near a limit. */
  warned(warning: LimitWarning): void {
    this.#channel.bridges.emit('warning', warning)
  }

  /** Drops a context. */
  async disposeContext(context: number): Promise<void> {
    try {
      await this.call({ type: 'dispose', context }, NO_PAYLOAD, undefined)
    } catch {
      // The worker is gone, and the context with it.
    }
    this.forget(context)
  }

  nextContext(): number {
    this.#held++
    return this.#channel.bridges.nextContext()
  }

  /** One request and its answer. Aborting rejects at once with the signal's reason, and ends the run wherever it is. `script` is the source that a run is of; `limits`, if they are lower than usual, are those of the run or of the context that is made. */
  async call(
    request: Request,
    payload: unknown,
    signal: AbortSignal | undefined,
    script?: RunScript,
    due?: Due,
    limits?: ChannelLimits,
  ): Promise<unknown> {
    if (this.#cause !== undefined) throw lateCause(this.#cause)
    this.refused.check(script?.source)
    if (due !== undefined) return this.#callBy(due, request, payload, signal, { script, limits })
    if (signal === undefined) return this.#channel.call(request, payload, { script, limits })
    return this.#abortable(signal, (started) => this.#channel.call(request, payload, { script, started, limits }))
  }

  /** A call whose time in the worker's line counts: that keeps to the deadline from when it comes to the request; until then this does. */
  async #callBy(
    due: Due,
    request: Request,
    payload: unknown,
    signal: AbortSignal | undefined,
    extras: Pick<CallExtras, 'script' | 'limits'>,
  ): Promise<unknown> {
    if (performance.now() >= due.atMs) throw queuedTimeout(due, this.worker)
    return untilDue(due, LATE_MS, this.worker, signal, (ended) =>
      this.#abortable(ended, (started) => this.#channel.call(request, payload, { ...extras, started, due })),
    )
  }

  /** Has `call` name compiled scripts by their hashes: those that the worker does not have are sent before. */
  async withScripts(scripts: readonly Script[], call: () => Promise<unknown>): Promise<unknown> {
    return this.#scripts.run(scripts, call)
  }

  /** Has `call` make a context as planned. */
  async planned(context: number, plan: ContextPlan, call: () => Promise<unknown>): Promise<unknown> {
    return this.#channel.planned(context, plan, call)
  }

  /** One script over many inputs. Ended by the signal, or by whoever takes the outcomes. */
  many(
    request: Extract<Request, { readonly type: 'many' }>,
    inputs: readonly unknown[],
    signal: AbortSignal | undefined,
    script: RunScript,
  ): Outcomes {
    const ended = new AbortController()
    let run = 0
    const outcomes: Outcomes = new Outcomes({ taken: () => this.#channel.more(run), cancel: () => ended.abort() })
    const both = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal])
    const many = new ManyCall(outcomes, inputs.length)
    const call = async (): Promise<void> => {
      if (this.#cause !== undefined) throw lateCause(this.#cause)
      this.refused.check(script.source)
      await this.#abortable(both, (started) =>
        this.#channel.call(request, inputs, {
          many,
          script,
          started: (number) => {
            run = number
            started(number)
          },
        }),
      )
    }
    const tracing = findTracing()
    const called = tracing === undefined ? call() : tracing.run({ operation: 'many', filename: request.filename }, call)
    called.then(
      () => outcomes.end(),
      (cause: unknown) => outcomes.fail(cause),
    )
    return outcomes
  }

  async #abortable(signal: AbortSignal, start: (started: (run: number) => void) => Promise<unknown>): Promise<unknown> {
    signal.throwIfAborted()
    let run = 0
    const answer = start((number) => {
      run = number
    })
    const abort = (): void => {
      if (!this.#channel.abandon(run, signal.reason)) return
      this.#channel.cancel(run)
      this.#control.interrupt(this.worker, this.#channel.number, run)
    }
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await answer
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** The daemon says that the worker is gone, and why. */
  lost(report: Report): void {
    const source = report.channel === this.#channel.number && report.run !== undefined ? this.#channel.sourceOf(report.run) : undefined
    if (source !== undefined) this.#control.crashed(this.#channel.number, report.run as number, codeHash(source))
    const { culprit, other, cause } = deathOf(this.worker, this.#channel.number, report)
    if (culprit !== undefined) this.#channel.blame(culprit.run, culprit.error)
    this.#end(cause, () => this.#channel.lost(cause, other))
  }

  end(cause: Error): void {
    this.#end(cause, () => this.#channel.fail(cause))
  }

  #end(cause: Error, failCalls: () => void): void {
    if (this.#cause !== undefined) return
    this.#cause = cause
    clearTimeout(this.#reportWait)
    clearInterval(this.#draining)
    failCalls()
    this.#closed(this)
  }

  #disconnected(): void {
    if (this.#cause !== undefined) return
    this.#reportWait = setTimeout(() => {
      this.end(new ConnectionError('ERR_CONNECTION', `the connection to worker ${this.worker} closed, and the daemon does not say why`))
    }, REPORT_WAIT_MS)
    if (this.#channel.pending === 0) this.#reportWait.unref()
  }
}
