import { InvalidOptionError, OptionReader } from '../base/options.ts'
import type { ChannelLimits, SomeLimits } from '../protocol/channel-limits.ts'
import { type Language, LANGUAGES } from '../protocol/compiler-link.ts'
import { MAX_NAME, MAX_SPECIFIER, TIMEOUT_MS } from '../protocol/limits.ts'
import type { Trust } from '../protocol/placement.ts'
import { DEFAULT_MAX_ITEMS } from '../protocol/values/value-options.ts'
import { type Due, dueIn } from './due.ts'
import { LimitError, unsentReport } from './errors.ts'
import { GUEST_LIMITS, type GuestLimits, readLimits, RUN_LIMITS, type RunLimits } from './limits.ts'
import { type Modules, readModulesOption } from './modules/given-modules.ts'
import { type ContextSettings, type PresetName, readContextSettings, readGlobals } from './presets/context-settings.ts'
import type { DeterministicOptions } from './presets/deterministic.ts'
import type { Preset } from './presets/preset.ts'
import { type Placement, type PlacementOptions, readPlacement, readTrust, tightened, wishOf } from './placement.ts'
import { type RecoveryOptions, type RecoverySettings, readRecovery } from './recovery-options.ts'
import { type NamedOptions, type Naming, readNaming } from './named-options.ts'
import { OriginalPlaces } from './source-map.ts'

/** How one run goes. */
export interface RunOptions extends RunLimits {
  /** Deadline in milliseconds: covers computing, waiting for promises and everything that the code starts. 1 to the daemon's maximum; default: the connection's. */
  readonly timeout?: number
  /** Shown in the guest's stack traces. At most 1,024 characters; `glovebox:` and `node:` are not for guests. */
  readonly filename?: string
  /** `'ts'`: types are stripped, not checked, by the compiler, whose time does not count. Default `'js'`. */
  readonly language?: Language
  /** Cancels the run; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Whether the time that the run waits for a worker, and for its turn there, counts towards `timeout`. Then a run that has not begun by its deadline fails with TimeoutError, whose `report.phase` is `'queued'`. Default: the connection's, which is false. */
  readonly queueTimeCounts?: boolean
  /**
   * The source map (ECMA-426, version 3; index maps too) of a source that was compiled, as an object or its JSON: stacks show the original places. An object is read once, JSON in every run.
   * Without it, a map is taken from the `data:` URL of a `//# sourceMappingURL=` comment in the last line, if it is one of at most 1 MiB.
   */
  readonly sourceMap?: string | object
}

/** How one script runs over many inputs, each of which has the deadline for itself: {@link RunOptions}, without a language and limits of its own. */
export type ManyOptions = Omit<RunOptions, 'language' | 'queueTimeCounts' | keyof RunLimits>

export interface OneShotOptions extends RunOptions, GuestLimits, PlacementOptions {
  /** Globals of the run's context: values, by name. Or, as of `createContext()`, a preset. */
  readonly globals?: Readonly<Record<string, unknown>> | PresetName | Preset
  /** What its context is made with, if `globals` are values. Default `'web'`. */
  readonly preset?: PresetName | Preset
  /** Makes it do the same each time: see docs/deterministic.md. */
  readonly deterministic?: DeterministicOptions
  /** `'context'` (default): a context of its own in a worker of the tenant. `'process'`: a process of its own, thrown away afterwards. */
  readonly fresh?: 'context' | 'process'
  /** V8 heap of the process of `fresh: 'process'`, in bytes; as much again, and a little, may be taken outside the heap. 33,554,432 (32 MiB) to the connection's, which is the default. */
  readonly memory?: number
}

/** How a context is made. */
export interface ContextOptions extends RecoveryOptions, NamedOptions, PlacementOptions {
  /** What it is made with. Default `'web'`. */
  readonly globals?: PresetName | Preset
  /** The same by its other name. */
  readonly preset?: PresetName | Preset
  /** Makes it do the same each time: see docs/deterministic.md. */
  readonly deterministic?: DeterministicOptions
  /** Gives up waiting for it; the call rejects with the signal's reason, and a context that comes later is dropped. */
  readonly signal?: AbortSignal
  /** What `import()` imports in scripts that run in the context, and `ctx.import()` if it is given none. */
  readonly modules?: Modules
  /** Whether it has a worker process of its own, which ends with it. Default false, and true where `trust` is `'hostile'`. */
  readonly dedicated?: boolean
  /**
   * Limits of the context, lower than the connection's. `timeout` is the default deadline of its runs, in milliseconds; `memory`, for one that is `dedicated`, the V8 heap of its worker in bytes, of which as much again, and
   * a little, may be taken outside the heap: 33,554,432 (32 MiB) to the connection's.
   */
  readonly limits?: GuestLimits & { readonly timeout?: number; readonly maxSource?: number; readonly memory?: number }
}

