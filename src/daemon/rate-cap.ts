const WINDOW_MS = 1_000

/** Counts what comes within a second, and says when it is too much. */
export class RateCap {
  readonly #max: number
  readonly #now: () => number
  #windowEndsMs = 0
  #count = 0

  constructor(max: number, now: () => number = () => performance.now()) {
    this.#max = max
    this.#now = now
  }

  /** Whether this much more is too much. */
  exceeded(amount: number): boolean {
    const now = this.#now()
    if (now >= this.#windowEndsMs) {
      this.#windowEndsMs = now + WINDOW_MS
      this.#count = 0
    }
    this.#count += amount
    return this.#count > this.#max
  }
}
