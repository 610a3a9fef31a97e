import { ArrayOf, mapClear, MapOf, mapGetOrInsert, mapSet, setPrototypeOf } from '../msgpack/intrinsics.ts'

/** Objects that are compared one by one: for so few that is faster than a hash table. */
const FEW = 16
/** Clearing a table keeps no more than this: one that a large message left is let go. */
const KEPT = 4096

/** Numbers the objects of one message in their order, and knows those that it has numbered. */
export class ObjectNumbers {
  /** The number that the next new object gets. */
  next = 0
  readonly #few: (object | undefined)[] = setPrototypeOf(new ArrayOf<object | undefined>(), null)
  #table = new MapOf<object, number>()

  constructor() {
    for (let i = 0; i < FEW; i++) this.#few[i] = undefined
  }

  /** The number of `value`: {@link ObjectNumbers.next}, as it was before, if it is new. */
  of(value: object): number {
    const next = this.next
    if (next < FEW) {
      const few = this.#few
      for (let i = 0; i < next; i++) if (few[i] === value) return i
      few[next] = value
      this.next = next + 1
      return next
    }
    if (next === FEW) this.#fill()
    const number = mapGetOrInsert(this.#table, value, next)
    if (number === next) this.next = next + 1
    return number
  }

  /** Takes a number for an object that nobody can refer to. */
  skip(): void {
    this.next++
  }

  forget(): void {
    const count = this.next
    if (count > KEPT) this.#table = new MapOf<object, number>()
    else if (count >= FEW) mapClear(this.#table)
    for (let i = 0; i < FEW && i < count; i++) this.#few[i] = undefined
    this.next = 0
  }

  #fill(): void {
    for (let i = 0; i < FEW; i++) {
      const value = this.#few[i]
      if (value !== undefined) mapSet(this.#table, value, i)
    }
  }
}
