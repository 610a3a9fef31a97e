import { unlessAborted } from './abort.ts'
import { type CompileOptions, resolveCompileOptions } from './compiler/compile-options.ts'
import { Compiler } from './compiler/compiler.ts'
import type { DiskCache } from './compiler/disk-cache.ts'
import type { Script } from './compiler/script.ts'
import { Scripts } from './compiler/scripts.ts'
import type { Context } from './context.ts'
import { ContextMaker, MAX_ATTEMPTS } from './context-maker.ts'
import type { Connection } from './connection.ts'
import type { Control, Lease } from './control.ts'
import type { Naming } from './named-options.ts'
import { isDeath } from './death.ts'
import { queuedTimeout, untilDue } from './due.ts'
import { ConnectionError, type GloveboxError, OverloadedError, ProtocolError } from './errors.ts'
import type { Request } from './channel.ts'
import { checkGlobals } from './checked-globals.ts'
import { checkRunnable, evaluate } from './evaluate.ts'
import { type GuestEventName, GuestEvents, type GuestListener, type LimitWarning } from './guest-events.ts'
import { Lane } from './lane.ts'
import type { Outcome } from './outcomes.ts'
import {
  checkInputs,
  checkSource,
  type ContextOptions,
  type ManyOptions,
  type OneShotOptions,
  type OneShotSettings,
  resolveContextOptions,
  resolveOneShotOptions,
  type RunPolicy,
} from './run-options.ts'
import { type Placement, wishOf } from './placement.ts'
import { isUsual } from './presets/context-settings.ts'
import type { Preset } from './presets/preset.ts'
import { type PresetOptions, resolvePresetOptions } from './presets/preset-options.ts'
import { Presets } from './presets/presets.ts'
import type { RefusedScripts } from './refused-scripts.ts'
import { NO_PAYLOAD } from './requests.ts'
import type { RunScript } from './source-maps.ts'
import { findTracing } from './tracing/tracing.ts'
import { HELLO_TIMEOUT_MS } from '../protocol/limits.ts'
import type { LeasePurpose } from '../protocol/control-link.ts'
import type { Trust } from '../protocol/placement.ts'
import type { Report } from '../protocol/report.ts'
import type { Warning } from '../protocol/tenant-messages.ts'

/** What a status document holds, as far as this release knows; a newer daemon may say more. */
export interface Status {
  readonly daemon: {
    readonly version: string
    readonly pid: number
    readonly startedAt: string
    readonly uptimeMs: number
    readonly socket: string
    readonly clients: number
  }
  readonly versions: {
    readonly node: string
    readonly v8: string
    readonly runtime: string
    readonly installedAt: string
    readonly ageDays: number
  }
  readonly limits: Readonly<Record<string, number>>
  /** Leases that wait for a worker. An older daemon does not say. */
  readonly queue?: { readonly waiting: number }
  /** What the runs of each tenant came to since the daemon's start: by outcome, and how many took at most `maxMs` and longer than the class before. An older daemon does not say. */
  readonly tenants?: readonly {
    readonly tenant: string
    readonly runs: Readonly<Record<string, number>>
    readonly durations: readonly { readonly maxMs?: number; readonly runs: number }[]
    /** Hits and misses: `scripts` that its workers had compiled before, `code` caches of compiled scripts that V8 took. An older daemon does not say. */
    readonly caches?: Readonly<Record<'scripts' | 'code', { readonly hits: number; readonly misses: number }>>
  }[]
  /** Layers that the newest worker attested, and those that the machine does not give, with the fix. */
  readonly confinement: {
    readonly layers: readonly { readonly layer: string; readonly held: boolean; readonly detail: string }[]
    readonly absent: readonly { readonly layer: string; readonly reason: string; readonly fix: string }[]
  }
  readonly workers: readonly WorkerStatus[]
  /** One a tenant, while its clients compile. `runs` are what they asked for. */
  readonly compilers: readonly WorkerStatus[]
  /** Contexts with a name: of the tenant, or of all for an operator. The first hundred. */
  readonly names: readonly NameStatus[]
  readonly deaths: readonly Report[]
  /** This connection's side: functions of guests that it holds, and functions of its own that guests hold. */
  readonly client: { readonly guestFunctions: number; readonly hostFunctions: number }
}

export interface NameStatus {
  readonly name: string
  readonly tenant: string
  readonly worker?: number
  /** Clients that are attached. */
  readonly clients: number
  readonly idleMs: number
}

export interface WorkerStatus {
  readonly worker: number
  readonly pid?: number
  readonly state: string
  readonly tenant?: string
  readonly contexts: number
  /** Functions that guests and clients hold of each other. */
  readonly handles: number
  readonly runs: number
  readonly cpuMs: number
  /** The limit of its V8 heap. An older daemon does not say. */
  readonly memoryBytes?: number
  /** Resident memory now, without shared files. An older daemon does not say. */
  readonly rssBytes?: number
  readonly peakRssBytes: number
}

