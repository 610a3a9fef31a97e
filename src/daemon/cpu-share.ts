/** Samples closer than this say little: the kernel counts in ticks of 10 ms. */
const MIN_INTERVAL_MS = 100
/** What the newest sample counts of the average. */
const NEWEST = 0.2

/** How much of a core a process has had lately, by samples of the processor time that it has used: for a while, and still. What was a moment's work says nothing of what comes. */
export class CpuShare {
  #cpuMs: number | undefined
  #atMs = 0
  #newest = 0
  #average = 0

  get value(): number {
    return Math.min(this.#average, this.#newest)
  }

  sampled(cpuMs: number, nowMs: number): void {
    if (this.#cpuMs !== undefined) {
      const elapsedMs = nowMs - this.#atMs
      if (elapsedMs < MIN_INTERVAL_MS) return
      this.#newest = (cpuMs - this.#cpuMs) / elapsedMs
      this.#average += NEWEST * (this.#newest - this.#average)
    }
    this.#cpuMs = cpuMs
    this.#atMs = nowMs
  }
}
