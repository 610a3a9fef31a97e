import type { ChannelContext } from './channel-context.ts'

/** A request that is not over when its turn is: it waits for a promise, or for its context to be idle. Times are milliseconds of `performance.now()`. */
export interface Run {
  readonly run: number
  readonly context: ChannelContext
  readonly filename: string | undefined
  readonly startedMs: number
  readonly deadlineMs: number
  /** Time that it computed so far. What several runs of a context cannot be told apart in counts for each. */
  busyMs: number
}
