import * as v from 'valibot'
import { InvalidOptionError } from '../base/options.ts'
import {
  CHANNEL_LIMIT_NAMES,
  type ChannelLimits,
  channelLimitsOf,
  DEFAULT_CHANNEL_LIMITS,
  type SomeLimits,
} from '../protocol/channel-limits.ts'
import type { Layer } from '../protocol/attestation.ts'
import { CRASH_WINDOW_MS, MAX_QUEUE, MEMORY, QUEUE_TIMEOUT_MS, TIMEOUT_MS } from '../protocol/limits.ts'
import { faultOf } from './config/rules.ts'
import { OPTION_KEYS, optionsSchema } from './config/schema.ts'
import type { ConfinementChoice, ConfinementLevel } from './confinement.ts'
import type { LogLevel } from './log.ts'
import type { Policy } from './tenants/policy.ts'
import { policyFault } from './tenants/policy-file.ts'
import { groupId, type SocketAccess } from './tenants/socket-access.ts'
import { usableCores } from './usable-cores.ts'
import { defaultSocketPath } from '../base/socket-path.ts'

/** How a daemon runs. Every option has a default. The limits of a channel (`maxOutput`, `maxDepth`, `maxSource` and so on) are in docs/limits.md, with units and ranges; a tenant's policy and clients may lower them. */
export interface DaemonOptions extends SomeLimits {
  /** Path of the socket to serve; its directory must be this user's own. Default: `$XDG_RUNTIME_DIR/glovebox/daemon.sock`, or `/run/glovebox/daemon.sock`. */
  readonly socket?: string | undefined
  /** Workers kept booted beyond those in use. 0 to 64, default 1. */
  readonly spare?: number | undefined
  /** Workers at most, spares included. 1 to 256, default twice the number of cores that the daemon may use (a quota of its cgroup counts) and at least 4. */
  readonly max?: number | undefined
  /** Shared workers of one tenant at most. 1 to 256, default the number of cores that the daemon may use. */
  readonly maxPerTenant?: number | undefined
  /** Default deadline of a run, in milliseconds. 1 to 3,600,000, default 5,000. */
  readonly timeout?: number | undefined
  /** The longest deadline that a client may ask for, in milliseconds. Default 3,600,000. */
  readonly maxTimeout?: number | undefined
  /** Leases of one tenant that may wait for a worker. 0 to 100,000, default 1,000. */
  readonly maxQueue?: number | undefined
  /** How long a lease may wait for a worker, in milliseconds. 0 to 600,000, default 10,000. */
  readonly queueTimeout?: number | undefined
  /** Processor time that all processes of one tenant may use in a minute, in seconds. 1 to 15,360; default: no limit. */
  readonly cpu?: number | undefined
  /** Resident memory of a worker, in bytes or as a text such as `'1G'`, above which it is recycled. 64 MiB to 1 TiB; default 90 % of its cgroup's limit if it has one, and at most half of the machine's memory or the container's. */
  readonly highWater?: number | string | undefined
  /** Runs after which a worker is replaced as soon as it holds no context. 1 to 1,000,000,000, default 10,000,000. */
  readonly recycleAfter?: number | undefined
  /** Path of the Node binary (26 or later) that workers run on. Default: the daemon's own. */
  readonly runtime?: string | undefined
  /** V8 heap of each worker, in bytes, or as a text such as `'256M'`. 32 MiB to 4 GiB, default 256 MiB. */
  readonly memory?: number | string | undefined
  /** `strict` refuses to start unless L1 to L4 hold; `auto` (default) takes every layer that works and says which do not; `process` is L1 and L2 only. */
  readonly confinement?: ConfinementLevel | undefined
  /** Layers that must hold, besides those that `confinement` requires. */
  readonly require?: readonly Layer[] | undefined
  /** Path of a cgroup (version 2) that is this daemon's to arrange. Default: the daemon's own, if systemd delegated it. */
  readonly cgroup?: string | undefined
  /** A policy, or the path of one: JSON with comments, which says who the tenants are and what each may do (docs/tenants.md). Default: none; whoever may open the socket is the tenant `default`. */
  readonly policy?: string | Policy | undefined
  /** Permission bits of the daemon's sockets, in octal: `'600'` (default) is this user only, `'660'` the group too, `'666'` everybody. More than this user needs a `policy`. */
  readonly socketMode?: string | undefined
  /** Group of the daemon's sockets, by name or number. Default: this user's own. */
  readonly socketGroup?: string | undefined
  /** How long a compiler that nobody uses is kept, in milliseconds. 1 to 86,400,000, default 300,000. */
  readonly compilerIdle?: number | undefined
  /** A script that crashed three workers in this time is refused for as long, in milliseconds. 100 to 3,600,000, default 60,000. */
  readonly crashWindow?: number | undefined
  /** How long a stopping daemon, or a worker that is recycled, lets runs finish, in milliseconds. Default 5,000. */
  readonly drain?: number | undefined
  /** Where metrics and health are served over HTTP: `'127.0.0.1:PORT'`, `'[::1]:PORT'` or the path of a Unix socket. Default: nowhere. */
  readonly metrics?: string | undefined
  /** How much the daemon's log tells: `silent`, `error`, `warn`, `info` (default) or `debug`. */
  readonly logLevel?: LogLevel | undefined
}

