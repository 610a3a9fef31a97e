import { malformed } from './codec-error.ts'
import { Bytes, typedArrayBuffer, typedArrayLength, typedArrayOffset } from './intrinsics.ts'
import { FIRST_FLAT, flatAscii, LONGEST_FLAT, readUtf16, shortAscii } from './text.ts'
import { plainStringCoder, type StringCoder } from './string-coder.ts'
import { EXT_UTF16 } from './writer.ts'

const MAX_UINT32 = 0xffffffff

const float = new Float64Array(1)
const floatBytes = new Bytes(float.buffer)
const single = new Float32Array(1)
const singleBytes = new Bytes(single.buffer)

/**
 * MessagePack out of a range of bytes that a peer sent. Every length is checked against the bytes that are left before anything is
 * allocated; whatever is wrong throws a CodecError with code ERR_MALFORMED.
 */
export class MsgpackReader {
  bytes: Uint8Array
  position: number
  end: number
  readonly strings: StringCoder
  /** Shorter strings are read by the loops here if they are ASCII. */
  readonly #coderFrom: number
  /** Type of the extension that `extHeader` read last. */
  extType = 0
  longHigh = 0

  constructor(bytes: Uint8Array = new Bytes(0), start = 0, end: number = typedArrayLength(bytes), strings: StringCoder = plainStringCoder) {
    this.bytes = bytes
    this.position = start
    this.end = end
    this.strings = strings
    this.#coderFrom = strings.readsFrom > LONGEST_FLAT ? LONGEST_FLAT + 1 : strings.readsFrom
  }

