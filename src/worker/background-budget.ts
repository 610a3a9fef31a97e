import { BACKGROUND_BURST_MS, BACKGROUND_MS_PER_SECOND } from '../protocol/limits.ts'

/** The least that a turn gets, in milliseconds: an answer of the host must be able to arrive. */
const LEAST_MS = 5

/**
 * Computing that a context may do while no run of it is pending: a bucket that refills with time. A turn that begins with something in it may take out more than there is, up to a whole
 * burst, so that a callback which takes long comes to its end, and less often. Times are milliseconds of `performance.now()`.
 */
export class BackgroundBudget {
  #leftMs = BACKGROUND_BURST_MS
  #atMs = 0

  /** How long a turn may compute that starts now. */
  available(nowMs: number): number {
    this.#refill(nowMs)
    return Math.min(BACKGROUND_BURST_MS, Math.max(LEAST_MS, this.#leftMs + BACKGROUND_BURST_MS))
  }

  /** How long to wait until there is something to spend. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs)
    return this.#leftMs > 0 ? 0 : ((1 - this.#leftMs) / BACKGROUND_MS_PER_SECOND) * 1000
  }

  spend(ms: number): void {
    this.#leftMs -= ms
  }

  #refill(nowMs: number): void {
    this.#leftMs = Math.min(BACKGROUND_BURST_MS, this.#leftMs + ((nowMs - this.#atMs) / 1000) * BACKGROUND_MS_PER_SECOND)
    this.#atMs = nowMs
  }
}
