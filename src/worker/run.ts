import type { ErrorCode } from '../protocol/error-codes.ts'
import type { Phase } from '../protocol/report.ts'
import type { ChannelContext } from './channel-context.ts'
import type { Ending } from './guard.ts'

/** A request that is not over when its turn is: it waits for a promise, or for its context to be idle. Times are milliseconds of `performance.now()`. */
export interface Run {
  readonly run: number
  readonly context: ChannelContext
  readonly filename: string | undefined
  readonly startedMs: number
  readonly deadlineMs: number
  /** How much of its time was over when it started, because it had waited and that counts. */
  readonly queuedMs: number
  /** Bytes of its result. */
  readonly maxOutput: number
  /** Time that it computed so far. What several runs of a context cannot be told apart in counts for each. */
  busyMs: number
  /** Who hears how it ends, if that is not simply its answer. */
  readonly owner?: RunOwner
}

interface RunOwner {
  /** Its promise has settled: `ending` is that of the step that took the outcome, which is in the context's record. */
  settled(ending: Ending): void
  abandoned(code: ErrorCode, message: string, phase: Phase): void
}