  /** Reads another range with the same reader. */
  reset(bytes: Uint8Array, start = 0, end: number = typedArrayLength(bytes)): void {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  /** Throws unless everything was read. */
  finish(): void {
    if (this.position !== this.end) throw malformed(`${this.end - this.position} bytes too many at ${this.position}`)
  }

  /** The next type byte, which is not consumed. */
  peek(): number {
    if (this.position >= this.end) throw malformed(`ends too early at ${this.position}`)
    return this.bytes[this.position] as number
  }

  /** Consumes a nil if one is next. */
  nil(): boolean {
    if (this.peek() !== 0xc0) return false
    this.position++
    return true
  }

  bool(): boolean {
    const type = this.peek()
    if (type !== 0xc2 && type !== 0xc3) throw this.unexpected('a boolean')
    this.position++
    return type === 0xc3
  }

  /** A safe integer, in whichever integer form. */
  int(): number {
    const type = this.peek()
    if (type < 0x80) {
      this.position++
      return type
    }
    if (type >= 0xe0) {
      this.position++
      return type - 0x100
    }
    switch (type) {
      case 0xcc:
        return this.uint(1)
      case 0xcd:
        return this.uint(2)
      case 0xce:
        return this.uint(4)
      case 0xcf:
      case 0xd3: {
        const low = this.longLow()
        const high = type === 0xcf ? this.longHigh >>> 0 : this.longHigh
        const value = high * 0x100000000 + low
        if (high > 0x1fffff || value < -9007199254740991) throw malformed(`an integer beyond 2^53 at ${this.position - 9}`)
        return value
      }
      case 0xd0:
        return (this.uint(1) << 24) >> 24
      case 0xd1:
        return (this.uint(2) << 16) >> 16
      case 0xd2:
        return this.uint(4) | 0
      default:
        throw this.unexpected('an integer')
    }
  }

  /** A whole number from 0 to `max`. */
  uint32(max: number = MAX_UINT32): number {
    const at = this.position
    const value = this.int()
    if (value < 0 || value > max) throw malformed(`${value} is not within 0 to ${max} at ${at}`)
    return value
  }

  /** An integer or a float. */
  number(): number {
    const type = this.peek()
    if (type === 0xcb) {
      this.need(9)
      const bytes = this.bytes
      const at = this.position
      floatBytes[7] = bytes[at + 1] as number
      floatBytes[6] = bytes[at + 2] as number
      floatBytes[5] = bytes[at + 3] as number
      floatBytes[4] = bytes[at + 4] as number
      floatBytes[3] = bytes[at + 5] as number
      floatBytes[2] = bytes[at + 6] as number
      floatBytes[1] = bytes[at + 7] as number
      floatBytes[0] = bytes[at + 8] as number
      this.position = at + 9
      return float[0] as number
    }
    if (type === 0xca) {
      this.need(5)
      for (let i = 0; i < 4; i++) singleBytes[3 - i] = this.bytes[this.position + 1 + i] as number
      this.position += 5
      return single[0] as number
    }
    return this.int()
  }

  /** Text of at most `maxBytes` bytes. */
  string(maxBytes: number = MAX_UINT32): string {
    const type = this.peek()
    if (type >= 0xa0 && type < 0xc0) {
      this.position++
      return this.text(type & 0x1f, maxBytes)
    }
    if (type >= 0xd9 && type <= 0xdb) return this.text(this.uint(1 << (type - 0xd9)), maxBytes)
    if (type >= 0xd4 && type <= 0xd8) {
      const at = this.position
      const size = this.extHeader()
      if (this.extType === EXT_UTF16) return this.utf16(size, maxBytes)
      this.position = at
    } else if (type >= 0xc7 && type <= 0xc9) {
      const at = this.position
      const size = this.extHeader()
      if (this.extType === EXT_UTF16) return this.utf16(size, maxBytes)
      this.position = at
    }
    throw this.unexpected('a string')
  }

  /** Bytes, not copied: a view of what the reader reads. */
  bin(maxBytes: number = MAX_UINT32): Uint8Array {
    const size = this.binHeader(maxBytes)
    const at = this.position
    this.position = at + size
    return new Bytes(typedArrayBuffer(this.bytes), typedArrayOffset(this.bytes) + at, size)
  }

  /** The size of a bin; that many bytes are there at `position`. */
  binHeader(maxBytes: number = MAX_UINT32): number {
    const type = this.peek()
    if (type < 0xc4 || type > 0xc6) throw this.unexpected('bytes')
    const size = this.uint(1 << (type - 0xc4))
    this.check(size, maxBytes)
    return size
  }

  /** The count of an array. As each element takes a byte at least, it is never more than the bytes that are left. */
  arrayHeader(max: number = MAX_UINT32): number {
    const type = this.peek()
    let count: number
    if (type >= 0x90 && type < 0xa0) {
      this.position++
      count = type & 0x0f
    } else if (type === 0xdc || type === 0xdd) count = this.uint(type === 0xdc ? 2 : 4)
    else throw this.unexpected('an array')
    this.check(count, max)
    return count
  }

  mapHeader(max: number = MAX_UINT32): number {
    const type = this.peek()
    let count: number
    if (type >= 0x80 && type < 0x90) {
      this.position++
      count = type & 0x0f
    } else if (type === 0xde || type === 0xdf) count = this.uint(type === 0xde ? 2 : 4)
    else throw this.unexpected('a map')
    this.check(count, max)
    this.check(2 * count, 2 * max)
    return count
  }

  /** The size of an extension, whose type is then in `extType`; that many bytes are there at `position`. */
  extHeader(): number {
    const type = this.peek()
    let size: number
    if (type >= 0xd4 && type <= 0xd8) {
      size = 1 << (type - 0xd4)
      this.position++
    } else if (type >= 0xc7 && type <= 0xc9) size = this.uint(1 << (type - 0xc7))
    else throw this.unexpected('an extension')
    this.check(size + 1, MAX_UINT32 + 1)
    this.extType = this.bytes[this.position++] as number
    return size
  }

  /** Steps over one item with all that it contains, without recursion. */
  skip(): void {
    let left = 1
    while (left > 0) {
      left--
      const type = this.peek()
      if (type >= 0x80 && type < 0x90) left += 2 * this.mapHeader()
      else if (type === 0xde || type === 0xdf) left += 2 * this.mapHeader()
      else if ((type >= 0x90 && type < 0xa0) || type === 0xdc || type === 0xdd) left += this.arrayHeader()
      else if (type >= 0xa0 && type < 0xc0) this.advance(1 + (type & 0x1f))
      else if (type >= 0xd9 && type <= 0xdb) this.advance(this.uint(1 << (type - 0xd9)))
      else if (type >= 0xc4 && type <= 0xc6) this.advance(this.uint(1 << (type - 0xc4)))
      else if ((type >= 0xc7 && type <= 0xc9) || (type >= 0xd4 && type <= 0xd8)) this.advance(this.extHeader())
      else if (type < 0x80 || type >= 0xe0 || type === 0xc0 || type === 0xc2 || type === 0xc3) this.position++
      else if (type === 0xc1) throw this.unexpected('an item')
      else this.advance(1 + (type === 0xca ? 4 : type === 0xcb ? 8 : 1 << (type & 3)))
    }
  }

  unexpected(wanted: string): Error {
    return malformed(`${wanted} was expected at ${this.position}, not type byte ${this.bytes[this.position]}`)
  }

  /** Throws unless `size` bytes are left, counted from `position`. */
  need(size: number): void {
    if (size > this.end - this.position) throw malformed(`ends too early at ${this.position}`)
  }

  /** Steps over the type byte and reads the big-endian number after it. */
  uint(size: number): number {
    this.need(1 + size)
    const bytes = this.bytes
    let value = 0
    const stop = this.position + 1 + size
    for (let at = this.position + 1; at < stop; at++) value = value * 256 + (bytes[at] as number)
    this.position = stop
    return value
  }

  /** Steps over a 64-bit integer: returns its lower half, and leaves its signed upper half in `longHigh`. */
  longLow(): number {
    this.need(9)
    this.longHigh = this.uint(4) | 0
    this.position--
    return this.uint(4)
  }

  private advance(size: number): void {
    this.need(size)
    this.position += size
  }

  private check(size: number, max: number): void {
    if (size > max) throw malformed(`${size} is more than the limit of ${max} at ${this.position}`)
    if (size > this.end - this.position)
      throw malformed(`announces ${size}, but ${this.end - this.position} bytes are left at ${this.position}`)
  }

  private text(size: number, maxBytes: number): string {
    this.check(size, maxBytes)
    const start = this.position
    this.position = start + size
    if (size < this.#coderFrom) {
      const text = size < FIRST_FLAT ? shortAscii(this.bytes, start, size) : flatAscii(this.bytes, start, size)
      if (text !== undefined) return text
    }
    return this.strings.read(this.bytes, start, start + size)
  }

  private utf16(size: number, maxBytes: number): string {
    if (size & 1) throw malformed(`half a code unit at ${this.position}`)
    this.check(size, maxBytes)
    const start = this.position
    this.position = start + size
    return readUtf16(this.bytes, start, start + size)
  }
}
