import { type RealmRecord, ATTENTION, PROMISE_EVENT } from './record.ts'
import { unhandledCodec } from '../../protocol/guest-messages.ts'
import { MAX_UNHANDLED } from '../../protocol/limits.ts'
import { ArrayOf, setPrototypeOf } from '../../protocol/msgpack/intrinsics.ts'
import type { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import type { Outbox } from './outbox.ts'

interface Unhandled {
  /** Undefined for an error that nobody caught. */
  readonly promise: unknown
  readonly reason: unknown
}

/** Rejections without a handler, and errors that came out of a callback: told to the client once the guest's code has come to a rest, if still nobody handles them. */
export class UnhandledErrors {
  readonly #record: RealmRecord
  #list: (Unhandled | undefined)[] = newList()
  #count = 0
  /** Those that are told now, and how many of them were tried. */
  #told: (Unhandled | undefined)[] = newList()
  #tried = 0

  constructor(record: RealmRecord) {
    this.#record = record
  }

  /** V8 says so, through the moat. */
  rejection(event: unknown, promise: unknown, reason: unknown): void {
    if (event === PROMISE_EVENT.rejected) this.#add({ promise, reason })
    else if (event === PROMISE_EVENT.handled) this.#remove(promise)
  }

  thrown(error: unknown): void {
    this.#add({ promise: undefined, reason: error })
  }

  /** Tells the client; `encode` gives a reason's bytes, and `sent` hears that they are on their way. A reason that never comes to an end is told no more the next time, and those after it are. */
  report(outbox: Outbox, encode: (reason: unknown) => MsgpackWriter, sent: () => void): void {
    if (this.#tried >= this.#told.length) {
      this.#told = this.#list
      this.#tried = 0
      this.#list = newList()
      this.#count = 0
    }
    const told = this.#told
    while (this.#tried < told.length) {
      const entry = told[this.#tried++]
      if (entry === undefined) continue
      // Until it is told: it may end this evaluate.
      this.#record.attention |= ATTENTION.report
      const payload = encode(entry.reason)
      outbox.add(unhandledCodec, { type: 'unhandled', context: this.#record.context, rejection: entry.promise !== undefined }, payload)
      sent()
    }
    this.#told = newList()
    this.#tried = 0
    if (this.#count === 0) this.#record.attention &= ~ATTENTION.report
  }

  #add(entry: Unhandled): void {
    if (this.#count >= MAX_UNHANDLED) return
    // Most are handled by the one that comes next: the list stays short.
    const list = this.#list
    if (this.#count === 0) list.length = 0
    list[list.length] = entry
    this.#count++
    this.#record.attention |= ATTENTION.report
  }

  #remove(promise: unknown): void {
    const list = this.#list
    for (let i = list.length - 1; i >= 0; i--) {
      if (list[i]?.promise !== promise) continue
      list[i] = undefined
      this.#count--
      // Most were the last: those that stay must not keep the places of all that came and went.
      while (list.length > 0 && list[list.length - 1] === undefined) list.length--
      return
    }
  }
}

function newList(): (Unhandled | undefined)[] {
  return setPrototypeOf(new ArrayOf<Unhandled | undefined>(), null)
}
