import type { Decoder } from '../encoding/decoder.ts'
import { createMultibyteDecoder, createSinglebyteDecoder, normalizeEncoding } from './exodus-bytes.js'

/** The encodings of more than one byte a character. */
const MULTIBYTE = {
  __proto__: null,
  big5: 1,
  'euc-jp': 1,
  'euc-kr': 1,
  gb18030: 1,
  gbk: 1,
  'iso-2022-jp': 1,
  shift_jis: 1,
} as unknown as Record<string, number | undefined>

/** `label` in lower case, without white space around it. The standard has no decoder for 'replacement'. */
export function encodingOf(label: string): string | undefined {
  const name = normalizeEncoding(label)
  return name === null || name === 'replacement' ? undefined : name
}

export function decoderFor(encoding: string, fatal: boolean): Decoder {
  if (MULTIBYTE[encoding] === undefined) {
    const decode = createSinglebyteDecoder(encoding, !fatal)
    return { decode: (bytes) => decode(bytes) }
  }
  const decode = createMultibyteDecoder(encoding, !fatal)
  return { decode: (bytes, last) => decode(bytes, !last) }
}
