import { ArrayOf, Bytes, objectKeys, setPrototypeOf } from '../msgpack/intrinsics.ts'
import { shortAscii } from '../msgpack/text.ts'
import { natureOf } from './key-nature.ts'

/** Keys longer than this are not cached. */
export const CACHED_KEY_BYTES = 24
const FIRST_SLOTS = 32
const MAX_SLOTS = 1024
const SLOT_BYTES = 32
/** A cache that has taken so many keys for each slot that it has is too small. */
const KEYS_PER_SLOT = 2

/**
 * Property keys by their bytes. Objects of one message mostly share their keys, and a string that is a property key already is much
 * faster to define a property with than a new one. A slot holds one key and loses it to the next with the same hash.
 * There are few slots at first: every context has such a cache, and most see few keys.
 */
export class KeyCache {
  #slots = FIRST_SLOTS
  /** Length, then the bytes. */
  #bytes = new Bytes(FIRST_SLOTS * SLOT_BYTES)
  #natures = new Bytes(FIRST_SLOTS)
  #keys = emptySlots(FIRST_SLOTS)
  /** Keys that were put in since it has so many slots. */
  #taken = 0
  /** Of the key that `get` returned last. */
  nature = 0

  /** The key of 1 to 24 ASCII bytes at `at`, or undefined if a byte is not ASCII. */
  get(bytes: Uint8Array, at: number, size: number): string | undefined {
    let hash = size
    for (let i = 0; i < size; i++) hash = (hash * 31 + (bytes[at + i] as number)) | 0
    const slot = (hash ^ (hash >>> 10)) & (this.#slots - 1)
    const cached = this.#bytes
    const base = slot * SLOT_BYTES
    if (cached[base] === size) {
      let i = 0
      while (i < size && cached[base + 1 + i] === bytes[at + i]) i++
      if (i === size) {
        this.nature = this.#natures[slot] as number
        return this.#keys[slot]
      }
    }
    const text = shortAscii(bytes, at, size)
    if (text === undefined) return undefined
    const key = internalized(text)
    this.nature = natureOf(key)
    if (++this.#taken > KEYS_PER_SLOT * this.#slots && this.#slots < MAX_SLOTS) {
      this.#enlarge()
      return key
    }
    cached[base] = size
    for (let i = 0; i < size; i++) cached[base + 1 + i] = bytes[at + i] as number
    this.#keys[slot] = key
    this.#natures[slot] = this.nature
    return key
  }

  /** Keys have other slots then: it starts anew. */
  #enlarge(): void {
    const slots = 4 * this.#slots > MAX_SLOTS ? MAX_SLOTS : 4 * this.#slots
    this.#bytes = new Bytes(slots * SLOT_BYTES)
    this.#natures = new Bytes(slots)
    this.#keys = emptySlots(slots)
    this.#slots = slots
    this.#taken = 0
  }
}

/** Without a prototype, on which a guest could put an index. */
function emptySlots(count: number): string[] {
  const keys: string[] = setPrototypeOf(new ArrayOf<string>(), null)
  for (let i = 0; i < count; i++) keys[i] = ''
  return keys
}

/** The engine's own copy of a property key. */
const internalized = (text: string): string => objectKeys({ __proto__: null, [text]: 0 })[0] as string
