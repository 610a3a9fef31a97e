import { DaemonError } from './daemon-error.ts'

/** What keeps a lease from being served. */
export type BlockedBy =
  /** All workers that the daemon may have are in use. */
  | 'max'
  /** All that its tenant may have are. */
  | 'maxWorkers'
  /** As many leases of its tenant wait as may. */
  | 'maxQueue'
  /** Workers boot, and have not finished. */
  | 'boot'
  /** Its tenant has used up its processor time. */
  | 'cpu'

export interface OverloadReport {
  /** How many leases of the tenant would have been served before it, and it; undefined if it is not for want of workers. */
  readonly position: number | undefined
  readonly estimatedWaitMs: number
  readonly blockedBy: BlockedBy
}

/** A lease that no worker can serve in time. */
export class OverloadedLeaseError extends DaemonError {
  /** When to try again, in milliseconds. */
  readonly retryAfterMs: number
  readonly overload: OverloadReport

  constructor(message: string, overload: OverloadReport) {
    super('ERR_OVERLOADED', message)
    this.overload = overload
    this.retryAfterMs = overload.estimatedWaitMs
  }
}
