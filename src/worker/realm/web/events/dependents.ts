import { deref, WeakRefOf } from '../captured.ts'

/** A list shorter than this is not searched for collected signals. */
const SWEEP_FROM = 16

/**
 * A signal that follows others. Those do not keep it alive unless somebody listens to it: a source may live for ever, with new followers for each piece of work.
 */
export class Follower<Signal extends object> {
  readonly #weak: WeakRef<Signal>
  #strong: Signal | undefined

  constructor(signal: Signal) {
    this.#weak = new WeakRefOf(signal)
  }

  /** Whether the sources keep the signal alive from now on. */
  set listenedTo(on: boolean) {
    this.#strong = on ? this.signal : undefined
  }

  get signal(): Signal | undefined {
    return this.#strong ?? deref(this.#weak)
  }
}

interface Entry<Signal extends object> {
  readonly follower: Follower<Signal>
  next: Entry<Signal> | undefined
}

/** The dependent signals of a source, in the order in which they were made. Searched for dead ones whenever it has doubled. */
export class Dependents<Signal extends object> {
  #first: Entry<Signal> | undefined
  #last: Entry<Signal> | undefined
  #size = 0
  #sweepAt = SWEEP_FROM

  add(follower: Follower<Signal>): void {
    if (this.#size >= this.#sweepAt) this.#sweep()
    const entry: Entry<Signal> = { follower, next: undefined }
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
    this.#size++
  }

  forEach(visit: (signal: Signal) => void): void {
    for (let at = this.#first; at !== undefined; at = at.next) {
      const { signal } = at.follower
      if (signal !== undefined) visit(signal)
    }
  }

  #sweep(): void {
    let at = this.#first
    this.#first = undefined
    this.#last = undefined
    this.#size = 0
    this.#sweepAt = Infinity
    for (; at !== undefined; at = at.next) if (at.follower.signal !== undefined) this.add(at.follower)
    this.#sweepAt = this.#size * 2 > SWEEP_FROM ? this.#size * 2 : SWEEP_FROM
  }
}
