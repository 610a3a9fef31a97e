import type { WorkerProcess } from './worker-process.ts'

/** How often the kernel's figures are read, in milliseconds: some 80 µs for each process that is bound. */
const SAMPLE_MS = 250

/** Reads what the kernel says of the processes that are bound: for reports, and for limits, which believe no worker. */
export class UsageWatch implements Disposable {
  readonly #timer: NodeJS.Timeout

  /** `sampled` is called after each reading. */
  constructor(processes: () => Iterable<WorkerProcess>, sampled: () => void) {
    this.#timer = setInterval(() => {
      for (const process of processes()) if (process.state.type === 'bound') process.sampleUsage()
      sampled()
    }, SAMPLE_MS)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
