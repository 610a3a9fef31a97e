import { Script } from './compiler/script.ts'
import type { Scripts } from './compiler/scripts.ts'
import { type Due, dueIn } from './due.ts'
import { ContextLostError } from './errors.ts'
import { checkRunnable, evaluate } from './evaluate.ts'
import { type GuestEventName, GuestEvents, type GuestListener } from './guest-events.ts'
import type { Lane } from './lane.ts'
import { ContextModules, keyOf } from './modules/context-modules.ts'
import type { Modules } from './modules/given-modules.ts'
import type { ImportedSources } from './modules/imported-sources.ts'
import { type ImportOptions, resolveImportOptions } from './modules/import-options.ts'
import type { Request } from './request.ts'
import type { ContextBridge } from './context-bridge.ts'
import { NO_PAYLOAD } from './requests.ts'
import type { Outcome } from './outcomes.ts'
import { InvalidOptionError, OptionReader } from '../base/options.ts'
import {
  type CallOptions,
  checkInputs,
  checkName,
  checkSource,
  checkSpecifier,
  type ManyOptions,
  resolveCallOptions,
  resolveManyOptions,
  resolveRunOptions,
  type RunOptions,
  type RunSettings,
  type RunPolicy,
} from './run-options.ts'
import { checkDuration } from './presets/deterministic.ts'
import { type Place, Restoring } from './restoring.ts'
import { type RunScript, runScript } from './source-maps.ts'
import { findTracing } from './tracing/tracing.ts'

/** What `glovebox/vm` asks of a context. */
type VmRequest =
  Extract<Request, { readonly type: 'vmRun' | 'vmSync' }> extends infer Asked
    ? Asked extends object
      ? Omit<Asked, 'context'>
      : never
    : never

const RUN = { source: 'run', script: 'runScript' } as const

/**
 * A context: a realm with its own globals, in a worker. State stays from run to run. Every method rejects with ContextLostError once the context was disposed or its worker
 * died, with WorkerCrashError if the worker dies during the call, and with TimeoutError at the deadline, after which the context is still usable.
 */
export class Context implements AsyncDisposable {
  #lane: Lane
  #number: number
  readonly #policy: RunPolicy
  readonly #scripts: Scripts
  /** Whether any source had a source map. */
  #isMapped = false
  #disposed: Promise<void> | undefined
  #modules: ContextModules | undefined
  #imports: ImportedSources
  readonly #isNamed: boolean
  /** How it is made again when it is lost, if it is; its listeners outlive what it is then. */
  readonly #restoring: Restoring | undefined
  readonly #listeners: GuestEvents | undefined

  /** @internal Contexts are made by `box.createContext()`. `make` makes it again. */
  constructor({ lane, number, imports, named }: Place, policy: RunPolicy, scripts: Scripts, make?: () => Promise<Place>) {
    this.#lane = lane
    this.#number = number
    this.#imports = imports
    this.#isNamed = named !== undefined
    this.#policy = policy
    this.#scripts = scripts
    if (make === undefined) return
    this.#listeners = new GuestEvents()
    lane.bridge(number).listeners = this.#listeners
    this.#restoring = new Restoring(make, policy.reconnectMs, (place, cause) => this.#restored(place, cause))
  }

  /** The number of the worker that it is in, as `box.status()` and reports have it. */
  get worker(): number {
    return this.#lane.worker
  }

