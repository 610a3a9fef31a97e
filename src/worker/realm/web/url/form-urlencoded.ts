import { Bytes, charCodeAt, decodeComponent, encodeComponent, indexOf, newList, slice, typedArrayBuffer } from '../captured.ts'
import { use } from '../context.ts'

/** https://url.spec.whatwg.org/#application/x-www-form-urlencoded */

/** Names and values by turns, well-formed. */
export type Pairs = string[]

const HEX = '0123456789ABCDEF'
const AMPERSAND = 0x26
const EQUALS = 0x3d
const PERCENT = 0x25
const SPACE = 0x20

export function parseForm(text: string): Pairs {
  const pairs = newList<string>()
  const { length } = text
  let start = 0
  let equals = -1
  for (let at = 0; at <= length; at++) {
    const unit = at < length ? charCodeAt(text, at) : AMPERSAND
    if (unit === EQUALS && equals < 0) equals = at
    if (unit !== AMPERSAND) continue
    if (at > start) {
      pairs[pairs.length] = decode(slice(text, start, equals < 0 ? at : equals))
      pairs[pairs.length] = equals < 0 ? '' : decode(slice(text, equals + 1, at))
    }
    start = at + 1
    equals = -1
  }
  return pairs
}

export function serializeForm(pairs: Pairs): string {
  let text = ''
  for (let i = 0; i < pairs.length; i += 2) {
    if (i > 0) text += '&'
    text += `${encode(pairs[i] as string)}=${encode(pairs[i + 1] as string)}`
  }
  return text
}

function encode(text: string): string {
  const { length } = text
  let encoded = ''
  let from = 0
  for (let at = 0; at < length; at++) {
    const unit = charCodeAt(text, at)
    if (isPlain(unit)) continue
    encoded += slice(text, from, at)
    if (unit === SPACE) encoded += '+'
    else if (unit < 0x80) encoded += `%${HEX[unit >> 4] as string}${HEX[unit & 15] as string}`
    else {
      const size = unit >= 0xd800 && unit < 0xdc00 ? 2 : 1
      encoded += encodeComponent(slice(text, at, at + size))
      at += size - 1
    }
    from = at + 1
  }
  return from === 0 ? text : encoded + slice(text, from)
}

/** Letters, digits and `*-._` stay as they are. */
function isPlain(unit: number): boolean {
  const letter = unit | 0x20
  if (letter >= 0x61 && letter <= 0x7a) return unit < 0x80
  return (unit >= 0x30 && unit <= 0x39) || unit === 0x2a || unit === 0x2d || unit === 0x2e || unit === 0x5f
}

function decode(text: string): string {
  const spaced = withSpaces(text)
  if (indexOf(spaced, '%') < 0) return spaced
  try {
    return decodeComponent(spaced)
  } catch {
    return decodeBytes(spaced)
  }
}

function withSpaces(text: string): string {
  let spaced = ''
  let from = 0
  for (let at = indexOf(text, '+'); at >= 0; at = indexOf(text, '+', from)) {
    spaced += `${slice(text, from, at)} `
    from = at + 1
  }
  return from === 0 ? text : spaced + slice(text, from)
}

/** What is no percent-encoded byte stays, what is no UTF-8 becomes U+FFFD. */
function decodeBytes(text: string): string {
  const { encodeUtf8, Utf8Decoder } = use('encoding')
  const bytes = encodeUtf8(text)
  const size = bytes.length
  let written = 0
  for (let at = 0; at < size; at++) {
    let byte = bytes[at] as number
    const high = byte === PERCENT && at + 2 < size ? hexDigit(bytes[at + 1] as number) : -1
    const low = high < 0 ? -1 : hexDigit(bytes[at + 2] as number)
    if (low >= 0) {
      byte = (high << 4) | low
      at += 2
    }
    bytes[written++] = byte
  }
  return new Utf8Decoder(false).decode(new Bytes(typedArrayBuffer(bytes), 0, written), true)
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
