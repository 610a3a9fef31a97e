import { availableParallelism } from 'node:os'
import { InvalidOptionError, OptionReader } from '../base/options.ts'
import { type Layer, LAYERS } from '../protocol/attestation.ts'
import { CPU_S, CRASH_WINDOW_MS, HIGH_WATER, MAX_QUEUE, MEMORY, QUEUE_TIMEOUT_MS, TIMEOUT_MS } from '../protocol/limits.ts'
import { type ConfinementChoice, CONFINEMENTS, type ConfinementLevel } from './confinement.ts'
import { LOG_LEVELS, type LogLevel } from './log.ts'
import { groupId, type SocketAccess } from './tenants/socket-access.ts'
import { defaultSocketPath } from '../base/socket-path.ts'

/** How a daemon runs. Every option has a default. */
export interface DaemonOptions {
  /** Path of the socket to serve; its directory must be this user's own. Default: `$XDG_RUNTIME_DIR/glovebox/daemon.sock`, or `/run/glovebox/daemon.sock`. */
  readonly socket?: string
  /** Workers kept booted beyond those in use. 0 to 64, default 1. */
  readonly spare?: number
  /** Workers at most, spares included. 1 to 256, default twice the number of cores and at least 4. */
  readonly max?: number
  /** Shared workers of one tenant at most. 1 to 256, default the number of cores. */
  readonly maxPerTenant?: number
  /** Default deadline of a run, in milliseconds. 1 to 3,600,000, default 5,000. */
  readonly timeout?: number
  /** The longest deadline that a client may ask for, in milliseconds. Default 3,600,000. */
  readonly maxTimeout?: number
  /** Leases of one tenant that may wait for a worker. 0 to 100,000, default 1,000. */
  readonly maxQueue?: number
  /** How long a lease may wait for a worker, in milliseconds. 0 to 600,000, default 10,000. */
  readonly queueTimeout?: number
  /** Processor time that all processes of one tenant may use in a minute, in seconds. 1 to 15,360; default: no limit. */
  readonly cpu?: number
  /** Resident memory of a worker, in bytes, above which it is recycled. 64 MiB to 1 TiB; default 90 % of its cgroup's limit if it has one, and at most half of the machine's memory or the container's. */
  readonly highWater?: number
  /** Runs after which a worker is replaced as soon as it holds no context. 1 to 1,000,000,000, default 10,000,000. */
  readonly recycleAfter?: number
  /** Path of the Node binary (26 or later) that workers run on. Default: the daemon's own. */
  readonly runtime?: string
  /** V8 heap of each worker, in bytes. 32 MiB to 4 GiB, default 256 MiB. */
  readonly memory?: number
  /**
   * `strict` refuses to start unless L1 to L4 hold; `auto` (default) takes every layer that works and says which do not; `process` is L1 and L2 only.
   */
  readonly confinement?: ConfinementLevel
  /** Layers that must hold, besides those that `confinement` requires. */
  readonly require?: readonly Layer[]
  /** Path of a cgroup (version 2) that is this daemon's to arrange. Default: the daemon's own, if systemd delegated it. */
  readonly cgroup?: string
  /**
   * Path of a policy: JSON with comments, which says who the tenants are and what each may do (docs/tenants.md). Default: none; whoever may open the socket is the tenant `default`.
   */
  readonly policy?: string
  /** Permission bits of the daemon's sockets, in octal: `'600'` (default) is this user only, `'660'` the group too, `'666'` everybody. More than this user needs a `policy`. */
  readonly socketMode?: string
  /** Group of the daemon's sockets, by name or number. Default: this user's own. */
  readonly socketGroup?: string
  /** How long a compiler that nobody uses is kept, in milliseconds. 1 to 86,400,000, default 300,000. */
  readonly compilerIdle?: number
  /** A script that crashed three workers in this time is refused for as long, in milliseconds. 100 to 3,600,000, default 60,000. */
  readonly crashWindow?: number
  /** How long a stopping daemon, or a worker that is recycled, lets runs finish, in milliseconds. Default 5,000. */
  readonly drain?: number
  /** Default `info`. */
  readonly logLevel?: LogLevel
}

