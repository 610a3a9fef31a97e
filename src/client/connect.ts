import { setTimeout as wait } from 'node:timers/promises'
import { connect as connectSocket, type Socket } from 'node:net'
import { errorCode, errorMessage } from '../base/error.ts'
import { InvalidOptionError, OptionReader } from '../base/options.ts'
import { CHANNEL_LIMIT_NAMES, CHANNEL_LIMITS, type ChannelLimitName } from '../protocol/channel-limits.ts'
import { defaultSocketPath, SYSTEM_SOCKET_PATH } from '../base/socket-path.ts'
import { MEMORY, QUEUE_TIMEOUT_MS, TIMEOUT_MS } from '../protocol/limits.ts'
import { type Trust, TRUSTS } from '../protocol/placement.ts'
import { Box } from './box.ts'
import { DiskCache } from './compiler/disk-cache.ts'
import { Connection, type Reached } from './connection.ts'
import { embeddedDaemon } from './embedded-daemon.ts'
import type { Welcome } from './control.ts'
import { ConnectionError } from './errors.ts'
import { type GuestLimits, underCeilings } from './limits.ts'
import { atLeast, type PlacementOptions, tightened } from './placement.ts'
import { RefusedScripts } from './refused-scripts.ts'
import type { RunPolicy } from './run-options.ts'
import { assertClientRuntime } from './runtime.ts'

/** How long a call tries to reach a daemon that is gone, in milliseconds. */
const RECONNECT_MS = 5_000
const MAX_RECONNECT_MS = 600_000
/** How long to try again while a daemon's queue of connections is full, and how often, in milliseconds. */
const FULL_QUEUE_MS = 5_000
const FULL_QUEUE_WAIT_MS = 5

/** How to find a daemon, and what this connection's calls get unless they say otherwise. */
export interface ConnectOptions extends PlacementOptions {
  /** Path of the daemon's socket. Default: `$GLOVEBOX_SOCKET`, or the user's daemon, or the system's. */
  readonly socket?: string
  /** Trust domain of this connection's guests. Default `default`. */
  readonly tenant?: string
  /** Proves the right to use the tenant, where the daemon asks for it. */
  readonly token?: string
  /** Whether to start an embedded daemon if none is found. Default: true, unless `socket` is given. */
  readonly spawn?: boolean
  /** Directory in which compiled sources are kept, made if need be; nobody but this user may write to it. At most 256 MiB. Default: none, they are kept in memory only. */
  readonly cacheDir?: string
  /**
   * How long a call that needs the daemon tries to reach it again when the connection is lost, in milliseconds. 0 to 600,000, default 5,000. Contexts are lost with the connection.
   */
  readonly reconnect?: number
  /** Whether the time that calls wait for a worker, and for their turn there, counts towards their deadline, unless they say otherwise. Default false: a deadline begins when a run does. */
  readonly queueTimeCounts?: boolean
  /** Limits for this connection. None can be raised above the tenant's: docs/limits.md. */
  readonly limits?: GuestLimits & {
    /** Default deadline of a run, in milliseconds. At most the tenant's `maxTimeout`. */
    readonly timeout?: number
    /**
     * V8 heap of the workers of this connection, in bytes; as much again, and a little, may be taken outside the heap. 33,554,432 (32 MiB) to the tenant's, which is the default. Less than that is a worker that is
     * started when it is needed.
     */
    readonly memory?: number
    /** Contexts of this connection in one worker. 1 to 10,000, default 1,000; there may be room for less. */
    readonly maxContexts?: number
    /** Longest source that may be run or compiled, in UTF-16 code units. 1 to 16,777,216, which is the default. */
    readonly maxSource?: number
    /** How long to wait for a worker when all are in use, in milliseconds, before a run has begun. 0 to 600,000; at most the daemon's, which is the default. */
    readonly queueTimeout?: number
  }
}

/**
 * Connects to the running daemon, or to an embedded one that dies with this process.
 *
 * @throws ConnectionError `ERR_CONNECTION` if there is no daemon and none may be started, `ERR_NO_RUNTIME` if there is no Node 26 to run one on, or this process's is older than 22
 * @throws AccessDeniedError `ERR_ACCESS_DENIED`, `ERR_VERSION`
 * @throws InvalidOptionError `ERR_INVALID_OPTION`
 */
