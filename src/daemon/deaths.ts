import type { Report } from '../protocol/report.ts'
import type { Logger } from './log.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Deaths that the status shows. */
const KEPT = 20

/** Confined processes that died: told to the log, and kept for the status if nobody planned it. */
export class Deaths {
  /** Newest first. */
  readonly recent: Report[] = []
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  record(what: 'worker' | 'compiler', died: WorkerProcess, report: Report, planned: boolean): void {
    const { signal, exitCode, reason, stderr } = report
    if (planned) {
      this.#log.debug({ worker: died.number, reason }, `${what} ended`)
      return
    }
    this.recent.unshift(report)
    this.recent.length = Math.min(this.recent.length, KEPT)
    this.#log.warn({ worker: died.number, workerPid: died.pid, signal, exitCode, reason, stderr }, `${what} died`)
  }
}
