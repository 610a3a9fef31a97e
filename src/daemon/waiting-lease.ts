import type { DaemonError } from './daemon-error.ts'
import type { Waiter } from './waiting-line.ts'
import type { WorkerKind } from './worker-kind.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What a tenant may have of a pool. */
export interface WorkerLimits {
  readonly maxWorkers: number
  readonly maxShared: number
  readonly maxQueue: number
  readonly weight: number
}

/** What a worker is bound for. */
export type Whose = Pick<Waiting, 'tenant' | 'dedicated' | 'kind'>

/** A lease that waits for a worker. */
export interface Waiting extends Waiter {
  readonly kind: WorkerKind
  readonly limits: WorkerLimits
  readonly waitMs: number
  /** Until when it waits, of `performance.now()`. */
  readonly untilMs: number
  timer: NodeJS.Timeout | undefined
  /** Workers that were started for it and did not boot. */
  failures: number
  /** Resolves when it waits no more, however that ended. */
  readonly served: Promise<unknown>
  readonly resolve: (worker: WorkerProcess) => void
  readonly reject: (error: DaemonError) => void
}
