import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { InvalidOptionError } from '../base/options.ts'
import type { Layer } from '../protocol/attestation.ts'
import { MAX_NAMED, TICKET_BYTES } from '../protocol/limits.ts'
import type { Report } from '../protocol/report.ts'
import type { Warning } from '../protocol/tenant-messages.ts'
import { changedOptions, type OptionChange } from './config/changes.ts'
import { type Confinement, resolveConfinement } from './confinement.ts'
import { Compilers } from './compilers.ts'
import { CpuWatch } from './cpu-watch.ts'
import { DaemonError } from './daemon-error.ts'
import { Deaths } from './deaths.ts'
import { Guardian } from './guardian.ts'
import { refuseIoUring } from './io-uring-filter.ts'
import { createLog, type Logger } from './log.ts'
import { type DaemonOptions, type DaemonSettings, resolveDaemonOptions, withLive } from './options.ts'
import { highWaterMark, machineMemory, MemoryWatch, type Recycling } from './memory-watch.ts'
import type { EndpointSource, MetricsEndpoint } from './metrics/endpoint.ts'
import { RunCounts } from './metrics/run-counts.ts'
import { NamedContexts } from './named-contexts.ts'
import type { LeaseNamed } from '../protocol/named-messages.ts'
import type { DaemonToClient } from '../protocol/control-link.ts'
import { OverdueWatch } from './overdue-watch.ts'
import { Pool, type PoolMessage } from './pool.ts'
import { WORKER } from './program.ts'
import type { InheritedSocket } from './service/inherited-socket.ts'
import { Session, type SessionOwner } from './session.ts'
import { claimSocket, type SocketClaim } from './socket-claim.ts'
import { type DaemonStatus, statusOf } from './status.ts'
import { CrashCounts, type Refusal } from './tenants/crash-counts.ts'
import type { CpuUse } from './tenants/cpu-quota.ts'
import { giveAccess, isOpenSocket, isOpenToOthers } from './tenants/socket-access.ts'
import { type Credentials, type Viewer, type TenantLimits, Tenants } from './tenants/tenants.ts'
import { UsageWatch } from './usage-watch.ts'
import type { WorkerWish } from '../protocol/placement.ts'
import { VERSION } from './version.ts'
import { examineRuntime, type Runtime } from './runtime.ts'
import { kindFor, kindForNames } from './worker-kind.ts'
import { memoryLimit, type WorkerProcess } from './worker-process.ts'

/** Control connections at most. */
const MAX_SESSIONS = 4_096
/** Of these, such that have not said who they are, which a thousand lawful ones that connect at once are for a moment. Beyond, the one that has waited longest makes room: whoever says nothing keeps nobody out. */
const MAX_STRANGERS = 2_048
/** Connections that may wait to be accepted; the kernel's `net.core.somaxconn` caps it. */
const BACKLOG = 4_096
/** How often a draining daemon looks whether all is quiet, in milliseconds. */
const DRAIN_LOOK_MS = 25

/** A running daemon. Disposing it stops it at once; {@link Daemon.stop} drains first. */
export interface Daemon extends AsyncDisposable {
  /** The socket that clients connect to. */
  readonly socket: string
  /** Takes no new leases, waits until runs have ended (at most the `drain` option), then disposes. */
  stop(): Promise<void>
  /** Resolves when the daemon has stopped, for whatever reason. */
  readonly stopped: Promise<void>
  /**
   * Reads the policy again, if it is in a file, and takes over other options, if they are given: all that this daemon would be started with. Clients of tenants that are gone are closed;
   * limits that changed hold from the next lease on. The log says what changed, and so does what is returned; most options wait for the next start (`needsRestart`).
   *
   * @throws InvalidOptionError `ERR_INVALID_OPTION`; all stays as it was
   * @throws DaemonError `ERR_POLICY` with file, line, key and rule; all stays as it was
   */
  reload(options?: DaemonOptions): readonly OptionChange[]
  /** Where metrics are served, if they are: a path, or host and port. */
  readonly metrics: string | undefined
  /** Its workers, tenants, limits and deaths, as an operator sees them. */
  status(): DaemonStatus
}