/** What holds where nothing was given. */
export function defaultOptions() {
  const cores = usableCores()
  return {
    socket: defaultSocketPath(),
    spare: 1,
    max: Math.max(4, 2 * cores),
    maxPerTenant: cores,
    timeout: TIMEOUT_MS.default,
    maxTimeout: TIMEOUT_MS.max,
    ...DEFAULT_CHANNEL_LIMITS,
    maxQueue: MAX_QUEUE.default,
    queueTimeout: QUEUE_TIMEOUT_MS.default,
    recycleAfter: 10_000_000,
    memory: MEMORY.default,
    confinement: 'auto',
    require: [] as readonly Layer[],
    socketMode: '600',
    compilerIdle: 300_000,
    crashWindow: CRASH_WINDOW_MS.default,
    drain: 5_000,
    logLevel: 'info',
  } as const satisfies DaemonOptions
}

/** Options that a running daemon takes over when it reads its configuration again. The others wait for the next start. */
export const LIVE_OPTIONS: ReadonlySet<keyof DaemonOptions> = new Set([
  'policy',
  'maxPerTenant',
  'timeout',
  'maxTimeout',
  ...CHANNEL_LIMIT_NAMES,
  'maxQueue',
  'queueTimeout',
  'cpu',
  'drain',
  'logLevel',
] as const)

export interface DaemonSettings {
  /** As they were given, with the defaults. */
  readonly options: DaemonOptions
  readonly socketPath: string
  readonly spare: number
  readonly max: number
  readonly maxPerTenant: number
  readonly timeoutMs: number
  readonly maxTimeoutMs: number
  readonly channel: ChannelLimits
  readonly maxQueue: number
  readonly queueTimeoutMs: number
  readonly cpuMs: number | undefined
  readonly highWaterBytes: number | undefined
  readonly recycleAfter: number
  readonly memoryBytes: number
  readonly runtime: string | undefined
  readonly confinement: ConfinementChoice
  readonly policy: string | Policy | undefined
  readonly access: SocketAccess
  readonly compilerIdleMs: number
  readonly crashWindowMs: number
  readonly drainMs: number
  readonly metrics: string | undefined
  readonly logLevel: LogLevel
}

