import { typedArrayByteLength } from '../captured.ts'
import { type Decoder, invalid } from './decoder.ts'
import { CHUNK, textOf, units } from './units.ts'

const NONE = -1

/** https://encoding.spec.whatwg.org/#shared-utf-16-decoder: a lone surrogate is an error, and so is half a unit at the end. */
export class Utf16Decoder implements Decoder {
  readonly #bigEndian: boolean
  readonly #fatal: boolean
  #leadByte = NONE
  #leadSurrogate = NONE

  constructor(bigEndian: boolean, fatal: boolean) {
    this.#bigEndian = bigEndian
    this.#fatal = fatal
  }

  decode(bytes: Uint8Array, last: boolean): string {
    const length = typedArrayByteLength(bytes)
    let text = ''
    let count = 0
    for (let at = 0; at < length; at++) {
      const byte = bytes[at] as number
      if (this.#leadByte === NONE) {
        this.#leadByte = byte
        continue
      }
      const unit = this.#bigEndian ? (this.#leadByte << 8) | byte : (byte << 8) | this.#leadByte
      this.#leadByte = NONE
      // One unit may add two: a pair, or a replacement and a unit.
      if (count > CHUNK - 2) {
        text += textOf(count)
        count = 0
      }
      const lead = this.#leadSurrogate
      if (lead !== NONE) {
        this.#leadSurrogate = NONE
        if (unit >= 0xdc00 && unit < 0xe000) {
          units[count++] = lead
          units[count++] = unit
          continue
        }
        units[count++] = this.#error()
      }
      if (unit >= 0xd800 && unit < 0xdc00) this.#leadSurrogate = unit
      else units[count++] = unit >= 0xdc00 && unit < 0xe000 ? this.#error() : unit
    }
    text += textOf(count)
    if (last && (this.#leadByte !== NONE || this.#leadSurrogate !== NONE)) {
      this.#reset()
      this.#error()
      text += '\ufffd'
    }
    return text
  }

  #error(): number {
    if (!this.#fatal) return 0xfffd
    this.#reset()
    throw invalid(this.#bigEndian ? 'utf-16be' : 'utf-16le')
  }

  #reset(): void {
    this.#leadByte = NONE
    this.#leadSurrogate = NONE
  }
}
