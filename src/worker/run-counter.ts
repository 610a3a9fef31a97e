import { type CacheName, CACHES, DURATION_BOUNDS_MS, RUN_OUTCOMES, type RunTally } from '../protocol/run-tally.ts'
import { ERROR_CODES } from '../protocol/error-codes.ts'

const OUTCOME_OF: Partial<Record<number, number>> = {
  [ERROR_CODES.ERR_TIMEOUT]: RUN_OUTCOMES.indexOf('timeout'),
  [ERROR_CODES.ERR_CANCELLED]: RUN_OUTCOMES.indexOf('cancelled'),
}
const FAILED = RUN_OUTCOMES.indexOf('failed')
export const ENDED_WELL = RUN_OUTCOMES.indexOf('completed')
export const ENDED_BY_THROW = RUN_OUTCOMES.indexOf('threw')

/** Counts how this worker's runs end, how long they take, and what its caches spare them, for the daemon's metrics. On the way of each run: additions, no allocation, no clock. */
export class RunCounter implements RunTally {
  readonly outcomes: number[] = RUN_OUTCOMES.map(() => 0)
  readonly durations: number[] = [...DURATION_BOUNDS_MS.map(() => 0), 0]
  totalMs = 0
  readonly caches: number[] = CACHES.flatMap(() => [0, 0])

  /** @param outcome an index of RUN_OUTCOMES
   * @param tookMs negative if nobody looked at the clock */
  ended(outcome: number, tookMs: number): void {
    this.outcomes[outcome] = (this.outcomes[outcome] as number) + 1
    if (tookMs < 0) return
    let at = 0
    while (at < DURATION_BOUNDS_MS.length && tookMs > (DURATION_BOUNDS_MS[at] as number)) at++
    this.durations[at] = (this.durations[at] as number) + 1
    this.totalMs += tookMs
  }

  /** @param code of ERROR_CODES */
  failed(code: number, tookMs: number): void {
    this.ended(OUTCOME_OF[code] ?? FAILED, tookMs)
  }

  /** Something was looked for in a cache. */
  looked(cache: CacheName, isHit: boolean): void {
    const at = 2 * CACHES.indexOf(cache) + (isHit ? 0 : 1)
    this.caches[at] = (this.caches[at] as number) + 1
  }
}