/** A process that was for one run is not needed any more. */
function release(lane: Lane): void {
  if (lane.dedicated) lane.end(new ConnectionError('ERR_DISPOSED', 'this run had a process of its own, which is gone'))
}

const ONCE = { source: 'once', script: 'onceScript' } as const
const ONCE_WITH = { source: 'onceWith', script: 'onceScriptWith' } as const

type AskForLease<Leased> = (control: Control, known: readonly number[]) => Promise<Leased>

/** A connection to a daemon: runs code, makes contexts. Dispose it when done; idle, it does not keep the process alive. */
export class Box implements AsyncDisposable {
  readonly #connection: Connection
  readonly #policy: RunPolicy
  readonly #lanes = new Set<Lane>()
  readonly #guests = new GuestEvents()
  readonly #compiler: Compiler
  readonly #scripts: Scripts
  readonly #presets: Presets
  readonly #refused: RefusedScripts
  readonly #contexts: ContextMaker
  readonly #opening = new Map<Trust, Promise<Lane>>()
  #disposed: Promise<void> | undefined
  #cause: GloveboxError | undefined

  /** @internal Boxes are made by `connect()`. */
  constructor(connection: Connection, policy: RunPolicy, disk: DiskCache | undefined, refused: RefusedScripts) {
    this.#connection = connection
    this.#refused = refused
    this.#compiler = new Compiler(connection)
    this.#scripts = new Scripts(this.#compiler, disk, policy.limits.maxSource)
    this.#presets = new Presets(this.#scripts, policy)
    this.#policy = policy
    this.#contexts = new ContextMaker({
      policy,
      scripts: this.#scripts,
      presets: this.#presets,
      lease: (dedicated, placement) => this.#lease(dedicated ? 'process' : 'context', placement),
      leaseNamed: (naming) => this.#leaseNamed(naming),
    })
  }

  /**
   * Runs a source, or a compiled script, in a fresh context and resolves with its completion value, awaited if it is a promise. The context is gone afterwards.
   * @throws GuestError, TimeoutError, WorkerCrashError, ValueError, OverloadedError, ConnectionError
   */
  async run(source: string | Script, options?: OneShotOptions): Promise<unknown> {
    const settings = resolveOneShotOptions(this.#policy, options)
    checkRunnable(source, this.#policy.limits.maxSource, settings)
    settings.signal?.throwIfAborted()
    const tracing = findTracing()
    if (tracing === undefined) return this.#runOnce(source, settings)
    const { filename } = typeof source === 'string' ? settings : source
    return tracing.run({ operation: 'run', filename }, async () => this.#runOnce(source, settings))
  }

  async #runOnce(source: string | Script, settings: OneShotSettings): Promise<unknown> {
    const { globals } = settings
    // Before a process is taken for it.
    this.#refused.check(typeof source === 'string' ? source : source.code)
    const making = isUsual(settings) ? undefined : await this.#presets.making(settings)
    for (let attempt = 1; ; attempt++) {
      const lane = await this.#laneFor(settings, release)
      const context = lane.nextContext()
      const evaluation = globals === undefined ? { as: ONCE, payload: NO_PAYLOAD } : { as: ONCE_WITH, payload: globals }
      const remember = (script: RunScript): RunScript => {
        if (script.script !== undefined) lane.bridge(context).sourceMaps.remember(script)
        return script
      }
      try {
        return await evaluate(lane, this.#scripts, source, settings, { context, remember, making, ...evaluation })
      } catch (error) {
        // Its worker died when nobody had asked it anything, and this process had not heard of it.
        if (attempt === MAX_ATTEMPTS || !lane.mayRepeat(error)) throw error
      } finally {
        lane.over(context)
        release(lane)
      }
    }
  }

  /** Makes a context with the given globals. */
  async createContext(globals: Readonly<Record<string, unknown>> = {}, options?: ContextOptions): Promise<Context> {
    checkGlobals(globals)
    return this.#contexts.create(globals, resolveContextOptions(this.#policy, options))
  }

  /** {@link Context.runMany} in a context of its own, which is gone afterwards. Starts when the first outcome is asked for. */
  async *runMany(source: string, inputs: Iterable<unknown>, options?: ManyOptions): AsyncGenerator<Outcome, undefined, undefined> {
    checkSource(source, this.#policy.limits.maxSource)
    const list = checkInputs(inputs)
    await using context = await this.createContext()
    yield* context.runMany(source, list, options)
    return undefined
  }

  /**
   * Compiles a source in a confined process that never runs it: types stripped, syntax checked, V8's code cache made. Equal sources are compiled once.
   * @throws GuestError with the line and a caret if the source does not parse, CompilerCrashError, LimitError, OverloadedError, TimeoutError, ConnectionError
   */
  async compile(source: string, options?: CompileOptions): Promise<Script> {
    return this.#scripts.compile(source, resolveCompileOptions(options))
  }

  /**
   * Defines what contexts can be made with: a script that runs once in each, on top of globals. Workers keep a few such contexts ready, so that an expensive script costs next to nothing when a context is asked for.
   * @throws GuestError if the source does not parse, and what {@link Box.compile} throws
   */
  async definePreset(options: PresetOptions): Promise<Preset> {
    return this.#presets.define(resolvePresetOptions(this.#policy, options))
  }

  /** What the daemon says of itself: workers, limits, versions, recent deaths. */
  async status(): Promise<Status> {
    const json = await this.#connection.ask(async (control) => control.status())
    try {
      const status = JSON.parse(json) as Omit<Status, 'client'>
      return { ...status, client: this.#countFunctions() }
    } catch (error) {
      throw new ProtocolError('ERR_PROTOCOL', 'the daemon sent a status that is not JSON', undefined, { cause: error })
    }
  }

  /** Hears what any context says, those of single runs included, and warnings of limits. Returns this box. */
  on<Name extends GuestEventName>(name: Name, listener: GuestListener<Name>): this {
    this.#guests.on(name, listener)
    return this
  }

  off<Name extends GuestEventName>(name: Name, listener: GuestListener<Name>): this {
    this.#guests.off(name, listener)
    return this
  }

  /** Has the daemon drain and stop: a command for operators. */
  async stopDaemon(): Promise<void> {
    const control = await this.#connection.control()
    await control.stop()
  }

  /** Closes the connection; contexts are dropped, calls under way fail with ConnectionError `ERR_DISPOSED`. Idempotent. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose()
    return this.#disposed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  /** @internal Compiles a source for `glovebox/vm` in a worker, and runs nothing. */
  async vmCompile(request: Omit<Extract<Request, { readonly type: 'vmCompile' }>, 'context'>): Promise<unknown> {
    const [answer] = await this.#inWorker((lane) => lane.call({ ...request, context: 0 }, NO_PAYLOAD, undefined))
    return answer
  }

  /** @internal What each worker with a channel of this box says of its memory; of one worker, if there is none yet. */
  async vmMeasure(detailed: boolean): Promise<readonly unknown[]> {
    const measure = (lane: Lane): Promise<unknown> => lane.call({ type: 'vmMeasure', context: 0, detailed }, NO_PAYLOAD, undefined)
    return this.#lanes.size > 0 ? Promise.all([...this.#lanes].map(measure)) : this.#inWorker(measure)
  }

  /** @internal Whether it is connected. */
  get isOpen(): boolean {
    return this.#cause === undefined
  }

  /** @internal What a deadline may be. */
  get policy(): RunPolicy {
    return this.#policy
  }

  /** @internal The daemon says that a worker is gone. */
  workerLost(worker: number, report: Report): void {
    for (const lane of this.#lanes) if (lane.worker === worker) lane.lost(report)
    this.#compiler.lost(worker, report)
  }

  /** @internal A worker takes no more. */
  draining(worker: number): void {
    for (const lane of this.#lanes) if (lane.worker === worker) lane.drain()
  }

  /** @internal The daemon says that something comes near a limit. */
  warned({ limit, configured, observed, worker, message }: Warning): void {
    const event: LimitWarning = { limit, configured, observed, worker, message }
    if (worker !== undefined) for (const lane of this.#lanes) if (lane.worker === worker) lane.warned(event)
    this.#guests.emit('warning', event)
  }

  /** @internal The control connection is gone, and with it every lease. The next call makes another. */
  disconnected(cause: GloveboxError): void {
    for (const lane of this.#lanes) lane.end(cause)
    this.#compiler.disconnected(cause)
  }

  #countFunctions(): Status['client'] {
    let guestFunctions = 0
    let hostFunctions = 0
    for (const lane of this.#lanes) {
      const { guest, host } = lane.countFunctions()
      guestFunctions += guest
      hostFunctions += host
    }
    return { guestFunctions, hostFunctions }
  }

  #assertOpen(): void {
    if (this.#cause !== undefined) throw this.#cause
  }

  async #dispose(): Promise<void> {
    const cause = new ConnectionError('ERR_DISPOSED', 'this box was disposed')
    this.#cause = cause
    this.disconnected(cause)
    this.#compiler.end(cause)
    await this.#connection.close(cause)
  }

  /** The lane for a single run. */
  async #laneFor({ fresh, placement, signal, due }: OneShotSettings, unwanted: (lane: Lane) => void): Promise<Lane> {
    const lane = async (waitMs: number): Promise<Lane> =>
      fresh === 'process' ? this.#lease('process', placement, waitMs) : this.#anyLane(placement)
    if (due === undefined) return unlessAborted(lane(this.#policy.queueTimeoutMs), signal, unwanted)
    const leftMs = Math.max(0, Math.ceil(due.atMs - performance.now()))
    try {
      return await untilDue(due, 0, 0, signal, async (ended) =>
        unlessAborted(lane(Math.min(leftMs, this.#policy.queueTimeoutMs)), ended, unwanted),
      )
    } catch (error) {
      // The daemon knows of the same deadline.
      throw error instanceof OverloadedError && performance.now() >= due.atMs ? queuedTimeout(due, 0) : error
    }
  }

  /** The open lane with the least to do; the first caller opens one, and others wait with it. */
  async #anyLane(placement: Placement): Promise<Lane> {
    this.#assertOpen()
    let best: Lane | undefined
    for (const lane of this.#shared(placement)) if (best === undefined || lane.pending < best.pending) best = lane
    if (best !== undefined) return best
    const { trust } = placement
    let opening = this.#opening.get(trust)
    opening ??= this.#lease('run', placement).finally(() => this.#opening.delete(trust))
    this.#opening.set(trust, opening)
    return opening
  }

  /** What of shared workers there are several of is their company: their size is the connection's. */
  #shared({ trust: wanted }: Placement): Lane[] {
    return [...this.#lanes].filter(({ alive, dedicated, isDraining, trust }) => alive && !dedicated && !isDraining && trust === wanted)
  }

  /** Asks a worker what no context is needed for. */
  async #inWorker(ask: (lane: Lane) => Promise<unknown>): Promise<[unknown]> {
    const { placement } = this.#policy
    const lane = placement.trust === 'hostile' ? await this.#lease('process', placement) : await this.#anyLane(placement)
    try {
      return [await ask(lane)]
    } finally {
      release(lane)
    }
  }

  async #lease(purpose: LeasePurpose, placement: Placement, waitMs: number = this.#policy.queueTimeoutMs): Promise<Lane> {
    const wish = wishOf(placement)
    const { lane } = await this.#opened(
      async (control, known) => control.lease(purpose, known, waitMs, wish),
      purpose === 'process',
      placement,
    )
    return lane
  }

  async #leaseNamed(naming: Naming): Promise<{ readonly lane: Lane; readonly key: Uint8Array }> {
    const { lane, lease } = await this.#opened(
      async (control, known) => control.leaseNamed(naming, known, this.#policy.queueTimeoutMs),
      false,
      this.#policy.placement,
    )
    return { lane, key: lease.key }
  }

  /** Another worker is asked for if one dies before it lets this client in. */
  async #opened<Leased extends Omit<Lease, 'type'>>(
    ask: AskForLease<Leased>,
    dedicated: boolean,
    placement: Placement,
  ): Promise<{ lane: Lane; lease: Leased }> {
    const startedMs = performance.now()
    // One that says nothing has taken the caller's time already.
    const mayTryAgain = (attempt: number): boolean => attempt < MAX_ATTEMPTS && performance.now() - startedMs < HELLO_TIMEOUT_MS
    for (let attempt = 1; ; attempt++) {
      const leased = await this.#leaseOnce(ask, dedicated, placement)
      try {
        await leased.lane.opened()
        return leased
      } catch (error) {
        if (!mayTryAgain(attempt) || !isDeath(error)) throw error
      }
    }
  }

  async #leaseOnce<Leased extends Omit<Lease, 'type'>>(
    ask: AskForLease<Leased>,
    dedicated: boolean,
    placement: Placement,
  ): Promise<{ lane: Lane; lease: Leased }> {
    this.#assertOpen()
    const { control, lease, known } = await this.#connection.ask(async (control) => {
      const known = this.#shared(placement)
      const workers = known.map(({ worker }) => worker)
      return { control, known, lease: await ask(control, workers) }
    })
    if (lease.path === undefined) {
      const lane = known.find(({ worker }) => worker === lease.worker)
      if (lane === undefined) throw new ProtocolError('ERR_PROTOCOL', `the daemon leased worker ${lease.worker}, which is unknown here`)
      return { lane, lease }
    }
    this.#assertOpen()
    const options = {
      dedicated,
      trust: placement.trust,
      defaults: { limits: this.#policy.limits, timeoutMs: this.#policy.defaultMs },
      guests: this.#guests,
      refused: this.#refused,
      // Without machine code V8 takes none, and the script is as good as ever.
      cacheRefused: (script: Script) => placement.jit && void this.#scripts.forget(script),
    }
    const lane = new Lane(lease, lease.path, options, control, (ended) => this.#lanes.delete(ended))
    this.#lanes.add(lane)
    return { lane, lease }
  }
}
