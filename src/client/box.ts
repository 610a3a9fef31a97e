import { type CompileOptions, resolveCompileOptions } from './compiler/compile-options.ts'
import { Compiler } from './compiler/compiler.ts'
import type { DiskCache } from './compiler/disk-cache.ts'
import type { Script } from './compiler/script.ts'
import { Scripts } from './compiler/scripts.ts'
import type { Context } from './context.ts'
import { ContextMaker, MAX_ATTEMPTS } from './context-maker.ts'
import type { Connection } from './connection.ts'
import { ConnectionError, type GloveboxError, ProtocolError } from './errors.ts'
import type { Request } from './request.ts'
import { checkGlobals } from './checked-globals.ts'
import { checkRunnable, evaluate } from './evaluate.ts'
import { type GuestEventName, GuestEvents, type GuestListener, type LimitWarning } from './guest-events.ts'
import type { Lane } from './lane.ts'
import { Lanes } from './lanes.ts'
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
import { isUsual } from './presets/context-settings.ts'
import type { Preset } from './presets/preset.ts'
import { type PresetOptions, resolvePresetOptions } from './presets/preset-options.ts'
import { Presets } from './presets/presets.ts'
import type { RefusedScripts } from './refused-scripts.ts'
import { NO_PAYLOAD } from './requests.ts'
import type { RunScript } from './source-maps.ts'
import { findTracing } from './tracing/tracing.ts'
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
    /** Processor time of its processes in the last minute, and how much of it it may have, if that is limited, in milliseconds. An older daemon does not say. */
    readonly cpu?: { readonly usedMs: number; readonly limitMs?: number }
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
  /** It takes no more, and ends when nobody holds anything there. An older daemon does not say. */
  readonly draining?: boolean
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

/** Nothing was asked of a lane that was given. */
function unwanted(lane: Lane): void {
  lane.arrived()
  release(lane)
}

/** A process that was for one run is not needed any more. */
function release(lane: Lane): void {
  if (lane.dedicated) lane.end(new ConnectionError('ERR_DISPOSED', 'this run had a process of its own, which is gone'))
}

const ONCE = { source: 'once', script: 'onceScript' } as const
const ONCE_WITH = { source: 'onceWith', script: 'onceScriptWith' } as const

/** A connection to a daemon: runs code, makes contexts. Dispose it when done; idle, it does not keep the process alive. */
export class Box implements AsyncDisposable {
  readonly #connection: Connection
  readonly #policy: RunPolicy
  readonly #lanes: Lanes
  readonly #guests = new GuestEvents()
  readonly #compiler: Compiler
  readonly #scripts: Scripts
  readonly #presets: Presets
  readonly #refused: RefusedScripts
  readonly #contexts: ContextMaker
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
    this.#lanes = new Lanes({
      connection,
      policy,
      guests: this.#guests,
      refused,
      cacheRefused: (script) => void this.#scripts.forget(script),
      assertOpen: () => {
        if (this.#cause !== undefined) throw this.#cause
      },
    })
    this.#contexts = new ContextMaker({
      policy,
      scripts: this.#scripts,
      presets: this.#presets,
      lease: (dedicated, placement) => this.#lanes.lease(dedicated ? 'process' : 'context', placement),
      leaseNamed: (naming) => this.#lanes.leaseNamed(naming),
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
      const lane = await this.#lanes.forRun(settings, unwanted)
      lane.arrived()
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
      return { ...status, client: this.#lanes.countFunctions() }
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
    for (const lane of this.#lanes.of(worker)) lane.lost(report)
    this.#compiler.lost(worker, report)
  }

  /** @internal A worker takes no more. */
  draining(worker: number): void {
    this.#lanes.drain(worker)
  }

  /** @internal The daemon says that something comes near a limit. */
  warned({ limit, configured, observed, worker, message }: Warning): void {
    const event: LimitWarning = { limit, configured, observed, worker, message }
    if (worker !== undefined) for (const lane of this.#lanes.of(worker)) lane.warned(event)
    this.#guests.emit('warning', event)
  }

  /** @internal The control connection is gone, and with it every lease. The next call makes another. */
  disconnected(cause: GloveboxError): void {
    for (const lane of this.#lanes) lane.end(cause)
    this.#compiler.disconnected(cause)
  }

  async #dispose(): Promise<void> {
    const cause = new ConnectionError('ERR_DISPOSED', 'this box was disposed')
    this.#cause = cause
    this.disconnected(cause)
    this.#compiler.end(cause)
    await this.#connection.close(cause)
  }

  /** Asks a worker what no context is needed for. */
  async #inWorker(ask: (lane: Lane) => Promise<unknown>): Promise<[unknown]> {
    const lane = await this.#lanes.forCall()
    lane.arrived()
    try {
      return [await ask(lane)]
    } finally {
      release(lane)
    }
  }
}
