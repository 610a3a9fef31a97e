import { createServer, type Server } from 'node:net'
import { InvalidOptionError } from '../base/options.ts'
import type { Report } from '../protocol/report.ts'
import type { Warning } from '../protocol/tenant-messages.ts'
import { changedOptions, type OptionChange } from './config/changes.ts'
import type { Confinement } from './confinement.ts'
import { Compilers } from './compilers.ts'
import { CpuWatch } from './cpu-watch.ts'
import { DaemonError } from './daemon-error.ts'
import { Deaths } from './deaths.ts'
import { Grants } from './grants.ts'
import { Guardian } from './guardian.ts'
import type { FirstSteps } from './first-steps.ts'
import { type Logger } from './log.ts'
import { type DaemonOptions, type DaemonSettings, resolveDaemonOptions, withLive } from './options.ts'
import { LeaseEnds } from './lease-ends.ts'
import { highWaterMark, machineMemory, MemoryWatch } from './memory-watch.ts'
import type { MetricsEndpoint } from './metrics/endpoint.ts'
import { RunCounts } from './metrics/run-counts.ts'
import { NamedContexts } from './named-contexts.ts'
import type { Grant } from '../protocol/grant.ts'
import type { LeaseNamed } from '../protocol/named-messages.ts'
import { OverdueWatch } from './overdue-watch.ts'
import { Pool } from './pool.ts'
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
import { REHEARSAL_CHANNEL } from '../protocol/worker-link.ts'
import { VERSION } from './version.ts'
import { type Runtime } from './runtime.ts'
import { kindFor, kindForNames } from './worker-kind.ts'
import { memoryLimit, type WorkerNews, type WorkerProcess, type WorkerSettings } from './worker-process.ts'

import { Clients } from './clients.ts'
import type { Daemon, DaemonHost } from './daemon.ts'
import { untilQuiet } from './quiet.ts'
import { defaultLimits } from './tenants/default-limits.ts'

/** Connections that may wait to be accepted; the kernel's `net.core.somaxconn` caps it. */
const BACKLOG = 4_096

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
  readonly #names = new NamedContexts((worker) => this.#ends.nameGone(worker))
  readonly #ends: LeaseEnds
  readonly #grants: Grants
  readonly #startedAt = new Date()
  #processes = 0
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
    steps: FirstSteps | undefined,
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
      launched: (number: number, wanted: WorkerSettings) => steps?.takeWorker(number, wanted),
    }
    const on = {
      message: (worker: WorkerProcess, message: WorkerNews) => this.#heard(worker, message),
      death: (worker: WorkerProcess, report: Report) => this.#died(worker, report),
    }
    const program = workerFile === undefined ? WORKER : { ...WORKER, file: workerFile, beside: [] }
    this.#pool = new Pool({ ...shared, program }, log, this.#deaths, {
      ...on,
      reclaimed: (worker) => this.#ends.drain(worker, undefined),
      nearQueue: (tenant, configured, observed) => {
        const message = `${observed} leases of this tenant wait for a worker, of ${configured} that may`
        this.#warn(tenant, { limit: 'maxQueue', configured, observed, worker: undefined, message })
      },
    })
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
      { drains: (worker, why) => this.#ends.drain(worker, why) },
      log,
    )
    const parts = { pool: this.#pool, compilers: this.#compilers, clients: this.#clients, names: this.#names, memory: this.#memory }
    const limitsOf = (tenant: string): TenantLimits => this.limitsOf(tenant)
    this.#ends = new LeaseEnds(parts, limitsOf, log)
    this.#grants = new Grants(limitsOf, this.#cpu)
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
            request,
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
      this.#pool.lease(tenant, { purpose: 'context', known: request.known }, kind, limits, waitMs),
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
      this.#ends.retireUnused(worker)
      this.#ends.retireIfGone(tenant)
      throw new Error('the client is gone')
    }
    try {
      return this.#grants.give(tenant, session, request, worker)
    } catch (error) {
      this.#ends.retireUnused(worker)
      throw error
    }
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

  busyForMs(session: Session, number: number): number {
    const worker = session.channels.values().some((each) => each === number) ? this.#ends.find(number) : undefined
    return worker?.alive === true ? this.#watch.silentForMs(worker) : 0
  }

  distrust(session: Session, request: Parameters<SessionOwner['distrust']>[1]): void {
    for (const number of session.channels.values()) {
      if (number === request.worker) this.#ends.find(number)?.kill('protocol', `broke the protocol: ${request.reason}`)
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
    const parts = {
      pool: this.#pool,
      compilers: this.#compilers,
      deaths: this.#deaths,
      counts: this.#counts,
      names: this.#names,
      cpu: this.#cpu,
    }
    return statusOf(parts, this.#settings, this.#runtime, this.#confinement, this.#startedAt, this.#clients.size, viewer)
  }

  closed(session: Session): void {
    this.#clients.delete(session)
    this.#ends.gone(session)
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

  #heard(worker: WorkerProcess, message: WorkerNews): void {
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
        this.#ends.quarantine(worker)
        return
      case 'nameUsed':
      case 'nameEnded':
        this.#names.heard(worker, message)
        return
      case 'closed':
        if (message.channel !== REHEARSAL_CHANNEL) this.#ends.channelClosed(worker, message.channel)
        return
      default:
        message satisfies never
    }
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

function cpuWarning({ configured, observed }: CpuUse): string {
  return `this tenant has used ${observed} s of processor time in the last minute, of ${configured} s`
}
