import { Bytes, typedArrayBuffer, typedArrayByteLength, typedArrayName, typedArrayOffset } from '../captured.ts'
import { defineInterface, requireArguments, requireThis, toUSVString } from '../idl.ts'
import { encodeInto, encodeUtf8, type Progress } from './utf8-encoder.ts'

/** https://encoding.spec.whatwg.org/#interface-textencoder */
export class TextEncoder {
  /** Tells an instance from anything else. */
  readonly #brand = true

  get encoding(): string {
    requireThis(this.#brand)
    return 'utf-8'
  }

  encode(input: unknown = ''): Uint8Array<ArrayBuffer> {
    requireThis(this.#brand)
    return encodeUtf8(toUSVString(input))
  }

  encodeInto(source: unknown, destination: unknown): Progress {
    requireThis(this.#brand)
    requireArguments(arguments.length, 2, 'TextEncoder.encodeInto')
    const text = toUSVString(source)
    if (typedArrayName(destination) !== 'Uint8Array') throw new TypeError('TextEncoder.encodeInto: the destination must be a Uint8Array')
    const size = typedArrayByteLength(destination as object)
    if (size === 0) return encodeInto('', 0, new Bytes(0))
    return encodeInto(text, 0, new Bytes(typedArrayBuffer(destination as object), typedArrayOffset(destination as object), size))
  }
}

defineInterface(TextEncoder, 'TextEncoder')
