import { CodecError, malformed } from '../msgpack/codec-error.ts'
import { ArrayOf, BigIntOf, setPrototypeOf } from '../msgpack/intrinsics.ts'
import type { MsgpackReader } from '../msgpack/reader.ts'
import { readBigInt } from './bigint-bytes.ts'
import { define, makeSparse } from './define.ts'
import { readBytes, readExotic } from './exotic-decoder.ts'
import { CACHED_KEY_BYTES, KeyCache } from './key-cache.ts'
import { FAR_INDEX, INHERITED, natureOf, ORDINARY } from './key-nature.ts'
import { RecordKeyLists } from './record-keys.ts'
import { isPristine } from './realm-state.ts'
import { DEFAULT_MAX_ITEMS, depthLimit, type FunctionHandle, type ReadValueOptions, THEN } from './value-options.ts'
import { EXT_BIGINT, EXT_KIND, EXT_RECORD, EXT_REFERENCE, EXT_UNDEFINED, KIND_FUNCTION, KIND_SYMBOL } from './wire-kinds.ts'

/** A longer table of objects is let go after its message. */
const KEPT_OBJECTS = 4096
/** Equal to nothing that is thrown. */
const noFailure: object = { __proto__: null }

/**
 * Reads values that a peer sent. Any bytes give a value or a CodecError; memory stays within a small multiple of the size of the input.
 * Runs no foreign code: keys are defined, setters are never met. One decoder serves many messages, one after the other.
 */
export class ValueDecoder {
  reader!: MsgpackReader
  /** From one value to the next it may be another: at most {@link depthLimit}'s. */
  maxDepth: number
  readonly maxItems: number
  readonly functionIn: ReadValueOptions['functionIn']
  readonly remoteIn: ReadValueOptions['remoteIn']
  /** Bytes of address space that the resizable buffers of this message asked for. */
  reserved = 0
  #objects: unknown[] = setPrototypeOf(new ArrayOf<unknown>(), null)
  #count = 0
  #items = 0
  #busy = false
  /** Whether plain assignment defines, as far as prototypes go; looked up once a message, if there is anything to assign to. */
  #assignable: boolean | undefined
  /** What the hook threw: passed on as it is. */
  #hookFailure: unknown = noFailure
  readonly #keys = new KeyCache()
  #message = 0
  readonly #records = new RecordKeyLists()
  #nature = ORDINARY

  constructor(options?: ReadValueOptions) {
    this.maxDepth = depthLimit(options)
    this.maxItems = options?.maxItems ?? DEFAULT_MAX_ITEMS
    this.functionIn = options?.functionIn
    this.remoteIn = options?.remoteIn
  }

