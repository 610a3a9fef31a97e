/** Samples closer than this say little: the kernel counts in ticks of 10 ms. */
const MIN_INTERVAL_MS = 100
/** What the newest sample counts of the figure. */
const NEWEST = 0.5

/** How much of a core a process has had lately, by samples of the processor time that it has used. */
export class CpuShare {
  #cpuMs: number | undefined
  #atMs = 0
  #share = 0

  get value(): number {
    return this.#share
  }

  sampled(cpuMs: number, nowMs: number): void {
    if (this.#cpuMs !== undefined) {
      const elapsedMs = nowMs - this.#atMs
      if (elapsedMs < MIN_INTERVAL_MS) return
      this.#share += NEWEST * ((cpuMs - this.#cpuMs) / elapsedMs - this.#share)
    }
    this.#cpuMs = cpuMs
    this.#atMs = nowMs
  }
}