/**
 * Starts a daemon in this process: claims the socket, boots the spare workers, accepts clients. Node ≥ 26 on Linux.
 *
 * Installs a seccomp filter on this process that refuses io_uring, and sets `no_new_privs`; both stay.
 *
 * @throws InvalidOptionError `ERR_INVALID_OPTION`
 * @throws DaemonError `ERR_SOCKET_IN_USE`, `ERR_SOCKET_DIRECTORY`, `ERR_SOCKET_PATH`, `ERR_CONFINEMENT`, `ERR_RUNTIME`, `ERR_WORKER_BOOT`, `ERR_PLATFORM`, `ERR_POLICY`
 */
export async function startDaemon(options?: DaemonOptions): Promise<Daemon> {
  return startWith(resolveDaemonOptions(options))
}

/** What started a daemon's process, if that is more than a shell: a service manager. */
export interface DaemonHost {
  /** Serve there, in the place of the option `socket`. */
  readonly socket?: InheritedSocket | undefined
  /** It has begun to stop, and may take so long to let runs finish. */
  readonly stopping?: ((drainMs: number) => void) | undefined
  /** More pages beside the metrics. */
  readonly pages?: EndpointSource['pages']
}

/** {@link startDaemon} for a service manager. */
export async function startService(options: DaemonOptions, host: DaemonHost): Promise<Daemon> {
  const { socket } = host
  return startWith(resolveDaemonOptions(socket === undefined ? options : { ...options, socket: socket.path }), undefined, undefined, host)
}

/** For tests: {@link startDaemon} with another program in the place of the worker, which is not confined unless `without` is given; and with layers left out, to see what they stop. */
export async function startDaemonWithWorker(
  options: DaemonOptions,
  workerFile: string | undefined,
  without?: readonly Layer[],
): Promise<Daemon> {
  return startWith(resolveDaemonOptions(options), workerFile, without)
}

async function startWith(
  settings: DaemonSettings,
  workerFile?: string,
  without?: readonly Layer[],
  host: DaemonHost = {},
): Promise<Daemon> {
  const log = createLog(settings.logLevel)
  const runtime = examineRuntime(settings.runtime)
  const tenants = new Tenants(settings.policy, defaultLimits(settings))
  if (host.socket !== undefined && settings.policy === undefined && isOpenSocket(host.socket.path))
    throw new DaemonError(
      'ERR_CONFIG',
      `others than this user may connect to ${host.socket.path}: that needs a 'policy', or 'SocketMode=0600'`,
    )
  const claim = claimSocket(settings.socketPath, isOpenToOthers(settings.access), host.socket !== undefined)
  try {
    if (!refuseIoUring()) log.warn('io_uring could not be refused: workers cannot be confined by seccomp')
    const confinement =
      workerFile !== undefined && without === undefined
        ? UNCONFINED
        : resolveConfinement({ ...settings.confinement, without: without ?? [] }, runtime.path)
    const daemon = new RunningDaemon(settings, tenants, runtime, confinement, claim, log, workerFile, host)
    try {
      await daemon.listen()
    } catch (error) {
      await daemon[Symbol.asyncDispose]()
      throw error
    }
    for (const { layer, reason, fix } of confinement.absent)
      if (layer !== 'L5') log.warn({ layer, reason, fix }, 'a layer of confinement does not hold')
    log.info({ socket: claim.path, version: VERSION, node: runtime.node }, 'daemon started')
    return daemon
  } catch (error) {
    claim.release()
    throw error
  }
}

