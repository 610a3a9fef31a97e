import type { Report } from '../protocol/report.ts'
import type { Viewer } from './tenants/tenants.ts'
import type { Logger } from './log.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Deaths that the status shows. */
const KEPT = 20

/** A death, and whose process it was; nobody's if it was not bound yet. */
export interface DeathRecord extends Report {
  readonly tenant: string | undefined
}

/** Confined processes that died: told to the log, and kept for the status if nobody planned it. */
export class Deaths {
  /** Newest first. */
  readonly #recent: DeathRecord[] = []
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  /** What this tenant may know of; all if that is undefined. Those that were nobody's yet say how it stands with the daemon. */
  visible({ tenant, isOperator }: Viewer): readonly DeathRecord[] {
    return this.#recent.filter((each) => isOperator || each.tenant === undefined || each.tenant === tenant)
  }

  record(what: 'worker' | 'compiler', died: WorkerProcess, report: Report, planned: boolean): void {
    const { cause, channel, run, signal, exitCode, reason, stderr } = report
    if (planned) {
      this.#log.debug({ worker: died.number, reason }, `${what} ended`)
      return
    }
    this.#recent.unshift({ ...report, tenant: died.tenant })
    this.#recent.length = Math.min(this.#recent.length, KEPT)
    this.#log.warn(
      { worker: died.number, workerPid: died.pid, tenant: died.tenant, cause, channel, run, signal, exitCode, reason, stderr },
      `${what} died`,
    )
  }
}
