/** Proves that the work was done: over all runs of a session the answers must be exactly 1, 2, 3 and so on, in any order. */
export class Tally {
  #runs = 0
  #highest = 0
  #sum = 0

  get runs(): number {
    return this.#runs
  }

  add(counter: unknown): void {
    if (typeof counter !== 'number') throw new Error(`run ${this.#runs + 1} answered ${String(counter)} instead of a number`)
    this.#runs++
    this.#sum += counter
    if (counter > this.#highest) this.#highest = counter
  }

  /** To be called while no run is under way. */
  verify(): void {
    const runs = this.#runs
    if (this.#highest === runs && this.#sum === (runs * (runs + 1)) / 2) return
    throw new Error(`after ${runs} runs the counter is ${this.#highest}, and its values add up to ${this.#sum}`)
  }
}
