import { CACHES, DURATION_BOUNDS_MS, RUN_OUTCOMES, type RunTally } from '../../protocol/run-tally.ts'
import { DEATH_CAUSES, type DeathCause } from '../../protocol/report.ts'
import type { WorkerProcess } from '../worker-process.ts'

/** Runs, and lookups in a cache, that a worker may claim for each second that passes, and at once: several times what one can do. */
const MAX_RUNS_PER_SECOND = 2_000_000
const MAX_BURST = 100_000
/** Tenants that have figures of their own; the rest are counted as {@link OTHERS}. Names of a policy that is read again and again would grow without bound. */
const MAX_TENANTS = 200
const OTHERS = '(others)'

/** What the runs of one tenant came to since the daemon's start. */
export interface TenantCounts {
  /** By the order of RUN_OUTCOMES. */
  readonly outcomes: number[]
  /** By the order of DURATION_BOUNDS_MS, and one more. */
  readonly durations: number[]
  totalMs: number
  /** Hits and misses of each of CACHES, in turns. */
  readonly caches: number[]
  /** Processor time of its processes that are gone, in milliseconds. */
  deadCpuMs: number
}

interface Heard {
  readonly tally: RunTally
  readonly atMs: number
}

/** Counts of all workers together, by tenant, from what each says of itself. A worker can only spoil the figures of its own tenant, and no faster than a clamp allows. */
export class RunCounts {
  readonly #tenants = new Map<string, TenantCounts>()
  readonly #heard = new WeakMap<WorkerProcess, Heard>()
  readonly #deaths = new Map<DeathCause, number>(DEATH_CAUSES.map((cause) => [cause, 0]))
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get tenants(): ReadonlyMap<string, TenantCounts> {
    return this.#tenants
  }

  get deaths(): ReadonlyMap<DeathCause, number> {
    return this.#deaths
  }

  /** Worker processes count up. What goes down, or up too fast, is not believed. */
  heard(worker: WorkerProcess, tally: RunTally): void {
    if (worker.tenant === undefined) return
    const before = this.#heard.get(worker)
    const now = this.#now()
    this.#heard.set(worker, { tally, atMs: now })
    const elapsedMs = before === undefined ? 0 : now - before.atMs
    const max = MAX_BURST + (MAX_RUNS_PER_SECOND * elapsedMs) / 1_000
    const counts = this.of(worker.tenant)
    for (const at of RUN_OUTCOMES.keys()) add(counts.outcomes, at, growth(before?.tally.outcomes[at], tally.outcomes[at], max))
    for (const at of counts.caches.keys()) add(counts.caches, at, growth(before?.tally.caches[at], tally.caches[at], max))
    let runs = 0
    for (const at of counts.durations.keys()) {
      const more = growth(before?.tally.durations[at], tally.durations[at], max)
      runs += more
      add(counts.durations, at, more)
    }
    // No run takes longer than the longest deadline, and its grace.
    const longestMs = 4_000_000
    counts.totalMs += Math.min(rise(before?.tally.totalMs, tally.totalMs), runs * longestMs)
  }

  died({ tenant }: WorkerProcess, cause: DeathCause | undefined, cpuMs: number): void {
    if (tenant !== undefined) this.of(tenant).deadCpuMs += cpuMs
    if (cause !== undefined) this.#deaths.set(cause, (this.#deaths.get(cause) ?? 0) + 1)
  }

  /** The figures that a tenant's are counted in. */
  of(tenant: string): TenantCounts {
    const name = this.labelOf(tenant)
    let counts = this.#tenants.get(name)
    if (counts === undefined) {
      counts = {
        outcomes: RUN_OUTCOMES.map(() => 0),
        durations: [...DURATION_BOUNDS_MS.map(() => 0), 0],
        totalMs: 0,
        caches: CACHES.flatMap(() => [0, 0]),
        deadCpuMs: 0,
      }
      this.#tenants.set(name, counts)
    }
    return counts
  }

  labelOf(tenant: string): string {
    return this.#tenants.has(tenant) || this.#tenants.size < MAX_TENANTS ? tenant : OTHERS
  }
}

function add(numbers: number[], at: number, more: number): void {
  numbers[at] = (numbers[at] ?? 0) + more
}

function rise(before = 0, now = 0): number {
  const more = now - before
  return Number.isFinite(more) && more > 0 ? more : 0
}

function growth(before: number | undefined, now: number | undefined, max: number): number {
  return Math.floor(Math.min(rise(before, now), max))
}
