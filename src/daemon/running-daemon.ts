import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { InvalidOptionError } from '../base/options.ts'
import { TICKET_BYTES } from '../protocol/limits.ts'
import type { Report } from '../protocol/report.ts'
import type { Warning } from '../protocol/tenant-messages.ts'
import { changedOptions, type OptionChange } from './config/changes.ts'
import type { Layer } from '../protocol/attestation.ts'
import { type Confinement, shortfall } from './confinement.ts'
import { Compilers } from './compilers.ts'
import { CpuWatch } from './cpu-watch.ts'
import { DaemonError } from './daemon-error.ts'
import { Deaths } from './deaths.ts'
import { Guardian } from './guardian.ts'
import { type Logger } from './log.ts'
import { type DaemonOptions, type DaemonSettings, resolveDaemonOptions, withLive } from './options.ts'
import { highWaterMark, machineMemory, MemoryWatch, type Recycling } from './memory-watch.ts'
import type { MetricsEndpoint } from './metrics/endpoint.ts'
import { RunCounts } from './metrics/run-counts.ts'
import { NamedContexts } from './named-contexts.ts'
import type { Grant } from '../protocol/grant.ts'
import type { LeaseNamed } from '../protocol/named-messages.ts'
import { OverdueWatch } from './overdue-watch.ts'
import { Pool, type PoolMessage } from './pool.ts'
import { WORKER } from './program.ts'
import type { Session, SessionOwner } from './session.ts'
import { type SocketClaim } from './socket-claim.ts'
import { type DaemonStatus, statusOf } from './status.ts'
import { CrashCounts, type Refusal } from './tenants/crash-counts.ts'
import type { CpuUse } from './tenants/cpu-quota.ts'
import { giveAccess, isOpenSocket, isOpenToOthers } from './tenants/socket-access.ts'
import type { Credentials, TenantLimits, Tenants, Viewer } from './tenants/tenants.ts'
import { UsageWatch } from './usage-watch.ts'
import type { WorkerWish } from '../protocol/placement.ts'
import { VERSION } from './version.ts'
import { type Runtime } from './runtime.ts'
import { kindFor, kindForNames } from './worker-kind.ts'
import { memoryLimit, type WorkerProcess } from './worker-process.ts'

import { Clients } from './clients.ts'
import type { Daemon, DaemonHost } from './daemon.ts'
import { untilQuiet } from './quiet.ts'
import { defaultLimits } from './tenants/default-limits.ts'

/** Connections that may wait to be accepted; the kernel's `net.core.somaxconn` caps it. */
const BACKLOG = 4_096

/** Channels of a client: one to each worker that it uses, and those that it has asked for and not opened. */
const MAX_CHANNELS = 4_096

/** Who has the daemon in its own process. */
const OPERATOR: Viewer = { tenant: undefined, isOperator: true }

