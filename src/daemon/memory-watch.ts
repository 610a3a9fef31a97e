import { totalmem } from 'node:os'
import type { Logger } from './log.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A worker's share of its cgroup's limit, and of the machine's memory, that it is recycled at; and what all of them may have of the machine together. */
const OF_CGROUP = 0.9
const OF_MACHINE = 0.5
const TOGETHER = 0.8
/** How often in a row a worker is seen above its mark before it counts: what is garbage may be gone by then. */
const TIMES = 2
/** One that is this much above its mark is not waited for. */
const FAR_ABOVE = 1.25
const MIB = 1024 * 1024

/** Memory of the machine, or of the container that this process is in, in bytes. */
export function machineMemory(): number {
  const constrained = process.constrainedMemory()
  return Math.min(totalmem(), constrained > 0 ? constrained : Number.POSITIVE_INFINITY)
}

/** Resident bytes above which a worker is recycled, if nobody says. Without a cgroup of its own the kernel kills it only where the machine has no memory left: its own limit makes allocations fail before. */
export function highWaterMark(cgroupBytes: number | undefined, machineBytes: number): number {
  return Math.floor(Math.min(cgroupBytes === undefined ? Number.POSITIVE_INFINITY : OF_CGROUP * cgroupBytes, OF_MACHINE * machineBytes))
}

/** Why a worker is recycled: for people, and in numbers. */
export interface Recycling {
  readonly reason: string
  readonly limit: 'highWater' | 'machineMemory'
  readonly configured: number
  readonly observed: number
}

export interface MemoryWatchSettings<Worker> {
  /** Resident bytes above which a worker is recycled: workers are of several sizes. */
  readonly highWaterOf: (worker: Worker) => number
  readonly machineBytes: number
  /** Runs after which a worker that holds nothing is replaced. */
  readonly recycleAfter: number
  /** How long a worker that is recycled may go on, in milliseconds. It may change while the daemon runs. */
  readonly drainMs: () => number
}

/** What the watch looks at. */
export type Watched = Pick<WorkerProcess, 'number' | 'tenant' | 'rssBytes' | 'runs' | 'contexts' | 'isDraining' | 'kill'> & {
  readonly state: { readonly type: string }
}

interface MemoryWatchEvents<Worker> {
  /** The worker takes no more leases; its clients are to be told. */
  readonly drains: (worker: Worker, why: Recycling | undefined) => void
}

/**
 * Resident memory of workers, by what the kernel says of them. One that is above its mark, or the largest if all together leave the machine too little, takes no more leases, has time to end what runs, and is
 * ended before the kernel ends something. One that has served many runs, and holds nothing, is replaced.
 */
export class MemoryWatch<Worker extends Watched> {
  readonly #settings: MemoryWatchSettings<Worker>
  readonly #events: MemoryWatchEvents<Worker>
  readonly #log: Logger
  /** How often in a row a worker was above its mark. */
  readonly #above = new WeakMap<Worker, number>()
  /** Those that are to end, and since when. */
  readonly #recycled = new Map<Worker, { readonly why: Recycling; readonly sinceMs: number }>()

  constructor(settings: MemoryWatchSettings<Worker>, events: MemoryWatchEvents<Worker>, log: Logger) {
    this.#settings = settings
    this.#events = events
    this.#log = log
  }

  /** What the kernel says of these processes was read just now. */
  look(workers: Iterable<Worker>): void {
    const nowMs = performance.now()
    let together = 0
    let largest: Worker | undefined
    for (const worker of workers) {
      if (worker.state.type !== 'bound') continue
      together += worker.rssBytes
      if (this.#recycled.has(worker)) {
        this.#seeToEnd(worker, nowMs)
        continue
      }
      if (largest === undefined || worker.rssBytes > largest.rssBytes) largest = worker
      this.#see(worker, nowMs)
    }
    const { machineBytes } = this.#settings
    if (together <= TOGETHER * machineBytes || largest === undefined || this.#recycled.size > 0) return
    const figures = { limit: 'machineMemory', configured: Math.floor(TOGETHER * machineBytes), observed: together } as const
    this.#recycle(
      largest,
      {
        ...figures,
        reason: `the workers together have ${inMiB(together)} of the machine's ${inMiB(machineBytes)} of memory, and it has most of it`,
      },
      nowMs,
    )
  }

  /** Whether it is to end, whatever it holds. */
  isRecycled(worker: Worker): boolean {
    return this.#recycled.has(worker)
  }

  died(worker: Worker): void {
    this.#recycled.delete(worker)
  }

  #see(worker: Worker, nowMs: number): void {
    const { highWaterOf, recycleAfter } = this.#settings
    const highWaterBytes = highWaterOf(worker)
    const { rssBytes } = worker
    const times = rssBytes > highWaterBytes ? (this.#above.get(worker) ?? 0) + 1 : 0
    this.#above.set(worker, times)
    if (times >= TIMES) {
      const figures = { limit: 'highWater', configured: highWaterBytes, observed: rssBytes } as const
      this.#recycle(
        worker,
        { ...figures, reason: `its resident memory of ${inMiB(rssBytes)} is over the high-water mark of ${inMiB(highWaterBytes)}` },
        nowMs,
      )
    } else if (worker.runs >= recycleAfter && worker.contexts === 0 && !worker.isDraining) this.#events.drains(worker, undefined)
  }

  #recycle(worker: Worker, why: Recycling, nowMs: number): void {
    this.#recycled.set(worker, { why, sinceMs: nowMs })
    const { tenant, number } = worker
    this.#log.warn({ tenant, worker: number, ...why }, 'worker is recycled')
    this.#events.drains(worker, why)
  }

  #seeToEnd(worker: Worker, nowMs: number): void {
    const recycled = this.#recycled.get(worker)
    if (recycled === undefined) return
    const { why, sinceMs } = recycled
    const isFarAbove = worker.rssBytes > FAR_ABOVE * this.#settings.highWaterOf(worker)
    if (nowMs - sinceMs < this.#settings.drainMs() && !isFarAbove) return
    const { limit, configured, reason } = why
    const observed = limit === 'highWater' ? Math.max(why.observed, worker.rssBytes) : why.observed
    worker.kill('high-water', `was recycled: ${reason}`, { limit, configured, observed })
  }
}

function inMiB(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`
}
