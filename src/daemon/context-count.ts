/** A lease for a context that its client does not use in this time counts no more, in milliseconds. */
const PROMISE_MS = 1_000

/** How many contexts a worker has: those that it reported last, and those for which it was leased since. What it reports may be older than a lease. */
export class ContextCount {
  #reported = 0
  /** When leases were given whose contexts have not shown yet, oldest first. */
  #promised: number[] = []

  /** It was leased for one more. */
  promise(nowMs: number): void {
    this.#promised.push(nowMs)
  }

  report(contexts: number): void {
    // As many as there are more have come about since.
    if (contexts > this.#reported) this.#promised.splice(0, contexts - this.#reported)
    this.#reported = contexts
  }

  at(nowMs: number): number {
    this.#promised = this.#promised.filter((sinceMs) => nowMs - sinceMs < PROMISE_MS)
    return this.#reported + this.#promised.length
  }
}
