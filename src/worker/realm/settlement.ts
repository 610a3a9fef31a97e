import type { RealmRecord } from './record.ts'
import { ATTENTION } from './record.ts'

const { apply, deleteProperty } = Reflect
const NativePromise = Promise
const { then } = NativePromise.prototype
const { resolve } = NativePromise

/** A run whose promise has settled. */
export interface Settled {
  readonly run: number
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
  /** Runs that wait, as keys. */
  readonly #waiting = { __proto__: null } as unknown as Record<number, true>
  #first: Settled | undefined
  #last: Settled | undefined

  constructor(record: RealmRecord) {
    this.#record = record
  }

  /** Waits for a thenable as `await` does it: a native promise as it is, any other through a job of its own. */
  wait(run: number, thenable: unknown): void {
    this.#waiting[run] = true
    const { maxResult: maxBytes, maxResultDepth: maxDepth } = this.#record
    const promise = apply(resolve, NativePromise, [thenable])
    void apply(then, promise, [
      (value: unknown) => this.#settle({ run, fulfilled: true, value, maxBytes, maxDepth, next: undefined }),
      (reason: unknown) => this.#settle({ run, fulfilled: false, value: reason, maxBytes, maxDepth, next: undefined }),
    ])
  }

  /** The run waits, and {@link end} says how it ends: for what is no promise, because its outcome may have a `then`. */
  begin(run: number): void {
    this.#waiting[run] = true
  }

  end(run: number, fulfilled: boolean, value: unknown): void {
    const { maxOutput: maxBytes, maxDepth } = this.#record
    this.#settle({ run, fulfilled, value, maxBytes, maxDepth, next: undefined })
  }

  forget(run: number): void {
    deleteProperty(this.#waiting, run)
  }

  /** The one that settled first. */
  take(): Settled | undefined {
    const entry = this.#first
    if (entry === undefined) return undefined
    this.#first = entry.next
    if (this.#first === undefined) this.#last = undefined
    this.#record.settled--
    return entry
  }

  #settle(entry: Settled): void {
    if (this.#waiting[entry.run] === undefined) return
    deleteProperty(this.#waiting, entry.run)
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