function defaultLimits(settings: DaemonSettings): TenantLimits {
  const {
    timeoutMs,
    maxTimeoutMs,
    channel,
    memoryBytes,
    max: maxWorkers,
    maxPerTenant: maxShared,
    maxQueue,
    queueTimeoutMs,
    cpuMs,
  } = settings
  const trust = 'team'
  return {
    timeoutMs,
    maxTimeoutMs,
    channel,
    memoryBytes,
    trust,
    maxWorkers,
    maxShared,
    maxQueue,
    queueTimeoutMs,
    maxClients: MAX_SESSIONS,
    maxNamed: MAX_NAMED.default,
    cpuMs,
    weight: 1,
  }
}

/** Who has the daemon in its own process. */
const OPERATOR: Viewer = { tenant: undefined, isOperator: true }

const UNCONFINED: Confinement = {
  sandbox: undefined,
  cgroups: undefined,
  lockDown: false,
  dropPermissions: false,
  required: [],
  absent: [],
}

/** What a client is told of a lease. */
type Granted = Omit<Extract<DaemonToClient, { readonly type: 'leased' }>, 'type'>

class RunningDaemon implements Daemon, SessionOwner {
  readonly socket: string
  readonly stopped: Promise<void>
  readonly daemonVersion = VERSION
  #settings: DaemonSettings
  readonly #tenants: Tenants
  readonly #runtime: Runtime
  readonly #confinement: Confinement
  readonly #guardian: Guardian | undefined
  readonly #claim: SocketClaim
  readonly #host: DaemonHost
  readonly #log: Logger
  readonly #deaths: Deaths
  readonly #counts = new RunCounts()
  #metrics: MetricsEndpoint | undefined
  readonly #crashes: CrashCounts
  readonly #pool: Pool
  readonly #compilers: Compilers
  readonly #watch: OverdueWatch
  readonly #cpu: CpuWatch
  readonly #memory: MemoryWatch<WorkerProcess>
  readonly #usage: UsageWatch
  readonly #server: Server
  readonly #sessions = new Set<Session>()
  readonly #names = new NamedContexts((worker) => {
    const { state } = worker
    if (state.type === 'bound' && ![...this.#sessions].some(({ tenant }) => tenant === state.tenant)) this.#retireLeft(worker)
  })
  /** Those that have not said hello. */
  readonly #strangers = new Set<Session>()
  readonly #waitingRuns = new Map<WorkerProcess, number>()
  readonly #startedAt = new Date()
  #processes = 0
  #channels = 0
  #draining = false
  #ending: Promise<void> | undefined
  #resolveStopped: () => void

