import { typedArrayByteLength } from '../captured.ts'
import { type Decoder, invalid, REPLACEMENT } from './decoder.ts'
import { CHUNK, textOf, units } from './units.ts'

/** https://encoding.spec.whatwg.org/#utf-8-decoder: each maximal part that is no UTF-8 is one error. */
export class Utf8Decoder implements Decoder {
  readonly #fatal: boolean
  #point = 0
  /** Bytes that the character still needs. */
  #needed = 0
  /** Bounds of the next byte. */
  #lower = 0x80
  #upper = 0xbf

  constructor(fatal: boolean) {
    this.#fatal = fatal
  }

  decode(bytes: Uint8Array, last: boolean): string {
    const length = typedArrayByteLength(bytes)
    let point = this.#point
    let needed = this.#needed
    let lower = this.#lower
    let upper = this.#upper
    let text = ''
    let count = 0
    let at = 0
    while (at < length) {
      const byte = bytes[at] as number
      let unit = byte
      if (needed > 0) {
        if (byte < lower || byte > upper) {
          // This byte begins something else: it is looked at again.
          unit = this.#error()
          needed = 0
        } else {
          at++
          point = (point << 6) | (byte & 0x3f)
          needed--
          if (needed > 0) {
            lower = 0x80
            upper = 0xbf
            continue
          }
          unit = point
        }
        lower = 0x80
        upper = 0xbf
      } else {
        at++
        if (byte >= 0x80) {
          if (byte >= 0xc2 && byte < 0xf5) {
            needed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
            lower = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80
            upper = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf
            point = byte & (0x3f >> needed)
            continue
          }
          unit = this.#error()
        }
      }
      if (unit > 0xffff) {
        units[count++] = 0xd7c0 + (unit >> 10)
        unit = 0xdc00 + (unit & 0x3ff)
        if (count === CHUNK) {
          text += textOf(count)
          count = 0
        }
      }
      units[count++] = unit
      if (count === CHUNK) {
        text += textOf(count)
        count = 0
      }
    }
    text += textOf(count)
    if (last && needed > 0) {
      needed = 0
      lower = 0x80
      upper = 0xbf
      this.#reset()
      this.#error()
      text += '\ufffd'
    }
    this.#point = point
    this.#needed = needed
    this.#lower = lower
    this.#upper = upper
    return text
  }

  #error(): number {
    if (!this.#fatal) return REPLACEMENT
    this.#reset()
    throw invalid('utf-8')
  }

  #reset(): void {
    this.#needed = 0
    this.#lower = 0x80
    this.#upper = 0xbf
  }
}