  /** Reads one value at the reader's position. */
  read(reader: MsgpackReader): unknown {
    if (this.#busy) throw new CodecError('ERR_REENTRANT', 'a hook tried to read with the decoder that called it')
    this.#busy = true
    this.reader = reader
    this.#assignable = undefined
    this.#message++
    try {
      return this.any(0, 0)
    } catch (error) {
      if (error === this.#hookFailure || error instanceof CodecError) throw error
      // Out of stack or memory: both are the input's doing.
      throw new CodecError('ERR_VALUE_TOO_LARGE', 'more than this process can hold')
    } finally {
      this.#busy = false
      if (this.#count > 0) {
        const objects = this.#objects
        if (this.#count > KEPT_OBJECTS) this.#objects = setPrototypeOf(new ArrayOf<unknown>(), null)
        // Cheaper than a new length.
        else for (let i = 0; i < this.#count; i++) objects[i] = undefined
        this.#count = 0
      }
      this.#items = 0
      this.#hookFailure = noFailure
      this.reserved = 0
    }
  }

  /** `owed` items at least follow after this one, as the containers around it announced. */
  any(depth: number, owed: number): unknown {
    const reader = this.reader
    if (reader.position >= reader.end) throw malformed(`ends too early at ${reader.position}`)
    const type = reader.bytes[reader.position] as number
    if (type < 0x80) {
      reader.position++
      return type
    }
    if (type < 0x90) return this.#object(depth, owed)
    if (type < 0xa0) return this.#array(depth, owed)
    if (type < 0xc0) return reader.string()
    if (type >= 0xe0) {
      reader.position++
      return type - 0x100
    }
    switch (type) {
      case 0xc0:
        reader.position++
        return null
      case 0xc2:
        reader.position++
        return false
      case 0xc3:
        reader.position++
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        this.enter(depth)
        return readBytes(this)
      case 0xc7:
      case 0xc8:
      case 0xc9:
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension()
      case 0xcf:
      case 0xd3:
        return this.#long(type)
      case 0xd9:
      case 0xda:
      case 0xdb:
        return reader.string()
      case 0xdc:
      case 0xdd:
        return this.#array(depth, owed)
      case 0xde:
      case 0xdf:
        return this.#object(depth, owed)
      default:
        return reader.number()
    }
  }

  /** The properties of a map, given to `target`, which is fresh. */
  properties(target: object, isBare: boolean, depth: number, owed: number): void {
    const reader = this.reader
    const count = this.announced(reader.mapHeader(), 2, owed)
    const assignable = (this.#assignable ??= isPristine())
    let far = false
    for (let left = count - 1; left >= 0; left--) {
      const key = this.key()
      const nature = this.#nature
      if (nature === FAR_INDEX && !far) {
        far = true
        makeSparse(target)
      }
      const value = this.property(key, depth, owed + 2 * left)
      if (isBare || (assignable && nature !== INHERITED)) (target as Record<string, unknown>)[key] = value
      else define(target, key, value)
    }
  }

  /** The value of a property with this key. */
  property(key: string, depth: number, owed: number): unknown {
    const value = this.any(depth, owed)
    if (typeof value === 'function' && key === THEN) throw malformed('a thenable')
    return value
  }

  /** A property key, whose nature is then in `#nature`. */
  key(): string {
    const reader = this.reader
    const type = reader.peek()
    if (type > 0xa0 && type <= 0xa0 + CACHED_KEY_BYTES) {
      const size = type & 0x1f
      reader.need(1 + size)
      const at = reader.position + 1
      const key = this.#keys.get(reader.bytes, at, size)
      if (key !== undefined) {
        reader.position = at + size
        this.#nature = this.#keys.nature
        return key
      }
    }
    const key = reader.string()
    this.#nature = natureOf(key)
    return key
  }

  /** Enters a container. */
  enter(depth: number): void {
    if (depth >= this.maxDepth)
      throw new CodecError('ERR_VALUE_TOO_DEEP', `nested deeper than the limit of ${this.maxDepth}`, undefined, 'depth', this.maxDepth)
  }

  /** Checks the count that a container announces against what the input can still hold. */
  announced(count: number, itemsEach: number, owed: number): number {
    const reader = this.reader
    if (count * itemsEach + owed > reader.end - reader.position)
      throw malformed(`more items announced than bytes left at ${reader.position}`)
    this.#items += count
    if (this.#items > this.maxItems) throw new CodecError('ERR_VALUE_TOO_LARGE', `more than the limit of ${this.maxItems} items`)
    return count
  }

  /** Takes the next index for an object that is not there yet. */
  slot(): number {
    this.#objects[this.#count] = undefined
    return this.#count++
  }

  fill<T extends object>(slot: number, value: T): T {
    this.#objects[slot] = value
    return value
  }

  add<T extends object>(value: T): T {
    this.#objects[this.#count++] = value
    return value
  }

  /** The elements of an array into `target`, which is fresh. */
  elements(target: unknown[], count: number, depth: number, owed: number): void {
    const assignable = (this.#assignable ??= isPristine())
    for (let i = 0; i < count; i++) {
      const value = this.any(depth, owed + count - i - 1)
      if (assignable) target[i] = value
      else define(target, i, value)
    }
  }

  /** The function for a handle. */
  handle(handle: FunctionHandle): unknown {
    const hook = this.functionIn
    if (hook === undefined) throw new CodecError('ERR_VALUE_UNSUPPORTED', 'a function handle cannot be taken here')
    return this.#hooked(() => hook(handle))
  }

  /** An object that stayed at the sender's side. */
  remote(kind: number, fields: number, depth: number, owed: number): object {
    const hook = this.remoteIn
    if (hook === undefined) throw new CodecError('ERR_VALUE_UNSUPPORTED', 'an object that stays where it is cannot be taken here')
    const slot = this.slot()
    this.announced(fields, 1, owed)
    const parts = setPrototypeOf(new ArrayOf<unknown>(), null)
    for (let i = 0; i < fields; i++) parts[i] = this.any(depth, owed + fields - i - 1)
    return this.fill(
      slot,
      this.#hooked(() => hook(kind, parts)),
    )
  }

  /** Calls a hook. */
  #hooked<Result>(hook: () => Result): Result {
    try {
      return hook()
    } catch (error) {
      this.#hookFailure = error
      throw error
    }
  }

  #object(depth: number, owed: number): object {
    this.enter(depth)
    const target = this.add({})
    this.properties(target, false, depth + 1, owed)
    return target
  }

  #array(depth: number, owed: number): unknown {
    const reader = this.reader
    const count = reader.arrayHeader()
    const bytes = reader.bytes
    const at = reader.position
    // The head of a tagged array is an extension of one byte.
    if (count > 0 && bytes[at] === 0xd4 && bytes[at + 1] === EXT_KIND) {
      reader.need(3)
      reader.position = at + 3
      const kind = bytes[at + 2] as number
      // Symbols and handles are tagged arrays, but nothing is inside them.
      if (kind < KIND_SYMBOL || kind > KIND_FUNCTION) this.enter(depth)
      return readExotic(this, kind, count - 1, depth + 1, owed)
    }
    this.enter(depth)
    if (count > 0 && (bytes[at] as number) >= 0xd4 && (bytes[at] as number) <= 0xd6 && bytes[at + 1] === EXT_RECORD)
      return this.#record(count - 1, depth + 1, owed)
    this.announced(count, 1, owed)
    const target = this.add(new ArrayOf<unknown>(count))
    this.elements(target, count, depth + 1, owed)
    return target
  }

  /** An object with the keys of an earlier one. */
  #record(count: number, depth: number, owed: number): object {
    const reader = this.reader
    const size = reader.extHeader()
    const number = this.#number(size)
    this.announced(count, 1, owed)
    const list = this.#records.of(this.#message, number, number < this.#count ? this.#objects[number] : undefined)
    if (list.count !== count) throw malformed(`${count} values for the ${list.count} keys of the object ${number} at ${reader.position}`)
    const keys = list.keys
    const target = this.add({}) as Record<string, unknown>
    const assignable = (this.#assignable ??= isPristine()) && list.assignable
    for (let i = 0; i < count; i++) {
      const value = this.property(keys[i] as string, depth, owed + count - i - 1)
      if (assignable) target[keys[i] as string] = value
      else define(target, keys[i] as string, value)
    }
    return target
  }

  /** The number of an object, from an extension of `size` bytes whose header was read. */
  #number(size: number): number {
    const reader = this.reader
    const start = reader.position
    let number = 0
    for (let i = 0; i < size; i++) number = number * 256 + (reader.bytes[start + i] as number)
    reader.position = start + size
    return number
  }

  #extension(): unknown {
    const reader = this.reader
    const at = reader.position
    const size = reader.extHeader()
    const start = reader.position
    switch (reader.extType) {
      case EXT_UNDEFINED:
        if (size !== 1 || reader.bytes[start] !== 0) break
        reader.position = start + 1
        return undefined
      case EXT_REFERENCE: {
        if (size !== 1 && size !== 2 && size !== 4) break
        const index = this.#number(size)
        const value = index < this.#count ? this.#objects[index] : undefined
        if (value === undefined) throw malformed(`a reference to the object ${index} of ${this.#count} at ${at}`)
        return value
      }
      case EXT_BIGINT:
        reader.position = start + size
        return readBigInt(reader.bytes, start, size)
      default:
        reader.position = at
        return reader.string()
    }
    throw malformed(`an unknown extension of type ${reader.extType} at ${at}`)
  }

  /** A 64-bit integer beyond 2^53 comes from another language: a BigInt keeps it exact. */
  #long(type: number): number | bigint {
    const reader = this.reader
    const low = reader.longLow()
    const high = type === 0xcf ? reader.longHigh >>> 0 : reader.longHigh
    if (high < 0x200000 && high >= -0x200000) {
      const value = high * 0x100000000 + low
      if (value !== -9007199254740992) return value
    }
    return BigIntOf(high) * 0x100000000n + BigIntOf(low)
  }
}

/** Reads one value. For many values make one ValueDecoder. */
export function readValue(reader: MsgpackReader, options?: ReadValueOptions): unknown {
  return new ValueDecoder(options).read(reader)
}
