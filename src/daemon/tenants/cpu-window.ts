/** The window: a minute, in slots of a second. */
const SLOT_MS = 1_000
const SLOTS = 60

/** Processor time used in the last minute. Times are milliseconds of a monotonic clock. */
export class CpuWindow {
  readonly #usedMs = new Float64Array(SLOTS)
  /** The slot of now, counted from the clock's zero. */
  #slot = 0
  #sumMs = 0

  add(ms: number, nowMs: number): void {
    this.#advance(nowMs)
    this.#usedMs[this.#slot % SLOTS] = (this.#usedMs[this.#slot % SLOTS] as number) + ms
    this.#sumMs += ms
  }

  usedMs(nowMs: number): number {
    this.#advance(nowMs)
    return this.#sumMs
  }

  /** In how many milliseconds no more than this will have been used in the last minute, if nothing is used until then. */
  fallsTo(ms: number, nowMs: number): number {
    this.#advance(nowMs)
    let sumMs = this.#sumMs
    // The oldest slot is the one after that of now.
    for (let age = 1; age <= SLOTS; age++) {
      if (sumMs <= ms) return age === 1 ? 0 : (this.#slot + age - 1) * SLOT_MS - nowMs
      sumMs -= this.#usedMs[(this.#slot + age) % SLOTS] as number
    }
    return (this.#slot + SLOTS) * SLOT_MS - nowMs
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS)
    // What is a minute old leaves. Summed up anew: what a difference of doubles leaves over would add up.
    const steps = Math.min(slot - this.#slot, SLOTS)
    if (steps <= 0) return
    for (let step = 1; step <= steps; step++) this.#usedMs[(slot - steps + step) % SLOTS] = 0
    this.#slot = slot
    this.#sumMs = this.#usedMs.reduce((sum, used) => sum + used, 0)
  }
}
