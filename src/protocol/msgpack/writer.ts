import { CodecError } from './codec-error.ts'
import { Bytes, charCodeAt, copyWithin, floor, isWellFormed, typedArrayBuffer, typedArraySet } from './intrinsics.ts'
import { plainStringCoder, type StringCoder } from './string-coder.ts'

/** Code units of the longest string that may be written by the loop here: its header has two bytes. */
const SHORT_STRING = 255
/** Room that small writes may use beyond `maxBytes` before `checkLimit` reports it, so that they need not know their exact size. */
const SLACK = 512
const FIRST_CAPACITY = 1024
const KEPT_CAPACITY = 1024 * 1024
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
const MAX_SAFE = 9007199254740991
/** Extension type of a string with lone surrogates: UTF-16 code units, little-endian. */
export const EXT_UTF16 = 4

const float = new Float64Array(1)
const floatBytes = new Bytes(float.buffer)

export interface WriterOptions {
  /** Hard cap in bytes on `position`. Default 64 MiB. */
  readonly maxBytes?: number
  /** For long strings. Default: plain JavaScript. */
  readonly strings?: StringCoder
}

/**
 * MessagePack into one growing buffer. A writer may start anywhere: set `position`, leave room for a frame header, write values, then
 * `patchUint32`. `bytes` is replaced when it grows, so read it again after every write. Little-endian machines only.
 */
export class MsgpackWriter {
  /** Replaced only by the writer itself. */
  bytes: Uint8Array
  position = 0
  /** Length of `bytes`, kept here because `length` is a getter that guest code can replace. */
  capacity = FIRST_CAPACITY
  /** True while a value is written: its getters run foreign code, which must not write here. */
  busy = false
  maxBytes: number
  readonly strings: StringCoder
  readonly #coderFrom: number

  constructor(options?: WriterOptions) {
    this.maxBytes = options?.maxBytes ?? DEFAULT_MAX_BYTES
    this.strings = options?.strings ?? plainStringCoder
    this.#coderFrom = this.strings.writesFrom > SHORT_STRING ? SHORT_STRING + 1 : this.strings.writesFrom
    this.bytes = new Bytes(FIRST_CAPACITY)
  }

  /** Starts over. A buffer larger than `keepBytes` is let go; by default, one of more than 1 MiB of which little was used. */
  reset(keepBytes?: number): void {
    if (this.busy) throw new CodecError('ERR_REENTRANT', 'this writer is writing a value')
    const keep = keepBytes ?? (this.position > this.capacity >> 2 ? this.capacity : KEPT_CAPACITY)
    this.position = 0
    if (this.capacity <= keep) return
    this.bytes = new Bytes(FIRST_CAPACITY)
    this.capacity = FIRST_CAPACITY
  }

  /** The bytes from `start` to `position`, for good: the writer goes on with another buffer. */
  detach(start = 0): Uint8Array {
    const bytes = this.view(start)
    this.reset(0)
    return bytes
  }

  /** The bytes from `start` to `position`, not copied: valid until the next write or reset. */
  view(start = 0): Uint8Array {
    return new Bytes(typedArrayBuffer(this.bytes), start, this.position - start)
  }

  /** Throws if more than `maxBytes` were written. Small writes leave that to their caller; strings, bin and ext check by themselves. */
  checkLimit(): void {
    if (this.position > this.maxBytes) this.tooLarge(this.position)
  }

  /** Makes room for `size` bytes at `position`. */
  ensure(size: number): void {
    if (this.position + size > this.capacity) this.grow(size)
  }

  patchUint32(at: number, value: number): void {
    const bytes = this.bytes
    bytes[at] = value >>> 24
    bytes[at + 1] = value >>> 16
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value
  }

