import { type BlockedBy, OverloadedLeaseError } from './overloaded.ts'
import type { Reclaiming } from './reclaiming.ts'
import type { Waiting, WorkerLimits } from './waiting-lease.ts'
import type { WaitingLine } from './waiting-line.ts'
import type { WorkerKind } from './worker-kind.ts'
import type { WorkerProcess } from './worker-process.ts'
import type { WorkerTurnover } from './worker-turnover.ts'

/** What a pool knows of itself. */
interface PoolState {
  readonly max: number
  readonly workers: ReadonlySet<WorkerProcess>
  readonly line: WaitingLine<Waiting>
  /** Workers that boot for one lease. */
  readonly ordered: ReadonlyMap<WorkerProcess, Waiting>
  readonly turnover: WorkerTurnover
  readonly reclaiming: Reclaiming
  readonly boundTo: (tenant: string) => readonly WorkerProcess[]
  readonly mayTake: (kind: WorkerKind) => boolean
  readonly isUsual: (kind: WorkerKind) => boolean
}

/** What a lease that no worker is free for can expect: what keeps it, and whether it is worth waiting. */
export class Prospects {
  readonly #pool: PoolState

  constructor(pool: PoolState) {
    this.#pool = pool
  }

  /** A lease that cannot be served in time is refused before it waits. */
  assertWorthWaiting(tenant: string, kind: WorkerKind, limits: WorkerLimits, waitMs: number): void {
    const blockedBy = this.blockedBy(tenant, kind, limits)
    // Its worker is started at once.
    if (blockedBy === undefined && !this.#pool.isUsual(kind) && this.#pool.line.size === 0) return
    if (this.#pool.line.countOf(tenant) >= limits.maxQueue)
      throw this.overloaded(tenant, 'maxQueue', `${limits.maxQueue} leases of this tenant wait for a worker already`)
    if (blockedBy === undefined) return
    const what =
      blockedBy === 'max' ? `all ${this.#pool.max} workers are in use` : `this tenant has its ${limits.maxWorkers} workers already`
    // Runs with a process of their own end. Workers that are shared stay for as long as their clients do.
    const among = blockedBy === 'maxWorkers' ? tenant : undefined
    if (!this.#endsSoon(among) && this.#pool.reclaiming.unused(among) === undefined)
      throw this.overloaded(tenant, blockedBy, `${what}; raise '${blockedBy}', or try again when a client has gone`)
    const estimatedMs = this.#estimateMs(tenant, this.#pool.line.size + 1)
    if (estimatedMs > waitMs)
      throw this.overloaded(tenant, blockedBy, `${what}, and the next one for this lease is not expected within ${waitMs} ms`)
  }

  /** What keeps a tenant from getting a worker now; undefined if one boots, or may be started. */
  blockedBy(tenant: string, kind: WorkerKind, limits: WorkerLimits): BlockedBy | undefined {
    const isTenants = limits.maxWorkers < this.#pool.max
    if (isTenants && this.#pool.boundTo(tenant).length + this.#pool.line.countOf(tenant) >= limits.maxWorkers) return 'maxWorkers'
    return this.#pool.mayTake(kind) ? undefined : 'max'
  }

  /** Whether a worker in use, or to be given to who waits, is for a run that ends; or for a context with a process of its own, which may: how long the line has stood still tells. */
  #endsSoon(tenant: string | undefined): boolean {
    for (const { state, isDraining } of this.#pool.workers) {
      if (state.type === 'ending') return true
      if (state.type === 'bound' && (state.dedicated || isDraining) && (tenant === undefined || state.tenant === tenant)) return true
    }
    const ends = (each: Waiting): boolean => each.dedicated && (tenant === undefined || each.tenant === tenant)
    return this.#pool.line.filter(ends).length > 0 || [...this.#pool.ordered.values()].some(ends)
  }

  /** `waitedMs` is how long it has waited in vain: it would take that long again, by what is known. */
  overloaded(tenant: string, blockedBy: BlockedBy, why: string, waitedMs = 0): OverloadedLeaseError {
    const position = (blockedBy === 'max' ? this.#pool.line.size : this.#pool.line.countOf(tenant)) + 1
    return new OverloadedLeaseError(why, { position, estimatedWaitMs: Math.max(waitedMs, this.#estimateMs(tenant, position)), blockedBy })
  }

  #estimateMs(tenant: string, position: number): number {
    const first = this.#pool.line.filter((each) => each.tenant === tenant)[0]
    return this.#pool.turnover.estimateMs(position, performance.now(), first === undefined ? undefined : first.untilMs - first.waitMs)
  }
}
