import { errorMessage } from '../base/error.ts'
import type { LeasePurpose } from '../protocol/control-link.ts'
import type { Report } from '../protocol/report.ts'
import { DaemonError } from './daemon-error.ts'
import type { Deaths } from './deaths.ts'
import type { Logger } from './log.ts'
import { place } from './placement.ts'
import { WorkerProcess, type WorkerSettings } from './worker-process.ts'

export interface PoolSettings extends WorkerSettings {
  /** Numbers of confined processes, each used once in a daemon's life. */
  readonly nextNumber: () => number
  readonly spare: number
  readonly max: number
}

/** Waits between starts after a worker died while it booted, in milliseconds: doubled each time. */
const FIRST_RETRY_MS = 100
const SLOWEST_RETRY_MS = 5_000
/** After so many failed starts in a row, who waits for a worker is told. */
const GIVE_UP_AFTER = 3
/** What a client that found no worker free is told to wait, in milliseconds: about a boot. */
const RETRY_AFTER_MS = 100
/** Leases that may wait for a worker to boot. */
const MAX_WAITING = 1_000

/** A lease that no worker can serve now. */
export class NoWorkerError extends DaemonError {
  readonly retryAfterMs = RETRY_AFTER_MS
}

interface Waiter {
  readonly tenant: string
  readonly dedicated: boolean
  readonly resolve: (worker: WorkerProcess) => void
  readonly reject: (error: DaemonError) => void
}

/** What a tenant may have of a pool. */
interface WorkerLimits {
  readonly maxWorkers: number
  readonly maxShared: number
}

/** All workers: those that boot, the spares, and those bound to tenants. Spares are booted before anyone asks. */
export class Pool implements AsyncDisposable {
  readonly #settings: PoolSettings
  readonly #log: Logger
  readonly #workers = new Set<WorkerProcess>()
  readonly #waiting: Waiter[] = []
  readonly #onMessage: (worker: WorkerProcess, message: PoolMessage) => void
  readonly #onDeath: (worker: WorkerProcess, report: Report) => void
  readonly #deaths: Deaths
  readonly #proofs: { readonly resolve: () => void; readonly reject: (error: DaemonError) => void }[] = []
  #failedBoots = 0
  #retry: NodeJS.Timeout | undefined
  #closed = false

  constructor(
    settings: PoolSettings,
    log: Logger,
    deaths: Deaths,
    on: {
      readonly message: (worker: WorkerProcess, message: PoolMessage) => void
      readonly death: (worker: WorkerProcess, report: Report) => void
    },
  ) {
    this.#settings = settings
    this.#log = log
    this.#deaths = deaths
    this.#onMessage = on.message
    this.#onDeath = on.death
  }

  get workers(): ReadonlySet<WorkerProcess> {
    return this.#workers
  }