export async function connect(options?: ConnectOptions): Promise<Box> {
  assertClientRuntime()
  const read = new OptionReader('connect()', options)
  const given = read.string('socket') ?? (process.env['GLOVEBOX_SOCKET'] || undefined)
  const who = { tenant: read.string('tenant'), token: read.string('token') }
  const cacheDir = read.string('cacheDir')
  const reconnectMs = read.integer('reconnect', 0, MAX_RECONNECT_MS) ?? RECONNECT_MS
  const spawn = read.boolean('spawn') ?? given === undefined
  const queueTimeCounts = read.boolean('queueTimeCounts') ?? false
  // The tenant's floor is known when the daemon has said it.
  const trust = read.oneOf('trust', TRUSTS)
  const jit = read.boolean('jit') ?? true
  const limits = new OptionReader('connect({ limits })', read.object('limits'))
  const memoryBytes = limits.integer('memory', MEMORY.min, MEMORY.max)
  const timeoutMs = limits.integer('timeout', TIMEOUT_MS.min, TIMEOUT_MS.max)
  const lower: Partial<Record<ChannelLimitName, number>> = {}
  for (const name of CHANNEL_LIMIT_NAMES) {
    const value = limits.integer(name, CHANNEL_LIMITS[name].min, CHANNEL_LIMITS[name].max)
    if (value !== undefined) lower[name] = value
  }
  const queueTimeoutMs = limits.integer('queueTimeout', QUEUE_TIMEOUT_MS.min, QUEUE_TIMEOUT_MS.max) ?? QUEUE_TIMEOUT_MS.max
  limits.finish()
  read.finish()

  const disk = cacheDir === undefined ? undefined : await DiskCache.open(cacheDir)
  // Assigned below; the daemon says nothing before its welcome.
  const made: { box?: Box } = {}
  const refused = new RefusedScripts()
  const connection = new Connection(
    { reach: () => reach(given, spawn), who, reconnectMs },
    {
      lost: (worker, report) => made.box?.workerLost(worker, report),
      draining: (worker) => made.box?.draining(worker),
      warned: (warning) => made.box?.warned(warning),
      scriptRefused: (hash, forMs) => refused.add(hash, forMs),
      disconnected: (cause) => made.box?.disconnected(cause),
    },
  )
  const welcome = await connection.open()
  try {
    made.box = new Box(
      connection,
      { ...policyOf(welcome, { timeoutMs, lower, memoryBytes, trust, jit }), queueTimeoutMs, queueTimeCounts, reconnectMs },
      disk,
      refused,
    )
  } catch (error) {
    await connection.close(new ConnectionError('ERR_DISPOSED', 'it was never opened'))
    throw error
  }
  return made.box
}

/** Throws `ERR_INVALID_OPTION` for what is more than the tenant may have. */
function policyOf(
  welcome: Welcome,
  { timeoutMs, lower, memoryBytes, trust: wanted, jit }: GivenPolicy,
): Pick<RunPolicy, 'defaultMs' | 'maxMs' | 'limits' | 'placement' | 'maxMemoryBytes'> {
  const { maxTimeoutMs } = welcome
  assertAtMost('timeout', timeoutMs, TIMEOUT_MS.min, maxTimeoutMs)
  assertAtMost('memory', memoryBytes, MEMORY.min, welcome.memoryBytes)
  const trust = atLeast(wanted, welcome.trust)
  // Above every connection is a team.
  const tight = tightened(trust, 'team')
  const maxMemoryBytes = memoryBytes ?? Math.min(tight?.memoryBytes ?? welcome.memoryBytes, welcome.memoryBytes)
  return {
    defaultMs: timeoutMs ?? Math.min(tight?.timeoutMs ?? welcome.timeoutMs, welcome.timeoutMs),
    maxMs: maxTimeoutMs,
    limits: underCeilings(lower, welcome.limits, tight?.limits),
    placement: { trust, jit, memoryBytes: maxMemoryBytes === welcome.memoryBytes ? undefined : maxMemoryBytes },
    maxMemoryBytes,
  }
}

/** What of a connection's policy its options give. */
interface GivenPolicy {
  readonly timeoutMs: number | undefined
  readonly lower: Partial<Record<ChannelLimitName, number>>
  readonly memoryBytes: number | undefined
  readonly trust: Trust | undefined
  readonly jit: boolean
}

function assertAtMost(option: string, value: number | undefined, min: number, max: number): void {
  if (value !== undefined && value > max) throw new InvalidOptionError(option, `must be a whole number from ${min} to ${max}`, value)
}

const nothing = async (): Promise<void> => undefined

async function reach(given: string | undefined, spawn: boolean): Promise<Reached> {
  const paths = given === undefined ? [...new Set([defaultSocketPath(), SYSTEM_SOCKET_PATH])] : [given]
  let failure: unknown
  // Where a daemon is looked for, one that is only another user's is none.
  const isNone = (error: unknown): boolean => isAbsent(error) || (given === undefined && errorCode(error) === 'EACCES')
  for (const path of paths) {
    try {
      return { socket: await open(path), release: nothing }
    } catch (error) {
      failure = error
      if (!isNone(error)) break
    }
  }
  if (!spawn || !isNone(failure)) throw noDaemon(paths, failure)
  const embedded = await embeddedDaemon()
  try {
    return { socket: await open(embedded.socket), release: () => embedded.release() }
  } catch (error) {
    await embedded.release()
    throw noDaemon([embedded.socket], error)
  }
}

/** A daemon to which many connect at once has a full queue: on Unix sockets that is EAGAIN at once, and the kernel does not wait (connect(2)). */
async function open(path: string): Promise<Socket> {
  const untilMs = performance.now() + FULL_QUEUE_MS
  for (;;) {
    try {
      return await openOnce(path)
    } catch (error) {
      if (errorCode(error) !== 'EAGAIN' || performance.now() > untilMs) throw error
      await wait(FULL_QUEUE_WAIT_MS * (1 + Math.random()))
    }
  }
}

async function openOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.removeListener('error', reject)
      resolve(socket)
    })
  })
}

/** Nobody listens there: no file, or one that a killed daemon left. */
function isAbsent(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ENOENT' || code === 'ECONNREFUSED'
}

function noDaemon(paths: readonly string[], failure: unknown): ConnectionError {
  const why = isAbsent(failure)
    ? 'no daemon is running there'
    : errorCode(failure) === 'EACCES'
      ? 'this user may not open it'
      : errorMessage(failure)
  const advice = isAbsent(failure) ? ". Start one with 'glovebox serve'; connect() does so by itself with spawn: true" : ''
  return new ConnectionError('ERR_CONNECTION', `cannot connect to ${paths.join(' or ')}: ${why}${advice}`, { cause: failure })
}