  /**
   * Evaluates a source, or a compiled script, and resolves with its completion value; if that is a promise, with what it settles to.
   * @throws GuestError if the guest throws
   */
  async run(source: string | Script, options?: RunOptions): Promise<unknown> {
    const settings = options === undefined ? this.#plain() : resolveRunOptions(this.#policy, options)
    checkRunnable(source, this.#policy.limits.maxSource, settings)
    this.#assertThere()
    if (this.#isLost) await this.#restore()
    const tracing = findTracing()
    if (tracing === undefined) return this.#evaluate(source, settings)
    const { filename } = source instanceof Script ? source : settings
    return tracing.run({ operation: 'run', filename }, async () => this.#evaluate(source, settings))
  }

  #evaluate(source: string | Script, settings: RunSettings): Promise<unknown> {
    const remember = (script: RunScript): RunScript => this.#remember(script)
    return evaluate(this.#lane, this.#scripts, source, settings, { context: this.#number, as: RUN, payload: NO_PAYLOAD, remember })
  }

  /**
   * One script over many inputs, in one message. The script is evaluated for the first input, with the global `input`; if it gives a function, that is called with each input and its index, otherwise
   * the script is evaluated again for each, in a scope of its own. Yields each input's outcome in order: none stops the rest, and each has its own deadline. Breaking off ends the run.
   * @throws ValueError if an input cannot cross, GuestError if the script does not parse
   */
  runMany(source: string, inputs: Iterable<unknown>, options?: ManyOptions): AsyncIterableIterator<Outcome, undefined> {
    checkSource(source, this.#policy.limits.maxSource)
    const list = checkInputs(inputs)
    const { timeoutMs, filename, signal, sourceMap } = options === undefined ? this.#plain() : resolveManyOptions(this.#policy, options)
    this.#assertThere()
    const start = (): AsyncIterableIterator<Outcome, undefined> => {
      const script = this.#remember(runScript(source, filename, sourceMap))
      return this.#lane.many({ type: 'many', context: this.#number, timeoutMs, filename, source }, list, signal, script)
    }
    return this.#isLost ? this.#restoredMany(start) : start()
  }

  /**
   * Imports a module, and resolves with an object of what it exports: data, and functions as live handles. A module is evaluated once in a context, whoever imports it. `specifier` is a key of `modules`, or what a resolver
   * understands; a script that was compiled as a module is imported as it is.
   * @throws GuestError if a module is missing, does not parse, or throws
   */
  async import(specifier: string | Script, options?: ImportOptions): Promise<Record<string, unknown>> {
    const { modules, meta, exports, timeoutMs, signal, due } = resolveImportOptions(this.#policy, options)
    const key = specifier instanceof Script ? keyOf(specifier) : specifier
    checkSpecifier(key)
    if (specifier instanceof Script && specifier.format !== 'module')
      throw new InvalidOptionError('specifier', "must be a string, or a script that was compiled with the format 'module'", specifier)
    this.#assertThere()
    if (this.#isLost) await this.#restore()
    const own = this.#lookups(specifier, key, modules, meta)
    const request = { type: 'import', context: this.#number, timeoutMs, name: '' } as const
    const imports = async (): Promise<unknown> =>
      this.#imports.import(key, (script) => this.#lane.call(request, [key, '', own, exports], signal, script, due))
    const traced = findTracing()?.run({ operation: 'import', specifier: key }, imports)
    return (await (traced ?? imports())) as Record<string, unknown>
  }

  /** The value of a global, or of a top-level `let`, `const` or `class`; undefined if there is none. */
  async get(name: string, options?: CallOptions): Promise<unknown> {
    return this.#access('get', name, NO_PAYLOAD, options)
  }

  /** Sets a global. */
  async set(name: string, value: unknown, options?: CallOptions): Promise<void> {
    await this.#access('set', name, value, options)
  }

  /** Deletes a global. Resolves with whether it is gone, as the `delete` operator says. */
  async delete(name: string, options?: CallOptions): Promise<boolean> {
    return (await this.#access('delete', name, NO_PAYLOAD, options)) === true
  }

  /** A snapshot of the context's own enumerable globals. */
  async globals(options?: CallOptions): Promise<Record<string, unknown>> {
    return (await this.#access('globals', '', NO_PAYLOAD, options)) as Record<string, unknown>
  }

  /** Calls a guest function by name or path (`'a.b.c'`; `this` is `a.b`) with values, and resolves with its result, awaited. */
  async call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#access('call', name, args, undefined)
  }

  /** Resolves when nothing is pending in the context: no timer, no host call, no run. Rejects with TimeoutError if that does not come to be in time. */
  async idle(options?: CallOptions): Promise<void> {
    await this.#access('idle', '', NO_PAYLOAD, options)
  }

  /**
   * Lets the clock of a deterministic context go on by `ms` (0 or more), and its timers with it: in order, each at its time, with its jobs after it. Resolves with the time then, in milliseconds since 1970. At the
   * deadline it stays where it is.
   * @throws ReportedError `ERR_NO_CLOCK` if the context was not made with the option `deterministic`
   */
  async advance(ms: number, options?: CallOptions): Promise<number> {
    checkDuration(ms)
    const { timeoutMs, signal, due } = options === undefined ? this.#plain() : resolveCallOptions(this.#policy, 'advance()', options)
    if (this.#isLost) await this.#restore()
    return (await this.#call({ type: 'advance', context: this.#number, timeoutMs, ms }, NO_PAYLOAD, signal, due)) as number
  }

  /** Hears what the context says: `console`, `unhandledRejection`, `uncaughtException`; and `restored`, when it was made again. Returns this context. */
  on<Name extends GuestEventName>(name: Name, listener: GuestListener<Name>): this {
    this.#events.on(name, listener)
    return this
  }

  off<Name extends GuestEventName>(name: Name, listener: GuestListener<Name>): this {
    this.#events.off(name, listener)
    return this
  }

  /** @internal The functions that this process and the context hold of each other. */
  get bridge(): ContextBridge {
    return this.#lane.bridge(this.#number)
  }

  /** @internal What `glovebox/vm` asks. `payload` is a delta of a mirror, and so is what this resolves with. */
  async vm(request: VmRequest, payload: unknown, signal: AbortSignal | undefined, script?: RunScript): Promise<unknown> {
    this.#assertThere()
    const remembered = script === undefined ? undefined : this.#remember(script)
    const call = (): Promise<unknown> => this.#lane.call({ ...request, context: this.#number }, payload, signal, remembered)
    const tracing = request.type === 'vmRun' ? findTracing() : undefined
    if (tracing === undefined || request.type !== 'vmRun') return call()
    return tracing.run({ operation: 'run', filename: request.filename }, call)
  }

  /** @internal Imports a module that the lookups of `glovebox/vm` find. */
  async vmImport(payload: unknown, timeoutMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    return this.#call({ type: 'import', context: this.#number, timeoutMs, name: '' }, payload, signal)
  }

  /** @internal The lookups of `glovebox/vm`, for `import()` in scripts. */
  async vmModules(lookups: unknown): Promise<void> {
    await this.#call({ type: 'modules', context: this.#number, timeoutMs: this.#policy.defaultMs, name: '' }, lookups, undefined)
  }

  /** Lets go of a context with a name, or ends it for all with `destroy: true`; any other is ended. Runs that wait in it fail with ContextLostError. Idempotent. */
  dispose(options?: { readonly destroy?: boolean }): Promise<void> {
    const read = new OptionReader('dispose()', options)
    const destroy = read.boolean('destroy') === true
    read.finish()
    this.#disposed ??= this.#dispose(destroy)
    return this.#disposed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  async #dispose(destroy: boolean): Promise<void> {
    if (destroy && this.#isNamed)
      await this.#lane.call({ type: 'end', context: this.#number }, NO_PAYLOAD, undefined).catch(() => undefined)
    await this.#lane.disposeContext(this.#number)
  }

  async #access(
    type: 'get' | 'set' | 'delete' | 'globals' | 'call' | 'idle',
    name: string,
    payload: unknown,
    options: CallOptions | undefined,
  ): Promise<unknown> {
    checkName(name)
    const { timeoutMs, signal, due } = options === undefined ? this.#plain() : resolveCallOptions(this.#policy, `${type}()`, options)
    if (this.#isLost) await this.#restore()
    const request = { type, context: this.#number, timeoutMs, name } as const
    const tracing = type === 'call' ? findTracing() : undefined
    if (tracing === undefined) return this.#call(request, payload, signal, due)
    return tracing.run({ operation: 'call', function: name }, async () => this.#call(request, payload, signal, due))
  }

  #call(request: Parameters<Lane['call']>[0], payload: unknown, signal: AbortSignal | undefined, due?: Due): Promise<unknown> {
    this.#assertThere()
    return this.#lane.call(request, payload, signal, undefined, due)
  }

  /** @internal What `import()` in scripts imports from, and `import` without modules of its own. */
  async setModules(modules: Modules): Promise<void> {
    const request = { type: 'modules', context: this.#number, timeoutMs: this.#policy.defaultMs, name: '' } as const
    await this.#call(request, this.#contextModules().lookups(modules, undefined), undefined)
  }

  #lookups(specifier: string | Script, key: string, modules: Modules | undefined, meta: ImportOptions['meta']): unknown {
    if (specifier instanceof Script) return this.#contextModules().lookupsFor(specifier, key, modules, meta)
    if (modules !== undefined) return this.#contextModules().lookups(modules, meta)
    if (meta !== undefined) throw new InvalidOptionError('meta', "goes with the option 'modules'", meta)
    return undefined
  }

  #contextModules(): ContextModules {
    this.#modules ??= new ContextModules({
      compile: (source, filename, format) => this.#scripts.compile(source, { language: 'ts', format, filename, signal: undefined }),
      remember: (script) => void this.#remember(script),
      sends: (source, imported) => this.#imports.sends(source, imported),
    })
    return this.#modules
  }

  #remember(script: RunScript): RunScript {
    this.#isMapped ||= script.script !== undefined
    if (this.#isMapped && this.#disposed === undefined) this.#lane.bridge(this.#number).sourceMaps.remember(script)
    return script
  }

  get #events(): GuestEvents {
    return this.#listeners ?? this.#lane.bridge(this.#number).events
  }

  /** Whether it is to be made again before anything is done in it. */
  get #isLost(): boolean {
    return this.#restoring !== undefined && !this.#lane.alive
  }

  async #restore(): Promise<void> {
    while (this.#isLost) await this.#restoring?.restore(this.#lane.cause)
    this.#assertThere()
  }

  async *#restoredMany(start: () => AsyncIterableIterator<Outcome, undefined>): AsyncGenerator<Outcome, undefined, undefined> {
    await this.#restore()
    yield* start()
    return undefined
  }

  #restored({ lane, number, imports }: Place, cause: Error): void {
    if (this.#disposed !== undefined) {
      void lane.disposeContext(number)
      return
    }
    this.#lane.forget(this.#number)
    this.#lane = lane
    this.#number = number
    this.#imports = imports
    this.#modules = undefined
    lane.bridge(number).listeners = this.#listeners
    this.#listeners?.emit('restored', { cause })
  }

  #assertThere(): void {
    if (this.#disposed !== undefined) throw new ContextLostError('ERR_CONTEXT_LOST', 'this context was disposed')
  }

  #plain(): RunSettings {
    const { defaultMs, queueTimeCounts } = this.#policy
    const due = queueTimeCounts ? dueIn(defaultMs) : undefined
    return {
      timeoutMs: defaultMs,
      filename: undefined,
      language: undefined,
      signal: undefined,
      sourceMap: undefined,
      due,
      limits: undefined,
    }
  }
}
