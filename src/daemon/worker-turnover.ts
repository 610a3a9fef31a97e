/** What a worker's coming free is reckoned to take before any has, in milliseconds: about a boot. */
const FIRST_GUESS_MS = 100
/** How much the last interval says of the next. */
const WEIGHT_OF_LAST = 0.2

/** How often a worker comes free, as a moving average, to tell who waits how long that may take. */
export class WorkerTurnover {
  #averageMs = FIRST_GUESS_MS
  #lastMs: number | undefined

  /** A waiting lease got its worker. */
  served(nowMs: number, othersWaited: boolean): void {
    // Time in which nobody waited says nothing.
    if (this.#lastMs !== undefined) this.#averageMs += WEIGHT_OF_LAST * (nowMs - this.#lastMs - this.#averageMs)
    this.#lastMs = othersWaited ? nowMs : undefined
  }

  /** How long the lease at this position, counted from 1, may wait, in milliseconds. `waitsSinceMs` is when who waits already began to. */
  estimateMs(position: number, nowMs: number, waitsSinceMs?: number): number {
    const sinceMs = this.#lastMs ?? waitsSinceMs
    // If it already takes longer than it used to, it will: what holds the workers may be contexts that stay.
    const next = Math.max(this.#averageMs, sinceMs === undefined ? 0 : nowMs - sinceMs)
    return Math.round(next + (position - 1) * this.#averageMs)
  }
}
