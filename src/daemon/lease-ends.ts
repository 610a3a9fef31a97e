import type { Clients } from './clients.ts'
import type { Compilers } from './compilers.ts'
import type { Logger } from './log.ts'
import type { MemoryWatch, Recycling } from './memory-watch.ts'
import type { NamedContexts } from './named-contexts.ts'
import type { Pool } from './pool.ts'
import type { Session } from './session.ts'
import type { TenantLimits } from './tenants/tenants.ts'
import type { WorkerProcess } from './worker-process.ts'

interface Parts {
  readonly pool: Pool
  readonly compilers: Compilers
  readonly clients: Clients
  readonly names: NamedContexts
  readonly memory: MemoryWatch<WorkerProcess>
}

/** How leases end: channels that close, workers that take no more, and workers that nobody needs any longer. */
export class LeaseEnds {
  readonly #parts: Parts
  readonly #limitsOf: (tenant: string) => TenantLimits
  readonly #log: Logger

  constructor(parts: Parts, limitsOf: (tenant: string) => TenantLimits, log: Logger) {
    this.#parts = parts
    this.#limitsOf = limitsOf
    this.#log = log
  }

  find(number: number): WorkerProcess | undefined {
    const { pool, compilers } = this.#parts
    return pool.find(number) ?? compilers.find(number)
  }

  /** A client is gone, and what it had asked for. */
  gone(session: Session): void {
    for (const [channel, number] of session.channels) this.#dropChannel(this.find(number), channel)
    if (session.tenant !== undefined) this.retireIfGone(session.tenant)
  }

  /** A worker says that a channel is closed. */
  channelClosed(worker: WorkerProcess, channel: number): void {
    for (const session of this.#parts.clients) if (session.channels.get(channel) === worker.number) session.channels.delete(channel)
    this.#closeChannel(worker, channel)
  }

  /** A worker has one named context less. */
  nameGone(worker: WorkerProcess): void {
    const { state } = worker
    this.retireUnused(worker)
    if (state.type === 'bound' && !this.#parts.clients.hasTenant(state.tenant)) this.#retireLeft(worker)
  }

  retireIfGone(tenant: string): void {
    const { clients, compilers, pool } = this.#parts
    if (clients.hasTenant(tenant)) return
    compilers.retire(tenant, 'its tenant left')
    for (const worker of pool.workers) {
      if (worker.state.type === 'bound' && worker.state.tenant === tenant) this.#retireLeft(worker)
    }
  }

  /** A dedicated worker is used once, one that takes no more is not needed without channels, nor is that of one connection only. */
  retireUnused(worker: WorkerProcess): void {
    const { memory, names } = this.#parts
    if (
      worker.state.type === 'bound' &&
      (worker.state.dedicated || worker.isDraining || worker.kind.owner !== undefined) &&
      worker.channels.size === 0 &&
      // A named context outlives its clients, unless its worker has to go.
      (memory.isRecycled(worker) || !names.isIn(worker))
    )
      worker.retire('its lease ended')
  }

  /** The worker takes no more. Its clients are told, so that they close their channels when they hold nothing there; if it will be ended all the same, their contexts are warned. */
  drain(worker: WorkerProcess, why: Recycling | undefined): void {
    worker.isDraining = true
    for (const session of this.#parts.clients) session.draining(worker.number, why)
    this.retireUnused(worker)
  }

  /** A context that keeps running until its deadline stays where it is, alone with what is there already: others go elsewhere, if there may be another worker for them. */
  quarantine(worker: WorkerProcess): void {
    const { state } = worker
    if (state.type !== 'bound' || state.dedicated || worker.isDraining) return
    if (!this.#parts.pool.canDoWithout(worker, this.#limitsOf(state.tenant))) return
    this.#log.info(
      { worker: worker.number, tenant: state.tenant },
      'worker takes no new contexts: one of its contexts keeps running until its deadline',
    )
    this.drain(worker, undefined)
  }

  /** A named context outlives its clients. */
  #retireLeft(worker: WorkerProcess): void {
    if (!this.#parts.names.isIn(worker)) worker.retire('its tenant left')
  }

  /** Others may wait for the same worker: what a client that is gone had asked for is not run to its end. */
  #dropChannel(worker: WorkerProcess | undefined, channel: number): void {
    if (worker?.alive !== true) return
    worker.send({ type: 'drop', channel })
    worker.interrupt(channel)
    this.#closeChannel(worker, channel)
  }

  #closeChannel(worker: WorkerProcess, channel: number): void {
    worker.channels.delete(channel)
    if (worker.channels.size === 0) this.#parts.names.left(worker)
    this.retireUnused(worker)
  }
}