export interface CallOptions {
  readonly timeout?: number
  readonly signal?: AbortSignal
  /** As of `run()`. */
  readonly queueTimeCounts?: boolean
}

/** What the daemon allows and the connection chose. */
export interface TimeoutPolicy {
  readonly defaultMs: number
  readonly maxMs: number
  readonly queueTimeCounts: boolean
}

/** The same for whatever a box evaluates. */
export interface RunPolicy extends TimeoutPolicy {
  readonly limits: ChannelLimits
  readonly placement: Placement
  /** V8 heap of a worker at most, in bytes. */
  readonly maxMemoryBytes: number
  /** How long a lease may wait for a worker, in milliseconds. */
  readonly queueTimeoutMs: number
  /** How long to try to reach a daemon that is gone, in milliseconds. */
  readonly reconnectMs: number
}

export interface CallSettings {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** When the call is due, if its time in queues counts. */
  readonly due: Due | undefined
}

export interface RunSettings extends CallSettings {
  readonly filename: string | undefined
  readonly sourceMap: OriginalPlaces | undefined
  readonly language: Language | undefined
  /** Undefined if they are those of the context, or of the connection. */
  readonly limits: ChannelLimits | undefined
}

export interface OneShotSettings extends RunSettings, ContextSettings {
  readonly globals: Readonly<Record<string, unknown>> | undefined
  readonly fresh: 'context' | 'process'
  readonly placement: Placement
}

/** Most runs have no options: those share one object. */
export function resolveRunOptions(policy: RunPolicy, given: unknown): RunSettings {
  const read = new OptionReader('run()', given)
  const settings = { ...readRun(policy, read), limits: readLower(policy, read, RUN_LIMITS) }
  read.finish()
  return settings
}

export function resolveManyOptions(policy: TimeoutPolicy, given: unknown): Omit<RunSettings, 'language' | 'due' | 'limits'> {
  const read = new OptionReader('runMany()', given)
  const settings = { filename: readFilename(read), sourceMap: readSourceMap(read), ...readTimed(policy, read) }
  read.finish()
  return settings
}

export function resolveOneShotOptions(policy: RunPolicy, given: unknown): OneShotSettings {
  const read = new OptionReader('run()', given)
  const trust = readTrust(read, policy.placement.trust)
  const lower = tightened(trust, policy.placement.trust)
  const fresh = readOwn<OneShotSettings['fresh']>(
    read.oneOf('fresh', ['context', 'process']),
    { option: 'fresh', yes: 'process', no: 'context', rule: "must be 'process' where trust is 'hostile'" },
    trust,
  )
  const settings = {
    ...readRun(lower === undefined ? policy : { ...policy, defaultMs: Math.min(policy.defaultMs, lower.timeoutMs) }, read),
    ...readGlobals(read),
    limits: readLower(policy, read, GUEST_LIMITS, lower?.limits),
    fresh,
    placement: readPlacement(read, policy, trust, { is: fresh === 'process', option: "fresh: 'process'" }, read),
  }
  read.finish()
  return settings
}

export function resolveCallOptions(policy: TimeoutPolicy, owner: string, given: unknown): CallSettings {
  const read = new OptionReader(owner, given)
  const settings = readCall(policy, read)
  read.finish()
  return settings
}

export interface NewContextSettings extends ContextSettings, RecoverySettings {
  readonly signal: AbortSignal | undefined
  readonly modules: Modules | undefined
  readonly policy: RunPolicy
  readonly naming: Naming | undefined
  readonly dedicated: boolean
  readonly placement: Placement
}

export function resolveContextOptions(policy: RunPolicy, given: unknown): NewContextSettings {
  const read = new OptionReader('createContext()', given)
  const limits = new OptionReader('createContext({ limits })', read.object('limits'))
  const trust = readTrust(read, policy.placement.trust)
  const naming = readNaming(read)
  const dedicated = readOwn(
    read.boolean('dedicated'),
    { option: 'dedicated', yes: true, no: false, rule: "must be true where trust is 'hostile'" },
    trust,
  )
  const placement = readPlacement(read, policy, trust, { is: dedicated, option: 'dedicated: true' }, limits)
  if (naming !== undefined && (dedicated || wishOf(placement) !== undefined))
    throw new InvalidOptionError('name', "goes with the tenant's usual workers only: all its clients may come there", naming.name)
  const settings = {
    ...readContextSettings(read),
    signal: read.signal('signal'),
    modules: readModulesOption(read),
    ...readRecovery(read),
    naming,
    dedicated,
    placement,
    policy: readContextLimits(policy, trust, limits),
  }
  limits.finish()
  read.finish()
  return settings
}

