import type { Logger } from './log.ts'
import type { WorkerProcess } from './worker-process.ts'

/** How long clients may take to let go of a worker that they do not use and that somebody waits for, in milliseconds. */
const LET_GO_MS = 1_000

/** Workers that are shared stay for as long as their clients do: when somebody waits, clients are told to let go of one that they do not use. */
export class Reclaiming {
  readonly #workers: ReadonlySet<WorkerProcess>
  readonly #log: Logger
  readonly #tellClients: (worker: WorkerProcess) => void
  /** Workers that their clients were told to let go of, for as long as that may take. */
  readonly #reclaimed = new Set<WorkerProcess>()

  constructor(workers: ReadonlySet<WorkerProcess>, log: Logger, tellClients: (worker: WorkerProcess) => void) {
    this.#workers = workers
    this.#log = log
    this.#tellClients = tellClients
  }

  /** Has clients, of this tenant if one is named, let go of a shared worker that they do not use: so many leases wait for one. */
  reclaim(tenant: string | undefined, waiting: number): void {
    if (this.#leaving() >= waiting) return
    const worker = this.unused(tenant)
    if (worker === undefined) return
    this.#log.debug({ worker: worker.number, tenant: worker.tenant }, 'worker is not used, and somebody waits')
    this.#reclaimed.add(worker)
    this.#tellClients(worker)
    setTimeout(() => {
      this.#reclaimed.delete(worker)
      if (worker.state.type === 'bound' && isUnused(worker)) worker.retire('its clients did not use it, and somebody waited')
    }, LET_GO_MS).unref()
  }

  /** A shared worker, of this tenant if one is named, in which nothing is held and nothing runs. */
  unused(tenant: string | undefined): WorkerProcess | undefined {
    let found: WorkerProcess | undefined
    for (const worker of this.#workers) {
      const { state } = worker
      if (state.type !== 'bound' || state.dedicated || this.#reclaimed.has(worker) || !isUnused(worker)) continue
      if (tenant !== undefined && state.tenant !== tenant) continue
      if (found === undefined || worker.cpuShare < found.cpuShare) found = worker
    }
    return found
  }

  /** Workers that end, or will when their clients let go of them. Of one that takes no more, and is used, nobody knows when that is. */
  #leaving(): number {
    let leaving = 0
    for (const worker of this.#workers) if (worker.state.type === 'ending' || this.#reclaimed.has(worker)) leaving++
    return leaving
  }
}

/** By the worker's own account: a lie makes its own tenant lose it. What it evaluates for nobody (it makes a context ahead after most runs) is no use. What it said of runs that wait may be a second old; one that has not begun is no reason to keep it, since clients let go only when nothing is pending. */
function isUnused(worker: WorkerProcess): boolean {
  const { deadlineMs, channel } = worker.readHeartbeat()
  return worker.contexts === 0 && worker.handles === 0 && (deadlineMs === 0 || channel === 0)
}