export interface DaemonSettings {
  readonly socketPath: string
  readonly spare: number
  readonly max: number
  readonly maxPerTenant: number
  readonly timeoutMs: number
  readonly maxTimeoutMs: number
  readonly maxQueue: number
  readonly queueTimeoutMs: number
  readonly cpuMs: number | undefined
  readonly highWaterBytes: number | undefined
  readonly recycleAfter: number
  readonly memoryBytes: number
  readonly runtime: string | undefined
  readonly confinement: ConfinementChoice
  readonly policyPath: string | undefined
  readonly access: SocketAccess
  readonly compilerIdleMs: number
  readonly crashWindowMs: number
  readonly drainMs: number
  readonly logLevel: LogLevel
}

const MAX_WORKERS = 256
const MAX_SPARE = 64
const SOCKET_MODES = ['600', '660', '666'] as const
const MAX_RECYCLE_AFTER = 1_000_000_000
const MAX_DRAIN_MS = 3_600_000
const MAX_COMPILER_IDLE_MS = 86_400_000

/** Resolves each option once. Throws InvalidOptionError (`ERR_INVALID_OPTION`) naming option, rule and value. */
export function resolveDaemonOptions(given: unknown): DaemonSettings {
  const read = new OptionReader('startDaemon()', given)
  const cores = availableParallelism()
  const cpu = read.integer('cpu', CPU_S.min, CPU_S.max)
  const policyPath = read.string('policy')
  const maxTimeoutMs = read.integer('maxTimeout', TIMEOUT_MS.min, TIMEOUT_MS.max) ?? TIMEOUT_MS.max
  const settings: DaemonSettings = {
    socketPath: read.string('socket') ?? defaultSocketPath(),
    spare: read.integer('spare', 0, MAX_SPARE) ?? 1,
    max: read.integer('max', 1, MAX_WORKERS) ?? Math.max(4, 2 * cores),
    maxPerTenant: read.integer('maxPerTenant', 1, MAX_WORKERS) ?? cores,
    timeoutMs: Math.min(read.integer('timeout', TIMEOUT_MS.min, TIMEOUT_MS.max) ?? TIMEOUT_MS.default, maxTimeoutMs),
    maxTimeoutMs,
    cpuMs: cpu === undefined ? undefined : cpu * 1_000,
    highWaterBytes: read.integer('highWater', HIGH_WATER.min, HIGH_WATER.max),
    recycleAfter: read.integer('recycleAfter', 1, MAX_RECYCLE_AFTER) ?? 10_000_000,
    runtime: read.string('runtime'),
    memoryBytes: read.integer('memory', MEMORY.min, MEMORY.max) ?? MEMORY.default,
    confinement: {
      level: read.oneOf('confinement', CONFINEMENTS) ?? 'auto',
      require: read.listOf('require', LAYERS) ?? [],
      cgroup: read.string('cgroup'),
      without: [],
    },
    maxQueue: read.integer('maxQueue', MAX_QUEUE.min, MAX_QUEUE.max) ?? MAX_QUEUE.default,
    queueTimeoutMs: read.integer('queueTimeout', QUEUE_TIMEOUT_MS.min, QUEUE_TIMEOUT_MS.max) ?? QUEUE_TIMEOUT_MS.default,
    policyPath,
    access: readAccess(read, policyPath),
    compilerIdleMs: read.integer('compilerIdle', 1, MAX_COMPILER_IDLE_MS) ?? 300_000,
    crashWindowMs: read.integer('crashWindow', CRASH_WINDOW_MS.min, CRASH_WINDOW_MS.max) ?? CRASH_WINDOW_MS.default,
    drainMs: read.integer('drain', 0, MAX_DRAIN_MS) ?? 5_000,
    logLevel: read.oneOf('logLevel', LOG_LEVELS) ?? 'info',
  }
  read.finish()
  return Object.freeze(settings)
}

function readAccess(read: OptionReader, policyPath: string | undefined): SocketAccess {
  const mode = read.oneOf('socketMode', SOCKET_MODES) ?? '600'
  const group = read.string('socketGroup')
  // Everybody who may connect would be the same tenant.
  if (mode !== '600' && policyPath === undefined) throw new InvalidOptionError('socketMode', "needs a 'policy' to be more than '600'", mode)
  const gid = group === undefined ? undefined : groupId(group)
  if (group !== undefined && gid === undefined) throw new InvalidOptionError('socketGroup', 'must be a group of this machine', group)
  return { mode: Number.parseInt(mode, 8), gid }
}