/** The policy of what runs in a context with limits of its own. */
function readContextLimits(policy: RunPolicy, trust: Trust, read: OptionReader): RunPolicy {
  const lower = tightened(trust, policy.placement.trust)
  const usualMs = lower === undefined ? policy.defaultMs : Math.min(policy.defaultMs, lower.timeoutMs)
  const defaultMs = read.integer('timeout', TIMEOUT_MS.min, policy.maxMs) ?? usualMs
  const limits = readLimits(read, [...GUEST_LIMITS, 'maxSource'], policy.limits, lower?.limits)
  return defaultMs === policy.defaultMs && limits === policy.limits ? policy : { ...policy, defaultMs, limits }
}

/** Whether it has a process of its own, in the words of an option. */
function readOwn<const Choice>(
  given: Choice | undefined,
  says: { readonly option: string; readonly yes: Choice; readonly no: Choice; readonly rule: string },
  trust: Trust,
): Choice {
  if (trust !== 'hostile') return given ?? says.no
  if (given === says.no) throw new InvalidOptionError(says.option, says.rule, given)
  return says.yes
}

/** Undefined if none is lower. */
function readLower(
  policy: RunPolicy,
  read: OptionReader,
  names: readonly (keyof GuestLimits)[],
  defaults?: SomeLimits,
): ChannelLimits | undefined {
  const limits = readLimits(read, names, policy.limits, defaults)
  return limits === policy.limits ? undefined : limits
}

/** Refuses what is not source, or too much of it. */
export function checkSource(source: unknown, maxSource: number): asserts source is string {
  if (typeof source !== 'string') throw new InvalidOptionError('source', 'must be a string', source)
  if (source.length > maxSource)
    throw new LimitError(
      'ERR_SOURCE_LIMIT',
      `the source has ${source.length} characters, over the limit of ${maxSource}`,
      unsentReport('maxSource', maxSource, source.length),
    )
}

/** The inputs of a `runMany` as a list. */
export function checkInputs(inputs: unknown): readonly unknown[] {
  if (Array.isArray(inputs)) return inputs as readonly unknown[]
  const isIterable =
    typeof inputs === 'object' && inputs !== null && typeof (inputs as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function'
  if (!isIterable) throw new InvalidOptionError('inputs', 'must be an array or another iterable', inputs)
  const list: unknown[] = []
  // One more than may cross: an iteration without end is told so, as an array of that length is, and does not fill the memory.
  for (const input of inputs as Iterable<unknown>) if (list.push(input) > DEFAULT_MAX_ITEMS) break
  return list
}

/** Refuses what is not the specifier of a module. */
export function checkSpecifier(specifier: unknown): asserts specifier is string {
  if (typeof specifier !== 'string' || specifier === '')
    throw new InvalidOptionError('specifier', 'must be a string, and not empty', specifier)
  if (specifier.length > MAX_SPECIFIER)
    throw new InvalidOptionError('specifier', `must have at most ${MAX_SPECIFIER} characters`, specifier)
}

/** Refuses what is not the name of a global. */
export function checkName(name: unknown): asserts name is string {
  if (typeof name !== 'string') throw new InvalidOptionError('name', 'must be a string', name)
  if (name.length > MAX_NAME) throw new InvalidOptionError('name', `must have at most ${MAX_NAME} characters`, name)
}

function readRun(policy: TimeoutPolicy, read: OptionReader): Omit<RunSettings, 'limits'> {
  const filename = readFilename(read)
  const language = read.oneOf('language', LANGUAGES)
  return { ...readCall(policy, read), filename, language, sourceMap: readSourceMap(read) }
}

function readSourceMap(read: OptionReader): OriginalPlaces | undefined {
  const sourceMap = read.any('sourceMap')
  return sourceMap === undefined ? undefined : OriginalPlaces.of(sourceMap)
}

export function readFilename(read: OptionReader): string | undefined {
  const filename = read.string('filename')
  if (filename !== undefined && filename.length > MAX_NAME)
    throw new InvalidOptionError('filename', `must have at most ${MAX_NAME} characters`, filename)
  // Stacks leave frames of such scripts out.
  if (filename !== undefined && /^(?:glovebox|node):/.test(filename))
    throw new InvalidOptionError('filename', "must not begin with 'glovebox:' or 'node:'", filename)
  return filename
}

export function readCall(policy: TimeoutPolicy, read: OptionReader): CallSettings {
  const call = readTimed(policy, read)
  const counts = read.boolean('queueTimeCounts') ?? policy.queueTimeCounts
  return { ...call, due: counts ? dueIn(call.timeoutMs) : undefined }
}

function readTimed(policy: TimeoutPolicy, read: OptionReader): Omit<CallSettings, 'due'> {
  return { timeoutMs: read.integer('timeout', TIMEOUT_MS.min, policy.maxMs) ?? policy.defaultMs, signal: read.signal('signal') }
}
