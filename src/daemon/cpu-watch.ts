import { monotonicMs } from '../base/clock.ts'
import type { Report } from '../protocol/report.ts'
import type { Logger } from './log.ts'
import { OverloadedLeaseError } from './overloaded.ts'
import { type CpuExhaustion, CpuQuota, type CpuUse } from './tenants/cpu-quota.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What a worker may still compute while its tenant may not, in milliseconds at first and as a part of the time since: to end runs, to collect garbage, to answer. What takes more is ended. */
const HELD_CPU_MS = 500
const HELD_CPU_SHARE = 0.1
/** What a process that died by itself is taken to have used since it was looked at last, at most, in milliseconds: nobody can ask any more. */
const UNSEEN_MS = 250

export interface CpuWatchEvents {
  /** Milliseconds of processor time that a tenant may use in a minute; undefined for any. */
  readonly limitMsOf: (tenant: string) => number | undefined
  /** A tenant has used most of it. */
  readonly warned: (tenant: string, use: CpuUse) => void
}

/**
 * Processor time of tenants, by what the kernel says of their processes. A tenant that has used up its time gets no leases, its workers are told to end what runs and to begin nothing, its compilers are ended; a worker that
 * goes on computing is ended, too.
 */
export class CpuWatch {
  readonly #events: CpuWatchEvents
  readonly #log: Logger
  readonly #quotas = new Map<string, CpuQuota>()
  readonly #seenMs = new WeakMap<WorkerProcess, number>()
  /** Workers that were told to stop: what they had used then, and when that was. */
  readonly #held = new Map<WorkerProcess, { readonly cpuMs: number; readonly sinceMs: number }>()
  readonly #exhausted = new Set<string>()
  #lookedMs = performance.now()

  constructor(events: CpuWatchEvents, log: Logger) {
    this.#events = events
    this.#log = log
  }

  /** What the kernel says of these processes was read just now. */
  look(workers: Iterable<WorkerProcess>, compilers: Iterable<WorkerProcess>): void {
    const nowMs = performance.now()
    this.#lookedMs = nowMs
    const byTenant = new Map<string, { readonly workers: WorkerProcess[]; readonly compilers: WorkerProcess[] }>()
    for (const [kind, processes] of [['workers', workers] as const, ['compilers', compilers] as const]) {
      for (const process of processes) {
        if (process.state.type !== 'bound') continue
        const { tenant } = process.state
        const of = byTenant.get(tenant) ?? { workers: [], compilers: [] }
        byTenant.set(tenant, of)
        of[kind].push(process)
      }
    }
    for (const [tenant, of] of byTenant) this.#see(tenant, of.workers, of.compilers, nowMs)
    for (const [tenant, quota] of this.#quotas) {
      if (byTenant.has(tenant)) continue
      // Its processes may have come and gone.
      this.#see(tenant, [], [], nowMs)
      if (quota.isIdle(nowMs)) this.#quotas.delete(tenant)
    }
  }

  /** A process is gone: what it used at last counts, too. */
  died(process: WorkerProcess, { reason }: Report): void {
    this.#held.delete(process)
    const { tenant } = process
    if (tenant === undefined) return
    const quota = this.#quotaOf(tenant)
    const nowMs = performance.now()
    // Of one that the daemon ended it was read before.
    const unseenMs = reason === undefined ? Math.min(nowMs - this.#lookedMs, UNSEEN_MS) : 0
    quota.spend(this.#spent(process) + unseenMs, nowMs)
  }

  /** What a tenant's processes have used in the last minute, and may use, in milliseconds. */
  useOf(tenant: string): { readonly usedMs: number; readonly limitMs: number | undefined } {
    const usedMs = this.#quotas.get(tenant)?.usedMs(performance.now()) ?? 0
    return { usedMs: Math.round(usedMs), limitMs: this.#events.limitMsOf(tenant) }
  }

  /** @throws OverloadedLeaseError for a tenant that has used up its processor time. */
  assertLeft(tenant: string): void {
    const exhaustion = this.#quotas.get(tenant)?.exhaustion(performance.now())
    if (exhaustion === undefined) return
    const { configured, observed, forMs } = exhaustion
    throw new OverloadedLeaseError(`this tenant has used up its processor time: ${observed} s in the last minute, of ${configured} s`, {
      position: undefined,
      estimatedWaitMs: Math.ceil(forMs),
      blockedBy: 'cpu',
    })
  }

  #see(tenant: string, workers: readonly WorkerProcess[], compilers: readonly WorkerProcess[], nowMs: number): void {
    const quota = this.#quotaOf(tenant)
    for (const process of [...workers, ...compilers]) quota.spend(this.#spent(process), nowMs)
    const use = quota.warning(nowMs)
    if (use !== undefined) {
      this.#log.warn({ tenant, ...use }, 'tenant has used most of its processor time')
      this.#events.warned(tenant, use)
    }
    const exhaustion = quota.exhaustion(nowMs)
    this.#tell(tenant, exhaustion)
    if (exhaustion === undefined) {
      for (const worker of workers) this.#release(worker)
      return
    }
    // They keep nothing that is not made again, and clients ask for another.
    for (const compiler of compilers) compiler.retire('its tenant has used up its processor time')
    for (const worker of workers) this.#hold(worker, exhaustion, nowMs)
  }

  #hold(worker: WorkerProcess, { configured, observed, forMs }: CpuExhaustion, nowMs: number): void {
    const held = this.#held.get(worker) ?? { cpuMs: worker.cpuMs, sinceMs: nowMs }
    this.#held.set(worker, held)
    if (worker.cpuMs - held.cpuMs > HELD_CPU_MS + HELD_CPU_SHARE * (nowMs - held.sinceMs))
      worker.kill(
        'cpu',
        `went on computing when its tenant had used up its processor time (${observed} s of ${configured} s in a minute)`,
        {
          limit: 'cpu',
          configured,
          observed,
        },
      )
    else worker.pause(monotonicMs() + forMs, configured, observed)
  }

  #release(worker: WorkerProcess): void {
    if (this.#held.delete(worker)) worker.pause(0, 0, 0)
  }

  #tell(tenant: string, exhaustion: CpuExhaustion | undefined): void {
    if (exhaustion !== undefined && !this.#exhausted.has(tenant)) {
      this.#exhausted.add(tenant)
      this.#log.warn({ tenant, ...exhaustion }, 'tenant has used up its processor time')
    } else if (exhaustion === undefined && this.#exhausted.delete(tenant)) this.#log.info({ tenant }, 'tenant may compute again')
  }

  #spent(process: WorkerProcess): number {
    const before = this.#seenMs.get(process) ?? 0
    this.#seenMs.set(process, process.cpuMs)
    return Math.max(0, process.cpuMs - before)
  }

  /** What a tenant without a limit uses is known, too. */
  #quotaOf(tenant: string): CpuQuota {
    const limitMs = this.#events.limitMsOf(tenant) ?? Number.POSITIVE_INFINITY
    let quota = this.#quotas.get(tenant)
    if (quota === undefined) {
      quota = new CpuQuota(limitMs)
      this.#quotas.set(tenant, quota)
    }
    quota.limit(limitMs)
    return quota
  }
}
