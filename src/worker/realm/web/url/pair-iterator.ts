import { defineProperty, getPrototypeOf, setPrototypeOf } from '../captured.ts'
import { tag } from '../idl.ts'
import type { Pairs } from './form-urlencoded.ts'

export const ENTRIES = 0
export const KEYS = 1
export const VALUES = 2
export type Kind = typeof ENTRIES | typeof KEYS | typeof VALUES

/** Iterates over the pairs as they are at each step, https://webidl.spec.whatwg.org/#default-iterator-object. */
class PairIterator {
  readonly #pairs: () => Pairs
  readonly #kind: Kind
  #at = 0

  constructor(pairs: () => Pairs, kind: Kind) {
    this.#pairs = pairs
    this.#kind = kind
  }

  next(): { value: unknown; done: boolean } {
    const pairs = (0, this.#pairs)()
    const at = this.#at
    if (at >= pairs.length) return { value: undefined, done: true }
    this.#at = at + 2
    if (this.#kind === KEYS) return { value: pairs[at], done: false }
    if (this.#kind === VALUES) return { value: pairs[at + 1], done: false }
    return { value: [pairs[at], pairs[at + 1]], done: false }
  }
}

const { prototype } = PairIterator
// %IteratorPrototype%, found without a name that a guest can give to something else.
setPrototypeOf(prototype, getPrototypeOf(getPrototypeOf(function* () {}.prototype as object) as object))
Reflect.deleteProperty(prototype, 'constructor')
defineProperty(prototype, 'next', { __proto__: null, enumerable: true } as PropertyDescriptor)
tag(prototype, 'URLSearchParams Iterator')

export const iteratePairs = (pairs: () => Pairs, kind: Kind): object => new PairIterator(pairs, kind)