  nil(): void {
    this.byte(0xc0)
  }

  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2)
  }

  /** -0 and fractions as float64, whole numbers in the shortest integer form. */
  number(value: number): void {
    if (value === (value | 0)) {
      if (value !== 0 || 1 / value > 0) this.int(value)
      else this.float64(value)
    } else if (value <= MAX_SAFE && value >= -MAX_SAFE && floor(value) === value) this.int(value)
    else this.float64(value)
  }

  /** `value` must be a safe integer. */
  int(value: number): void {
    if (this.position + 9 > this.capacity) this.grow(9)
    const bytes = this.bytes
    const at = this.position
    if (value >= 0) {
      if (value < 0x80) {
        bytes[at] = value
        this.position = at + 1
      } else if (value < 0x100) {
        bytes[at] = 0xcc
        bytes[at + 1] = value
        this.position = at + 2
      } else if (value < 0x10000) {
        bytes[at] = 0xcd
        bytes[at + 1] = value >>> 8
        bytes[at + 2] = value
        this.position = at + 3
      } else if (value < 0x100000000) {
        bytes[at] = 0xce
        this.patchUint32(at + 1, value)
        this.position = at + 5
      } else this.int64(0xcf, value)
    } else if (value >= -0x20) {
      bytes[at] = value
      this.position = at + 1
    } else if (value >= -0x80) {
      bytes[at] = 0xd0
      bytes[at + 1] = value
      this.position = at + 2
    } else if (value >= -0x8000) {
      bytes[at] = 0xd1
      bytes[at + 1] = value >> 8
      bytes[at + 2] = value
      this.position = at + 3
    } else if (value >= -0x80000000) {
      bytes[at] = 0xd2
      this.patchUint32(at + 1, value)
      this.position = at + 5
    } else this.int64(0xd3, value)
  }

  float64(value: number): void {
    if (this.position + 9 > this.capacity) this.grow(9)
    const bytes = this.bytes
    const at = this.position
    float[0] = value
    bytes[at] = 0xcb
    bytes[at + 1] = floatBytes[7] as number
    bytes[at + 2] = floatBytes[6] as number
    bytes[at + 3] = floatBytes[5] as number
    bytes[at + 4] = floatBytes[4] as number
    bytes[at + 5] = floatBytes[3] as number
    bytes[at + 6] = floatBytes[2] as number
    bytes[at + 7] = floatBytes[1] as number
    bytes[at + 8] = floatBytes[0] as number
    this.position = at + 9
  }

  /** Any string. One with lone surrogates goes as an extension of its UTF-16 code units. */
  string(text: string): void {
    const length = text.length
    if (length >= this.#coderFrom) {
      this.longString(text)
      return
    }
    if (this.position + length + 2 > this.capacity) this.grow(length + 2)
    const bytes = this.bytes
    const head = this.position
    let at = head + (length < 32 ? 1 : 2)
    for (let i = 0; i < length; i++) {
      const unit = charCodeAt(text, i)
      if (unit > 0x7f) {
        this.longString(text)
        return
      }
      bytes[at++] = unit
    }
    if (length < 32) bytes[head] = 0xa0 | length
    else {
      bytes[head] = 0xd9
      bytes[head + 1] = length
    }
    this.position = at
  }

  bin(source: Uint8Array, size: number): void {
    this.payload(size)
    this.sized(0xc4, size)
    typedArraySet(this.bytes, source, this.position)
    this.position += size
    this.checkLimit()
  }

  arrayHeader(count: number): void {
    this.header(0x90, 0xdc, count)
  }

  mapHeader(count: number): void {
    this.header(0x80, 0xde, count)
  }

  /** Corrects the header of a map that ends at `end`: it has fewer entries than it announced. */
  fewer(end: number, announced: number, count: number): void {
    const bytes = this.bytes
    if (announced < 16) bytes[end - 1] = 0x80 | count
    else if (announced < 0x10000) {
      bytes[end - 2] = count >>> 8
      bytes[end - 1] = count
    } else this.patchUint32(end - 4, count)
  }

  /** The header of an extension; exactly `size` bytes must follow, for which room is made. */
  extHeader(type: number, size: number): void {
    this.payload(size)
    const fixed = size === 1 ? 0xd4 : size === 2 ? 0xd5 : size === 4 ? 0xd6 : size === 8 ? 0xd7 : size === 16 ? 0xd8 : 0
    if (fixed) this.bytes[this.position++] = fixed
    else this.sized(0xc7, size)
    this.bytes[this.position++] = type
  }

  ext(type: number, source: Uint8Array, size: number): void {
    this.extHeader(type, size)
    typedArraySet(this.bytes, source, this.position)
    this.position += size
    this.checkLimit()
  }

  /** An extension of one byte: the codec's marks. */
  mark(type: number, value: number): void {
    if (this.position + 3 > this.capacity) this.grow(3)
    const bytes = this.bytes
    const at = this.position
    bytes[at] = 0xd4
    bytes[at + 1] = type
    bytes[at + 2] = value
    this.position = at + 3
  }

  byte(value: number): void {
    if (this.position === this.capacity) this.grow(1)
    this.bytes[this.position++] = value
  }

  private header(short: number, long: number, count: number): void {
    if (this.position + 5 > this.capacity) this.grow(5)
    const bytes = this.bytes
    const at = this.position
    if (count < 16) {
      bytes[at] = short | count
      this.position = at + 1
    } else if (count < 0x10000) {
      bytes[at] = long
      bytes[at + 1] = count >>> 8
      bytes[at + 2] = count
      this.position = at + 3
    } else {
      bytes[at] = long + 1
      this.patchUint32(at + 1, count)
      this.position = at + 5
    }
  }

  /** `first`, `first + 1`, `first + 2`: the type bytes for sizes of 8, 16 and 32 bits. */
  private sized(first: number, size: number): void {
    const bytes = this.bytes
    const at = this.position
    if (size < 0x100) {
      bytes[at] = first
      bytes[at + 1] = size
      this.position = at + 2
    } else if (size < 0x10000) {
      bytes[at] = first + 1
      bytes[at + 1] = size >>> 8
      bytes[at + 2] = size
      this.position = at + 3
    } else {
      bytes[at] = first + 2
      this.patchUint32(at + 1, size)
      this.position = at + 5
    }
  }

  private int64(type: number, value: number): void {
    const at = this.position
    const high = floor(value / 0x100000000)
    this.bytes[at] = type
    this.patchUint32(at + 1, high)
    this.patchUint32(at + 5, value - high * 0x100000000)
    this.position = at + 9
  }

  private longString(text: string): void {
    const length = text.length
    let room = 3 * length + 5
    if (this.position + room > this.capacity) {
      // Near the cap the worst case may not fit where the text does.
      if (this.position + room > this.maxBytes) {
        room = utf8Length(text) + 5
        if (this.position + room - 5 > this.maxBytes) this.tooLarge(this.position + room - 5)
      }
      this.ensure(room)
    }
    const head = this.position
    const guess = headerSize(length)
    const size = this.strings.write(text, this.bytes, head + guess)
    if (size !== length && !isWellFormed(text)) {
      this.utf16(text)
      return
    }
    const actual = headerSize(size)
    if (actual !== guess) copyWithin(this.bytes, head + actual, head + guess, head + guess + size)
    const bytes = this.bytes
    if (actual === 1) bytes[head] = 0xa0 | size
    else this.sized(0xd9, size)
    this.position = head + actual + size
    this.checkLimit()
  }

  private utf16(text: string): void {
    const length = text.length
    this.extHeader(EXT_UTF16, 2 * length)
    const bytes = this.bytes
    let at = this.position
    for (let i = 0; i < length; i++) {
      const unit = charCodeAt(text, i)
      bytes[at++] = unit
      bytes[at++] = unit >>> 8
    }
    this.position = at
    this.checkLimit()
  }

  /** Room for `size` bytes and their header, refused before the buffer grows. */
  private payload(size: number): void {
    if (this.position + size > this.maxBytes) this.tooLarge(this.position + size)
    this.ensure(size + 6)
  }

  private grow(size: number): void {
    const needed = this.position + size
    if (needed > this.maxBytes + SLACK) this.tooLarge(needed)
    const doubled = this.capacity * 2
    const capped = doubled > this.maxBytes + SLACK ? this.maxBytes + SLACK : doubled
    const capacity = needed > capped ? needed : capped
    const next = new Bytes(capacity)
    typedArraySet(next, this.bytes, 0)
    this.bytes = next
    this.capacity = capacity
  }

  private tooLarge(needed: number): never {
    const { maxBytes } = this
    throw new CodecError('ERR_VALUE_TOO_LARGE', `larger than the limit of ${maxBytes} bytes`, undefined, 'bytes', maxBytes, needed)
  }
}

const headerSize = (size: number): number => (size < 32 ? 1 : size < 0x100 ? 2 : size < 0x10000 ? 3 : 5)

function utf8Length(text: string): number {
  let size = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i)
    // Each half of a surrogate pair counts two bytes.
    if (unit > 0x7f) size += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1
  }
  return size
}