  /** Resolves when a worker has booted and attested what is required; throws ERR_CONFINEMENT or ERR_WORKER_BOOT if none does. Starts one if there is none. */
  async proven(): Promise<void> {
    if (this.#workers.size === 0) this.#start()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#proofs.push({ resolve, reject })
    await promise
  }

  /** Starts as many workers as are missing. */
  refill(): void {
    const mayStart = (): boolean => !this.#closed && this.#retry === undefined && this.#workers.size < this.#settings.max
    while (mayStart() && this.#idle() < this.#settings.spare + this.#waiting.length) this.#start()
  }

  /** A worker for a tenant: one that the tenant's clients share, unless it is for a run with a process of its own. */
  async lease(tenant: string, purpose: LeasePurpose, { maxWorkers, maxShared }: WorkerLimits): Promise<WorkerProcess> {
    if (this.#closed) throw new DaemonError('ERR_STOPPING', 'the daemon is stopping')
    const isDedicated = purpose === 'process'
    const bound = this.#boundTo(tenant)
    const shared = bound.filter(({ state }) => state.type === 'bound' && !state.dedicated)
    const mayHaveMore = bound.length + this.#waitingFor(tenant) < maxWorkers
    if (!mayHaveMore && (isDedicated || shared.length === 0))
      throw new NoWorkerError('ERR_OVERLOADED', `this tenant has its ${maxWorkers} workers already; try again when one is free`)
    const choice = isDedicated ? 'new' : place(shared, mayHaveMore && shared.length < maxShared && this.#mayTake())
    const worker = choice === 'new' || choice === undefined ? await this.#bindSpare(tenant, isDedicated) : choice
    if (purpose === 'context') worker.contexts++
    return worker
  }

  find(number: number): WorkerProcess | undefined {
    for (const worker of this.#workers) if (worker.number === number) return worker
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    for (const waiter of this.#waiting.splice(0)) waiter.reject(new DaemonError('ERR_STOPPING', 'the daemon is stopping'))
    await Promise.all([...this.#workers].map(async (worker) => worker[Symbol.asyncDispose]()))
  }

  #boundTo(tenant: string): WorkerProcess[] {
    return [...this.#workers].filter(({ state }) => state.type === 'bound' && state.tenant === tenant)
  }

  #waitingFor(tenant: string): number {
    return this.#waiting.filter((each) => each.tenant === tenant).length
  }

  #idle(): number {
    let count = 0
    for (const { state } of this.#workers) if (state.type === 'spare' || state.type === 'booting') count++
    return count
  }

  #mayTake(): boolean {
    return this.#idle() > this.#waiting.length || this.#workers.size < this.#settings.max
  }

  /** Takes and binds in one go, so that two leases of one turn never get the same spare. */
  #bindSpare(tenant: string, dedicated: boolean): Promise<WorkerProcess> | WorkerProcess {
    for (const worker of this.#workers) {
      if (worker.state.type !== 'spare') continue
      this.#bind(worker, tenant, dedicated)
      return worker
    }
    if (!this.#mayTake()) {
      throw new NoWorkerError(
        'ERR_OVERLOADED',
        `all ${this.#settings.max} workers are in use; raise 'max', or try again when a context was disposed`,
      )
    }
    if (this.#waiting.length >= MAX_WAITING) throw new NoWorkerError('ERR_OVERLOADED', `${MAX_WAITING} leases wait for a worker already`)
    const { promise, resolve, reject } = Promise.withResolvers<WorkerProcess>()
    this.#waiting.push({ tenant, dedicated, resolve, reject })
    this.refill()
    return promise
  }

  #bind(worker: WorkerProcess, tenant: string, dedicated: boolean): void {
    worker.bind(tenant, dedicated)
    this.refill()
  }

  #start(): void {
    try {
      this.#launch()
    } catch (error) {
      // No descriptors, no memory, no space: the daemon goes on with the workers that it has.
      this.#log.error({ error: errorMessage(error) }, 'a worker could not be launched')
      this.#bootFailed(`could not be launched: ${errorMessage(error)}`)
    }
  }

  #launch(): void {
    const worker: WorkerProcess = new WorkerProcess(this.#settings.nextNumber(), this.#settings, {
      ready: () => this.#ready(worker),
      message: (message) => this.#onMessage(worker, message),
    })
    this.#workers.add(worker)
    void worker.death.then((report) => this.#died(worker, report))
  }

  #ready(worker: WorkerProcess): void {
    this.#failedBoots = 0
    for (const proof of this.#proofs.splice(0)) proof.resolve()
    const { state } = worker
    if (state.type === 'spare') this.#log.debug({ worker: worker.number, bootMs: Math.round(state.bootMs) }, 'worker ready')
    const waiter = this.#waiting.shift()
    if (waiter === undefined) return
    this.#bind(worker, waiter.tenant, waiter.dedicated)
    waiter.resolve(worker)
  }

  #died(worker: WorkerProcess, report: Report): void {
    this.#workers.delete(worker)
    this.#deaths.record('worker', worker, report, this.#closed || worker.endedAsPlanned)
    this.#onDeath(worker, report)
    if (report.phase === 'boot') this.#bootFailed(report.reason ?? report.stderr ?? `exit code ${report.exitCode ?? report.signal}`)
    else this.refill()
  }

  #bootFailed(why: string): void {
    if (this.#closed) return
    this.#failedBoots++
    if (this.#failedBoots >= GIVE_UP_AFTER) {
      const error = new DaemonError('ERR_WORKER_BOOT', `workers do not boot: ${why}`)
      for (const waiter of [...this.#waiting.splice(0), ...this.#proofs.splice(0)]) waiter.reject(error)
    }
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (this.#failedBoots - 1), SLOWEST_RETRY_MS)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.refill()
    }, delayMs)
  }
}

export type PoolMessage = Parameters<ConstructorParameters<typeof WorkerProcess>[2]['message']>[0]
