import type { RealmRecord } from './record.ts'
import { ATTENTION } from './record.ts'

const { apply, deleteProperty } = Reflect
const NativePromise = Promise
const { then } = NativePromise.prototype
const { resolve } = NativePromise

/** A run whose promise has settled. */
export interface Settled {
  readonly run: number
  /** Of its wait: a `many` run waits for one promise after another, and what an earlier one comes to is no longer its business. */
  readonly ticket: number
  readonly fulfilled: boolean
  readonly value: unknown
  /** What its result may have. */
  readonly maxBytes: number
  readonly maxDepth: number
  next: Settled | undefined
}

/** Runs that wait for a promise, and those whose promise has settled since the worker looked. */
export class Settlement {
  readonly #record: RealmRecord
  /** The ticket of each run that waits, or has an outcome that was not taken. */
  readonly #tickets = { __proto__: null } as unknown as Record<number, number>
  #issued = 0
  #first: Settled | undefined
  #last: Settled | undefined

  constructor(record: RealmRecord) {
    this.#record = record
  }

  /** Waits for a thenable as `await` does it: a native promise as it is, any other through a job of its own. */
  wait(run: number, thenable: unknown): void {
    const ticket = this.begin(run)
    const { maxResult: maxBytes, maxResultDepth: maxDepth } = this.#record
    const promise = apply(resolve, NativePromise, [thenable])
    void apply(then, promise, [
      (value: unknown) => this.#settle({ run, ticket, fulfilled: true, value, maxBytes, maxDepth, next: undefined }),
      (reason: unknown) => this.#settle({ run, ticket, fulfilled: false, value: reason, maxBytes, maxDepth, next: undefined }),
    ])
  }

  /** The run waits, and {@link end} says how it ends: for what is no promise, because its outcome may have a `then`. */
  begin(run: number): number {
    return (this.#tickets[run] = ++this.#issued)
  }

  end(run: number, ticket: number, fulfilled: boolean, value: unknown): void {
    const { maxOutput: maxBytes, maxDepth } = this.#record
    this.#settle({ run, ticket, fulfilled, value, maxBytes, maxDepth, next: undefined })
  }

  forget(run: number): void {
    deleteProperty(this.#tickets, run)
  }

  /** The one that settled first, of those that are still waited for. */
  take(): Settled | undefined {
    for (let entry = this.#first; entry !== undefined; entry = entry.next) {
      this.#first = entry.next
      if (entry.next === undefined) this.#last = undefined
      this.#record.settled--
      if (this.#tickets[entry.run] !== entry.ticket) continue
      deleteProperty(this.#tickets, entry.run)
      return entry
    }
    return undefined
  }

  #settle(entry: Settled): void {
    if (this.#tickets[entry.run] !== entry.ticket) return
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
    this.#record.settled++
    this.#record.attention |= ATTENTION.settled
  }
}

/** Whether `await` would wait for it. May run a getter of the guest's. */
export function isThenable(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return typeof (value as { readonly then?: unknown }).then === 'function'
}
