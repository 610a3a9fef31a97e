import { apply, Bytes, charCodeAt, fromCharCode, typedArrayBuffer, typedArrayByteLength } from '../captured.ts'
import { domException } from '../dom-error.ts'
import { requireArguments, toDOMString } from '../idl.ts'

const { fromBase64 } = Bytes
const { toBase64 } = Bytes.prototype

/** Arguments of one call to fromCharCode. */
const CHUNK = 4096
const lenient = { __proto__: null, lastChunkHandling: 'loose' } as unknown as { lastChunkHandling: 'loose' }

// Methods, because those are no constructors.
export const { atob, btoa } = {
  /** https://html.spec.whatwg.org/multipage/webappapis.html#dom-atob: the engine's loose decoding is exactly the forgiving one. */
  atob(data: unknown): string {
    requireArguments(arguments.length, 1, 'atob')
    const text = toDOMString(data)
    let bytes: Uint8Array
    try {
      bytes = apply(fromBase64, Bytes, [text, lenient])
    } catch {
      throw invalidCharacter('The string to be decoded is not correctly encoded')
    }
    const size = typedArrayByteLength(bytes)
    let decoded = ''
    for (let at = 0; at < size; at += CHUNK) {
      const window = new Bytes(typedArrayBuffer(bytes), at, size - at < CHUNK ? size - at : CHUNK)
      decoded += apply(fromCharCode, undefined, window as unknown as number[])
    }
    return decoded
  },

  btoa(data: unknown): string {
    requireArguments(arguments.length, 1, 'btoa')
    const text = toDOMString(data)
    const { length } = text
    const bytes = new Bytes(length)
    for (let i = 0; i < length; i++) {
      const unit = charCodeAt(text, i)
      if (unit > 0xff) throw invalidCharacter('The string to be encoded contains characters outside of the Latin1 range')
      bytes[i] = unit
    }
    return apply(toBase64, bytes, [])
  },
}

const invalidCharacter = (message: string): Error => domException(message, 'InvalidCharacterError')
