import { COMPILER_MEMORY_BYTES } from '../protocol/limits.ts'
import type { Report } from '../protocol/report.ts'
import { DaemonError } from './daemon-error.ts'
import type { Deaths } from './deaths.ts'
import { OverloadedLeaseError } from './overloaded.ts'
import type { PoolSettings } from './pool.ts'
import { COMPILER } from './program.ts'
import { type WorkerNews, WorkerProcess } from './worker-process.ts'

export interface CompilerSettings extends Omit<PoolSettings, 'program' | 'spare'> {
  /** How long one that nobody uses is kept. */
  readonly idleMs: number
}

interface Entry {
  readonly process: WorkerProcess
  readonly ready: Promise<WorkerProcess>
  usedMs: number
  /** Requests when it was looked at last. */
  runs: number
}

/** Looks for idle compilers in the time that one may be idle, and at most so often, in milliseconds. */
const LOOKS = 4
const MIN_LOOK_MS = 10

/** The compilers: one a tenant, started when its first client asks, replaced when a client asks after its death. */
export class Compilers implements AsyncDisposable {
  readonly #settings: CompilerSettings
  readonly #deaths: Deaths
  readonly #onMessage: (process: WorkerProcess, message: WorkerNews) => void
  readonly #onDeath: (process: WorkerProcess, report: Report) => void
  readonly #byTenant = new Map<string, Entry>()
  /** Those too that are dying, while their successors start. */
  readonly #processes = new Set<WorkerProcess>()
  readonly #look: NodeJS.Timeout
  #closed = false

  constructor(
    settings: CompilerSettings,
    deaths: Deaths,
    on: {
      readonly message: (process: WorkerProcess, message: WorkerNews) => void
      readonly death: (process: WorkerProcess, report: Report) => void
    },
  ) {
    this.#settings = settings
    this.#deaths = deaths
    this.#onMessage = on.message
    this.#onDeath = on.death
    this.#look = setInterval(() => this.#endIdle(), Math.max(settings.idleMs / LOOKS, MIN_LOOK_MS)).unref()
  }

  get processes(): ReadonlySet<WorkerProcess> {
    return this.#processes
  }

  /** The tenant's compiler, when it has attested what is required. */
  async lease(tenant: string): Promise<WorkerProcess> {
    if (this.#closed) throw new DaemonError('ERR_STOPPING', 'the daemon is stopping')
    const known = this.#byTenant.get(tenant)
    if (known === undefined && this.#byTenant.size >= this.#settings.max)
      throw new OverloadedLeaseError(`${this.#settings.max} tenants have compilers already; try again when one was idle for long`, {
        position: 1,
        estimatedWaitMs: this.#settings.idleMs,
        blockedBy: 'max',
      })
    const entry = known?.process.alive === true ? known : this.#start(tenant)
    entry.usedMs = performance.now()
    return entry.ready
  }

  find(number: number): WorkerProcess | undefined {
    for (const process of this.#processes) if (process.number === number) return process
    return undefined
  }

  retire(tenant: string, reason: string): void {
    this.#byTenant.get(tenant)?.process.retire(reason)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#look)
    await Promise.all(Array.from(this.#processes, async (process) => process[Symbol.asyncDispose]()))
  }

  #start(tenant: string): Entry {
    const { promise, resolve, reject } = Promise.withResolvers<WorkerProcess>()
    const process: WorkerProcess = new WorkerProcess(
      this.#settings.nextNumber(),
      { ...this.#settings, program: COMPILER, memoryBytes: COMPILER_MEMORY_BYTES },
      {
        ready: () => {
          process.bind(tenant, false)
          // It was not idle while it booted.
          entry.usedMs = performance.now()
          resolve(process)
        },
        message: (message) => this.#onMessage(process, message),
      },
    )
    const entry: Entry = { process, ready: promise, usedMs: 0, runs: 0 }
    this.#processes.add(process)
    this.#byTenant.set(tenant, entry)
    // Who waits for it is told; once it is ready nobody does.
    promise.catch(() => undefined)
    void process.death.then((report) => {
      this.#processes.delete(process)
      if (this.#byTenant.get(tenant) === entry) this.#byTenant.delete(tenant)
      reject(new DaemonError('ERR_WORKER_BOOT', `the compiler does not boot: ${whyOf(report)}`))
      // It leaves by itself when a source has cost it a thread.
      this.#deaths.record('compiler', process, report, this.#closed || process.endedAsPlanned || report.exitCode === 0)
      this.#onDeath(process, report)
    })
    return entry
  }

  #endIdle(): void {
    const now = performance.now()
    for (const entry of this.#byTenant.values()) {
      const { process } = entry
      if (process.runs !== entry.runs) {
        entry.runs = process.runs
        entry.usedMs = now
      } else if (process.state.type === 'bound' && now - entry.usedMs > this.#settings.idleMs) process.retire('nobody used it for long')
    }
  }
}

function whyOf({ reason, stderr, signal, exitCode }: Report): string {
  return reason ?? stderr ?? signal ?? `exit code ${exitCode}`
}
