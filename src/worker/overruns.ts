/** A context whose code holds the worker until a deadline so often, in so many milliseconds, keeps doing it. */
const OFTEN = 3
const WITHIN_MS = 60_000

/** When the code of a context computed until a deadline ended it. */
export class Overruns {
  /** The last few, oldest first. */
  readonly #atMs: number[] = []

  add(nowMs: number): void {
    this.#atMs.push(nowMs)
    if (this.#atMs.length > OFTEN) this.#atMs.shift()
  }

  areFrequent(nowMs: number): boolean {
    return this.#atMs.length === OFTEN && nowMs - (this.#atMs[0] as number) < WITHIN_MS
  }
}
