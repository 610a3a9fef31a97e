import { malformed } from '../msgpack/codec-error.ts'
import { ArrayOf, getPrototypeOf, isArray, objectKeys, objectPrototype, setPrototypeOf } from '../msgpack/intrinsics.ts'
import { arrayIndex } from './array-index.ts'
import { INHERITED, natureOf } from './key-nature.ts'

/** The keys of the object that a record refers to. */
export interface RecordKeys {
  readonly message: number
  /** Of the object. */
  readonly number: number
  readonly keys: string[]
  readonly count: number
  /** Whether none of them has to be defined. */
  readonly assignable: boolean
}

/** Lists that are kept, by the last bits of their object's number: few objects lend their keys. */
const SLOTS = 32

/** Lists of keys that records of one message refer to. */
export class RecordKeyLists {
  readonly #slots: (RecordKeys | undefined)[] = setPrototypeOf(new ArrayOf<RecordKeys | undefined>(), null)

  constructor() {
    for (let i = 0; i < SLOTS; i++) this.#slots[i] = undefined
  }

  /** The keys of `owner`, the object `number` of the message `message`; whatever a peer refers to. */
  of(message: number, number: number, owner: unknown): RecordKeys {
    const slot = number & (SLOTS - 1)
    const known = this.#slots[slot]
    if (known !== undefined && known.number === number && known.message === message) return known
    const list = keysOf(message, number, owner)
    this.#slots[slot] = list
    return list
  }
}

function keysOf(message: number, number: number, owner: unknown): RecordKeys {
  if (typeof owner !== 'object' || owner === null || isArray(owner) || getPrototypeOf(owner) !== objectPrototype)
    throw malformed(`a record with the keys of the object ${number}, which is no plain object`)
  const keys = setPrototypeOf(objectKeys(owner), null)
  const count = keys.length
  let assignable = true
  for (let i = 0; i < count; i++) {
    const key = keys[i] as string
    if (arrayIndex(key) >= 0) throw malformed(`a record with the key ${key}`)
    if (natureOf(key) === INHERITED) assignable = false
  }
  return { message, number, keys, count, assignable }
}
