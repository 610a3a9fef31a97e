import { charCodeAt, typedArrayByteLength } from '../captured.ts'
import type { Decoder } from './decoder.ts'
import { CHUNK, textOf, units } from './units.ts'

/** What 0x80 to 0x9f stand for; every other byte is its own code point. No byte is an error. */
const C1 =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
  '\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178'

/** What the standard means by 'latin1', 'ascii' and 'iso-8859-1', https://encoding.spec.whatwg.org/#windows-1252. */
export const windows1252Decoder: Decoder = {
  decode(bytes) {
    let text = ''
    let count = 0
    const length = typedArrayByteLength(bytes)
    for (let at = 0; at < length; at++) {
      const byte = bytes[at] as number
      units[count++] = byte >= 0x80 && byte < 0xa0 ? charCodeAt(C1, byte - 0x80) : byte
      if (count < CHUNK) continue
      text += textOf(count)
      count = 0
    }
    return text + textOf(count)
  },
}