/** A daemon: its pool and compilers, its clients, and those who watch over both. */
export class RunningDaemon implements Daemon, SessionOwner {
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
  readonly #clients = new Clients()
  readonly #names = new NamedContexts((worker) => {
    const { state } = worker
    this.#retireUnused(worker)
    if (state.type === 'bound' && !this.#clients.hasTenant(state.tenant)) this.#retireLeft(worker)
  })
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
        this.#pool.look()
      },
    )
    this.#server = createServer((socket) => this.#clients.add(socket, this))
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
      await untilQuiet(() => this.#pool.workers, this.#settings.drainMs)
    }
    await this[Symbol.asyncDispose]()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  identify(session: Session, credentials: Credentials): Viewer {
    this.#clients.introduced(session)
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
    for (const { tenant, change } of tenants) if (change === 'removed') this.#names.forget(tenant)
    for (const session of this.#clients) {
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
  ): Grant {
    if (!this.#clients.has(session)) {
      this.#retireUnused(worker)
      this.#retireIfGone(tenant)
      throw new Error('the client is gone')
    }
    try {
      assertConfined(worker, this.limitsOf(tenant).required)
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
    if (session.channels.size >= MAX_CHANNELS) {
      this.#retireUnused(worker)
      throw new DaemonError('ERR_OVERLOADED', `this client has ${MAX_CHANNELS} channels, which is the limit`)
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
    for (const session of this.#clients.ofTenant(tenant)) session.refuseScript(refusal)
  }

  refusedScripts(tenant: string): readonly Refusal[] {
    return this.#crashes.refused(tenant, performance.now())
  }

  get metrics(): string | undefined {
    return this.#metrics?.address
  }

  status(viewer: Viewer = OPERATOR): DaemonStatus {
    const parts = { pool: this.#pool, compilers: this.#compilers, deaths: this.#deaths, counts: this.#counts, names: this.#names }
    return statusOf(parts, this.#settings, this.#runtime, this.#confinement, this.#startedAt, this.#clients.size, viewer)
  }

  closed(session: Session): void {
    this.#clients.delete(session)
    for (const [channel, number] of session.channels) this.#dropChannel(this.#find(number), channel)
    if (session.tenant === undefined) return
    this.#retireIfGone(session.tenant)
  }

  #retireIfGone(tenant: string): void {
    if (this.#clients.hasTenant(tenant)) return
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
    for (const session of this.#clients.ofTenant(tenant)) session.warn(warning)
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

  /** One tenant's clients must not keep out another's. */
  #assertRoom(tenant: string): void {
    const { maxClients } = this.limitsOf(tenant)
    if (this.#clients.ofTenant(tenant).length >= maxClients)
      throw new DaemonError('ERR_OVERLOADED', `this tenant has ${maxClients} clients connected already`)
  }

  #find(number: number): WorkerProcess | undefined {
    return this.#pool.find(number) ?? this.#compilers.find(number)
  }

  #heard(worker: WorkerProcess, message: PoolMessage): void {
    switch (message.type) {
      case 'pong':
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
        for (const session of this.#clients) {
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
    if (worker.channels.size === 0) this.#names.left(worker)
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
    for (const session of this.#clients) session.draining(worker.number, why)
    this.#retireUnused(worker)
  }

  /** A dedicated worker is used once, one that takes no more is not needed without channels, nor is that of one connection only. */
  #retireUnused(worker: WorkerProcess): void {
    if (
      worker.state.type === 'bound' &&
      (worker.state.dedicated || worker.isDraining || worker.kind.owner !== undefined) &&
      worker.channels.size === 0 &&
      // A named context outlives its clients, unless its worker has to go.
      (this.#memory.isRecycled(worker) || !this.#names.isIn(worker))
    )
      worker.retire('its lease ended')
  }

  #died(worker: WorkerProcess, report: Report): void {
    this.#counts.died(worker, report.cause, report.cpuMs)
    this.#cpu.died(worker, report)
    this.#memory.died(worker)
    this.#names.died(worker)
    for (const session of this.#clients) session.lost(worker.number, report)
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
    for (const session of this.#clients) session.destroy()
    this.#claim.release()
    this.#log.info('daemon stopped')
    this.#resolveStopped()
  }
}

/** The daemon's own requirements hold in each worker; a tenant may have more. */
function assertConfined({ attestation }: WorkerProcess, required: readonly Layer[]): void {
  const missing = required.length === 0 ? undefined : shortfall(required, attestation ?? { layers: [], attacks: [] })
  if (missing !== undefined)
    throw new DaemonError('ERR_ACCESS_DENIED', `workers are not confined as this tenant's policy requires: ${missing}`)
}

function cpuWarning({ configured, observed }: CpuUse): string {
  return `this tenant has used ${observed} s of processor time in the last minute, of ${configured} s`
}

function channelOf(session: Session, worker: WorkerProcess): number | undefined {
  for (const [channel, number] of session.channels) if (number === worker.number) return channel
  return undefined
}
