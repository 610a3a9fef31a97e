import { ArrayOf, Bytes, objectKeys, setPrototypeOf } from '../msgpack/intrinsics.ts'
import { shortAscii } from '../msgpack/text.ts'
import { natureOf } from './key-nature.ts'

/** Keys longer than this are not cached. */
export const CACHED_KEY_BYTES = 24
const SLOTS = 1024
const SLOT_BYTES = 32

/**
 * Property keys by their bytes. Objects of one message mostly share their keys, and a string that is a property key already is much
 * faster to define a property with than a new one. A slot holds one key and loses it to the next with the same hash.
 */
export class KeyCache {
  /** Length, then the bytes. */
  readonly #bytes = new Bytes(SLOTS * SLOT_BYTES)
  readonly #natures = new Bytes(SLOTS)
  /** Of the key that `get` returned last. */
  nature = 0
  readonly #keys: string[] = setPrototypeOf(new ArrayOf<string>(), null)

  constructor() {
    for (let i = 0; i < SLOTS; i++) this.#keys[i] = ''
  }

  /** The key of 1 to 24 ASCII bytes at `at`, or undefined if a byte is not ASCII. */
  get(bytes: Uint8Array, at: number, size: number): string | undefined {
    let hash = size
    for (let i = 0; i < size; i++) hash = (hash * 31 + (bytes[at + i] as number)) | 0
    const slot = (hash ^ (hash >>> 10)) & (SLOTS - 1)
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
    cached[base] = size
    for (let i = 0; i < size; i++) cached[base + 1 + i] = bytes[at + i] as number
    this.#keys[slot] = key
    this.nature = this.#natures[slot] = natureOf(key)
    return key
  }
}

/** The engine's own copy of a property key. */
const internalized = (text: string): string => objectKeys({ __proto__: null, [text]: 0 })[0] as string