  constructor(
    settings: DaemonSettings,
    tenants: Tenants,
    runtime: Runtime,
    confinement: Confinement,
    claim: SocketClaim,
    log: Logger,
    workerFile: string | undefined,
    host: DaemonHost,
  ) {
    this.#host = host
    this.socket = claim.path
    this.#settings = settings
    this.#tenants = tenants
    this.#runtime = runtime
    this.#confinement = confinement
    this.#guardian = confinement.sandbox === undefined ? undefined : new Guardian()
    this.#claim = claim
    this.#log = log
    const { promise, resolve } = Promise.withResolvers<void>()
    this.stopped = promise
    this.#resolveStopped = resolve
    this.#deaths = new Deaths(log)
    this.#crashes = new CrashCounts(settings.crashWindowMs)
    const shared = {
      ...settings,
      nextNumber: () => ++this.#processes,
      node: runtime.path,
      confinement,
      sandbox: confinement.sandbox,
      guardian: this.#guardian,
      directory: claim.directory,
    }
    const on = {
      message: (worker: WorkerProcess, message: PoolMessage) => this.#heard(worker, message),
      death: (worker: WorkerProcess, report: Report) => this.#died(worker, report),
    }
    const program = workerFile === undefined ? WORKER : { ...WORKER, file: workerFile }
    this.#pool = new Pool({ ...shared, program }, log, this.#deaths, { ...on, reclaimed: (worker) => this.#drain(worker, undefined) })
    this.#compilers = new Compilers({ ...shared, idleMs: settings.compilerIdleMs }, this.#deaths, on)
    this.#watch = new OverdueWatch(() => [...this.#pool.workers, ...this.#compilers.processes])
    this.#cpu = new CpuWatch(
      {
        limitMsOf: (tenant) => this.limitsOf(tenant).cpuMs,
        warned: (tenant, use) => this.#warn(tenant, { limit: 'cpu', ...use, worker: undefined, message: cpuWarning(use) }),
      },
      log,
    )
    const { highWaterBytes, recycleAfter } = settings
    const machineBytes = machineMemory()
    const usualMark = ({ kind }: WorkerProcess): number =>
      highWaterMark(confinement.cgroups === undefined ? undefined : memoryLimit(kind.memoryBytes), machineBytes)
    this.#memory = new MemoryWatch(
      { highWaterOf: (worker) => highWaterBytes ?? usualMark(worker), machineBytes, recycleAfter, drainMs: () => this.#settings.drainMs },
      { drains: (worker, why) => this.#drain(worker, why) },
      log,
    )
    this.#usage = new UsageWatch(
      () => [...this.#pool.workers, ...this.#compilers.processes],
      () => {
        this.#cpu.look(this.#pool.workers, this.#compilers.processes)
        this.#memory.look(this.#pool.workers)
      },
    )
    this.#server = createServer((socket) => {
      if (this.#sessions.size >= MAX_SESSIONS) {
        socket.destroy()
        return
      }
      const session = new Session(socket, this)
      this.#sessions.add(session)
      this.#strangers.add(session)
      if (this.#strangers.size > MAX_STRANGERS) this.#oldestStranger()?.destroy()
    })
  }

  async listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject)
    const inherited = this.#host.socket
    if (inherited === undefined) this.#server.listen({ path: this.socket, backlog: BACKLOG }, resolve)
    else this.#server.listen({ fd: inherited.fd }, BACKLOG, resolve)
    await promise
    // Of a socket that is not ours, who made it decides.
    if (inherited === undefined) giveAccess(this.socket, this.#settings.access)
    this.#pool.refill()
    const { metrics } = this.#settings
    if (metrics !== undefined) {
      // Loaded by those only who want it.
      const endpoint = await import('./metrics/endpoint.ts')
      this.#metrics = await endpoint.MetricsEndpoint.listen(metrics, {
        counts: this.#counts,
        status: () => this.status(),
        unready: () => this.#unready(),
        pages: this.#host.pages,
      })
      this.#log.info({ address: this.#metrics.address }, 'metrics are served')
    }
    // Nobody may believe in layers that were not tried.
    const { level, require } = this.#settings.confinement
    if (level === 'strict' || require.length > 0) await this.#pool.proven()
  }

  async stop(): Promise<void> {
    if (!this.#draining) {
      this.#draining = true
      this.#log.info({ drainMs: this.#settings.drainMs }, 'daemon stops')
      this.#host.stopping?.(this.#settings.drainMs)
      this.#server.close()
      await this.#drained()
    }
    await this[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  identify(session: Session, credentials: Credentials): Viewer {
    this.#strangers.delete(session)
    const who = this.#tenants.identify(credentials)
    if (who.tenant !== undefined) this.#assertRoom(who.tenant)
    return who
  }

  limitsOf(tenant: string): TenantLimits {
    return this.#tenants.limitsOf(tenant)
  }

  reload(options?: DaemonOptions): readonly OptionChange[] {
    const next = options === undefined ? this.#settings : resolveDaemonOptions(options)
    const before = this.#settings
    // The sockets stay as open as they are: everybody would be the same tenant, and an operator.
    if (next.policy === undefined && this.#isOpen)
      throw new InvalidOptionError(
        'policy',
        "cannot be taken away while others than this user may connect; restart with a 'socketMode' of '600'",
        undefined,
      )
    const tenants = this.#tenants.reload(next.policy, { ...defaultLimits(next), maxWorkers: before.max, memoryBytes: before.memoryBytes })
    const changes = changedOptions(before.options, next.options)
    this.#settings = withLive(before, next)
    this.#log.level = next.logLevel
    this.#log.info({ changes: changes.length, tenants: tenants.length }, 'configuration read again')
    for (const { option, from, to, needsRestart } of changes)
      this.#log.info({ option, from, to, needsRestart }, needsRestart ? 'option changed: it holds after a restart' : 'option changed')
    for (const { tenant, change } of tenants) this.#log.info({ tenant }, `tenant ${change}`)
    for (const session of this.#sessions) {
      if (session.tenant !== undefined && !this.#tenants.has(session.tenant))
        session.expel(`tenant '${session.tenant}' is not in the daemon's policy any more`)
    }
    return changes
  }

  async lease(
    tenant: string,
    session: Session,
    request: Parameters<SessionOwner['lease']>[2],
    wish: WorkerWish,
  ): ReturnType<SessionOwner['lease']> {
    if (this.#draining) throw new DaemonError('ERR_STOPPING', 'the daemon is stopping')
    this.#cpu.assertLeft(tenant)
    const limits = this.limitsOf(tenant)
    const worker =
      request.purpose === 'compile'
        ? await this.#compilers.lease(tenant)
        : await this.#pool.lease(
            tenant,
            request.purpose,
            kindFor(wish, limits, request.purpose, session),
            limits,
            Math.min(request.waitMs, limits.queueTimeoutMs),
          )
    return { type: 'leased', ...this.#grant(tenant, session, request, worker) }
  }

  async leaseNamed(tenant: string, session: Session, request: LeaseNamed): ReturnType<SessionOwner['lease']> {
    if (this.#draining) throw new DaemonError('ERR_STOPPING', 'the daemon is stopping')
    this.#cpu.assertLeft(tenant)
    const limits = this.limitsOf(tenant)
    const kind = kindForNames(limits)
    const waitMs = Math.min(request.waitMs, limits.queueTimeoutMs)
    const { worker, key } = await this.#names.open(tenant, request, limits.maxNamed, () =>
      this.#pool.lease(tenant, 'context', kind, limits, waitMs),
    )
    return { type: 'leasedNamed', ...this.#grant(tenant, session, request, worker), key }
  }

  /** Lets a client into a worker of its tenant. */
  #grant(
    tenant: string,
    session: Session,
    request: { readonly request: number; readonly known: readonly number[] },
    worker: WorkerProcess,
  ): Granted {
    if (!this.#sessions.has(session)) {
      this.#retireUnused(worker)
      this.#retireIfGone(tenant)
      throw new Error('the client is gone')
    }
    try {
      // It may have waited.
      this.#cpu.assertLeft(tenant)
    } catch (error) {
      this.#retireUnused(worker)
      throw error
    }
    const known = request.known.includes(worker.number) ? channelOf(session, worker) : undefined
    if (known !== undefined) {
      return { request: request.request, worker: worker.number, channel: known, path: undefined, ticket: new Uint8Array(0) }
    }
    const channel = ++this.#channels
    const ticket = randomBytes(TICKET_BYTES)
    session.channels.set(channel, worker.number)
    worker.channels.add(channel)
    const limits = this.limitsOf(tenant)
    worker.send({ type: 'admit', channel, ticket, maxTimeoutMs: limits.maxTimeoutMs, limits: limits.channel })
    return { request: request.request, worker: worker.number, channel, path: worker.socketPath, ticket }
  }

  interrupt(session: Session, request: Parameters<SessionOwner['interrupt']>[1]): void {
    const { worker: number, channel, run } = request
    if (session.channels.get(channel) !== number) return
    const worker = this.#pool.find(number)
    if (worker === undefined || !worker.alive) return
    worker.send({ type: 'cancel', channel, run })
    // If it computes, it reads no command.
    worker.interrupt(channel, run)
  }

  distrust(session: Session, request: Parameters<SessionOwner['distrust']>[1]): void {
    for (const number of session.channels.values()) {
      if (number === request.worker) this.#find(number)?.kill('protocol', `broke the protocol: ${request.reason}`)
    }
  }

  crashed({ tenant }: Session, hash: Uint8Array): void {
    if (tenant === undefined) return
    const refusal = this.#crashes.crashed(tenant, hash, performance.now())
    if (refusal === undefined) return
    this.#log.warn(
      { tenant, script: refusal.hash.toString('hex'), forMs: refusal.forMs },
      'script refused: it crashed workers again and again',
    )
    for (const session of this.#sessions) if (session.tenant === tenant) session.refuseScript(refusal)
  }

  refusedScripts(tenant: string): readonly Refusal[] {
    return this.#crashes.refused(tenant, performance.now())
  }

  get metrics(): string | undefined {
    return this.#metrics?.address
  }

  status(viewer: Viewer = OPERATOR): DaemonStatus {
    const parts = { pool: this.#pool, compilers: this.#compilers, deaths: this.#deaths, counts: this.#counts, names: this.#names }
    return statusOf(parts, this.#settings, this.#runtime, this.#confinement, this.#startedAt, this.#sessions.size, viewer)
  }

  closed(session: Session): void {
    this.#sessions.delete(session)
    this.#strangers.delete(session)
    for (const [channel, number] of session.channels) this.#dropChannel(this.#find(number), channel)
    if (session.tenant === undefined) return
    this.#retireIfGone(session.tenant)
  }

  #retireIfGone(tenant: string): void {
    if ([...this.#sessions].some((session) => session.tenant === tenant)) return
    this.#compilers.retire(tenant, 'its tenant left')
    for (const worker of this.#pool.workers) {
      if (worker.state.type === 'bound' && worker.state.tenant === tenant) this.#retireLeft(worker)
    }
  }

  /** A named context outlives its clients. */
  #retireLeft(worker: WorkerProcess): void {
    if (!this.#names.isIn(worker)) worker.retire('its tenant left')
  }

  #warn(tenant: string, warning: Omit<Warning, 'type'>): void {
    for (const session of this.#sessions) if (session.tenant === tenant) session.warn(warning)
  }

  /** Whether others than this user may connect. */
  get #isOpen(): boolean {
    return isOpenToOthers(this.#settings.access) || (this.#host.socket !== undefined && isOpenSocket(this.#host.socket.path))
  }

  #unready(): string | undefined {
    if (this.#draining) return 'the daemon stops'
    const isUp = [...this.#pool.workers].some(({ attestation }) => attestation !== undefined)
    return isUp ? undefined : 'no worker has booted'
  }

  #oldestStranger(): Session | undefined {
    for (const session of this.#strangers) return session
    return undefined
  }

  /** One tenant's clients must not keep out another's. */
  #assertRoom(tenant: string): void {
    const { maxClients } = this.limitsOf(tenant)
    let clients = 0
    for (const session of this.#sessions) if (session.tenant === tenant) clients++
    if (clients >= maxClients) throw new DaemonError('ERR_OVERLOADED', `this tenant has ${maxClients} clients connected already`)
  }

  #find(number: number): WorkerProcess | undefined {
    return this.#pool.find(number) ?? this.#compilers.find(number)
  }

  #heard(worker: WorkerProcess, message: PoolMessage): void {
    switch (message.type) {
      case 'pong':
        this.#waitingRuns.set(worker, message.waiting)
        worker.waitingRuns = message.waiting
        this.#watch.pong(worker)
        return
      case 'usage':
        worker.contextCount.report(message.contexts)
        worker.runs = message.runs
        worker.handles = message.handles
        this.#counts.heard(worker, message.tally)
        return
      case 'offends':
        this.#quarantine(worker)
        return
      case 'nameUsed':
      case 'nameEnded':
        this.#names.heard(worker, message)
        return
      case 'closed':
        for (const session of this.#sessions) {
          if (session.channels.get(message.channel) === worker.number) session.channels.delete(message.channel)
        }
        this.#closeChannel(worker, message.channel)
        return
      default:
        message satisfies never
    }
  }

  /** Others may wait for the same worker: what a client that is gone had asked for is not run to its end. */
  #dropChannel(worker: WorkerProcess | undefined, channel: number): void {
    if (worker?.alive !== true) return
    worker.send({ type: 'drop', channel })
    worker.interrupt(channel)
    this.#closeChannel(worker, channel)
  }

  #closeChannel(worker: WorkerProcess | undefined, channel: number): void {
    if (worker === undefined) return
    worker.channels.delete(channel)
    this.#retireUnused(worker)
  }

  /** A context that keeps running until its deadline stays where it is, alone with what is there already: others go elsewhere, if there may be another worker for them. */
  #quarantine(worker: WorkerProcess): void {
    const { state } = worker
    if (state.type !== 'bound' || state.dedicated || worker.isDraining) return
    if (!this.#pool.canDoWithout(worker, this.limitsOf(state.tenant))) return
    this.#log.info(
      { worker: worker.number, tenant: state.tenant },
      'worker takes no new contexts: one of its contexts keeps running until its deadline',
    )
    this.#drain(worker, undefined)
  }

  /** The worker takes no more. Its clients are told, so that they close their channels when they hold nothing there; if it will be ended all the same, their contexts are warned. */
  #drain(worker: WorkerProcess, why: Recycling | undefined): void {
    worker.isDraining = true
    for (const session of this.#sessions) session.draining(worker.number, why)
    this.#retireUnused(worker)
  }

  /** A dedicated worker is used once, one that takes no more is not needed without channels, nor is that of one connection only. */
  #retireUnused(worker: WorkerProcess): void {
    if (
      worker.state.type === 'bound' &&
      (worker.state.dedicated || worker.isDraining || worker.kind.owner !== undefined) &&
      worker.channels.size === 0
    )
      worker.retire('its lease ended')
  }

  #died(worker: WorkerProcess, report: Report): void {
    this.#waitingRuns.delete(worker)
    this.#counts.died(worker, report.cause, report.cpuMs)
    this.#cpu.died(worker, report)
    this.#memory.died(worker)
    this.#names.died(worker)
    for (const session of this.#sessions) session.lost(worker.number, report)
  }

  /** Waits until no worker has a run, or the time for draining is up. */
  async #drained(): Promise<void> {
    const until = performance.now() + this.#settings.drainMs
    for (const worker of this.#pool.workers) this.#waitingRuns.set(worker, 1)
    while (performance.now() < until && this.#busy()) {
      for (const worker of this.#pool.workers) worker.send({ type: 'ping', sequence: 0 })
      await new Promise((resolve) => {
        setTimeout(resolve, DRAIN_LOOK_MS)
      })
    }
  }

  #busy(): boolean {
    for (const worker of this.#pool.workers) {
      if (worker.state.type !== 'bound') continue
      if (worker.readHeartbeat().deadlineMs !== 0 || this.#waitingRuns.get(worker) !== 0) return true
    }
    return false
  }

  async #end(): Promise<void> {
    this.#draining = true
    this.#server.close()
    this.#watch[Symbol.dispose]()
    this.#names[Symbol.dispose]()
    this.#usage[Symbol.dispose]()
    await Promise.all([this.#pool[Symbol.asyncDispose](), this.#compilers[Symbol.asyncDispose]()])
    await this.#guardian?.[Symbol.asyncDispose]()
    await this.#metrics?.[Symbol.asyncDispose]()
    for (const session of this.#sessions) session.destroy()
    this.#claim.release()
    this.#log.info('daemon stopped')
    this.#resolveStopped()
  }
}

function cpuWarning({ configured, observed }: CpuUse): string {
  return `this tenant has used ${observed} s of processor time in the last minute, of ${configured} s`
}

function channelOf(session: Session, worker: WorkerProcess): number | undefined {
  for (const [channel, number] of session.channels) if (number === worker.number) return channel
  return undefined
}