/** Resolves each option once. Throws InvalidOptionError (`ERR_INVALID_OPTION`) naming option, rule and value. */
export function resolveDaemonOptions(given: unknown): DaemonSettings {
  const defaults = defaultOptions()
  const options = { ...defaults, ...definedOnly(checkOptions(given)) }
  const { maxTimeout, cpu } = options
  const settings: DaemonSettings = {
    options,
    socketPath: options.socket,
    spare: options.spare,
    max: options.max,
    maxPerTenant: options.maxPerTenant,
    timeoutMs: Math.min(options.timeout, maxTimeout),
    maxTimeoutMs: maxTimeout,
    channel: channelLimitsOf((name) => options[name]),
    cpuMs: cpu === undefined ? undefined : cpu * 1_000,
    highWaterBytes: options.highWater,
    recycleAfter: options.recycleAfter,
    runtime: options.runtime,
    memoryBytes: options.memory,
    confinement: { level: options.confinement, require: options.require, cgroup: options.cgroup, without: [] },
    maxQueue: options.maxQueue,
    queueTimeoutMs: options.queueTimeout,
    policy: options.policy,
    access: accessOf(options),
    compilerIdleMs: options.compilerIdle,
    crashWindowMs: options.crashWindow,
    drainMs: options.drain,
    metrics: options.metrics,
    logLevel: options.logLevel,
  }
  return Object.freeze(settings)
}

/** The settings of a daemon that runs on while its configuration is another: what can change has changed, and the rest is as it was. */
export function withLive(running: DaemonSettings, next: DaemonSettings): DaemonSettings {
  const { timeoutMs, maxTimeoutMs, channel, maxPerTenant, maxQueue, queueTimeoutMs, cpuMs, policy, drainMs, logLevel } = next
  const options = { ...running.options }
  for (const key of LIVE_OPTIONS) Object.assign(options, { [key]: next.options[key] })
  return Object.freeze({
    ...running,
    options,
    timeoutMs,
    maxTimeoutMs,
    channel,
    maxPerTenant,
    maxQueue,
    queueTimeoutMs,
    cpuMs,
    policy,
    drainMs,
    logLevel,
  })
}

function checkOptions(given: unknown): v.InferOutput<typeof optionsSchema> {
  if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given)))
    throw new InvalidOptionError('startDaemon()', 'takes an object of options', given)
  const result = v.safeParse(optionsSchema, given ?? {})
  if (!result.success) {
    const { keys, rule } = faultOf(result.issues[0])
    const known = OPTION_KEYS.map((key) => `'${key}'`).join(', ')
    const isUnknown = keys.length === 1 && rule === 'is not an option'
    throw new InvalidOptionError(keys.join('.'), isUnknown ? `${rule} of startDaemon(); it takes ${known}` : rule, partOf(given, keys))
  }
  const { policy } = result.output
  const fault = typeof policy === 'object' ? policyFault(policy) : undefined
  if (fault !== undefined) throw new InvalidOptionError(`policy.${fault.keys.join('.')}`, fault.rule, partOf(policy, fault.keys))
  return result.output
}

function partOf(value: unknown, keys: readonly (string | number)[]): unknown {
  return keys.reduce((part, key) => (part as Readonly<Record<string | number, unknown>> | undefined)?.[key], value)
}

function definedOnly<Options extends object>(options: Options): { [Key in keyof Options]?: Exclude<Options[Key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Options]?: Exclude<Options[Key], undefined>
  }
}

function accessOf({
  socketMode: mode,
  socketGroup: group,
  policy,
}: Pick<DaemonOptions, 'socketGroup' | 'policy'> & { readonly socketMode: string }): SocketAccess {
  // Everybody who may connect would be the same tenant.
  if (mode !== '600' && policy === undefined) throw new InvalidOptionError('socketMode', "needs a 'policy' to be more than '600'", mode)
  const gid = group === undefined ? undefined : groupId(group)
  if (group !== undefined && gid === undefined) throw new InvalidOptionError('socketGroup', 'must be a group of this machine', group)
  return { mode: Number.parseInt(mode, 8), gid }
}
