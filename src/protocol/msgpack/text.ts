import { apply, ArrayOf, defineProperty, fromCharCode, setPrototypeOf } from './intrinsics.ts'

/** Code units that are made text at a time. */
const CHUNK = 512

/** ASCII text, or undefined if a byte is not ASCII. For short text, where a call into native code costs more than the work. */
export function shortAscii(bytes: Uint8Array, at: number, size: number): string | undefined {
  let text = ''
  let left = size
  while (left >= 8) {
    const a = bytes[at] as number
    const b = bytes[at + 1] as number
    const c = bytes[at + 2] as number
    const d = bytes[at + 3] as number
    const e = bytes[at + 4] as number
    const f = bytes[at + 5] as number
    const g = bytes[at + 6] as number
    const h = bytes[at + 7] as number
    if ((a | b | c | d | e | f | g | h) > 0x7f) return undefined
    text += fromCharCode(a, b, c, d, e, f, g, h)
    at += 8
    left -= 8
  }
  if (left >= 4) {
    const a = bytes[at] as number
    const b = bytes[at + 1] as number
    const c = bytes[at + 2] as number
    const d = bytes[at + 3] as number
    if ((a | b | c | d) > 0x7f) return undefined
    text += fromCharCode(a, b, c, d)
    at += 4
    left -= 4
  }
  if (left >= 2) {
    const a = bytes[at] as number
    const b = bytes[at + 1] as number
    if ((a | b) > 0x7f) return undefined
    text += fromCharCode(a, b)
    at += 2
    left -= 2
  }
  if (left === 1) {
    const a = bytes[at] as number
    if (a > 0x7f) return undefined
    text += fromCharCode(a)
  }
  return text
}

/** From this many code units on, the engine joins strings by a tree of them, which takes several times the memory of the text. */
export const FIRST_FLAT = 13
export const LONGEST_FLAT = 256
/** By length: the arguments for `fromCharCode`. Made when first needed: a realm that is made anew for a small run needs none. */
const argumentsOf: (number[] | undefined)[] = setPrototypeOf(new ArrayOf<number[] | undefined>(), null)

/** ASCII text of {@link FIRST_FLAT} to {@link LONGEST_FLAT} bytes in one piece, or undefined if a byte is not ASCII. */
export function flatAscii(bytes: Uint8Array, at: number, size: number): string | undefined {
  const list = listOf(size)
  let all = 0
  for (let i = 0; i < size; i++) {
    const byte = bytes[at + i] as number
    all |= byte
    list[i] = byte
  }
  return all > 0x7f ? undefined : apply(fromCharCode, undefined, list)
}

const listOf = (size: number): number[] => argumentsOf[size] ?? makeList(size)

function makeList(size: number): number[] {
  const list = new ArrayOf<number>()
  // Defined: a guest may have put a setter on Array.prototype.
  for (let i = 0; i < size; i++)
    defineProperty(list, i, { __proto__: null, value: 0, writable: true, enumerable: true, configurable: true } as PropertyDescriptor)
  argumentsOf[size] = list
  return list
}

/** Text from little-endian UTF-16 code units, whatever they are. */
export function readUtf16(bytes: Uint8Array, start: number, end: number): string {
  const units = listOf(CHUNK)
  let text = ''
  let count = 0
  for (let at = start; at + 1 < end; at += 2) {
    units[count++] = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    if (count === CHUNK) {
      text += apply(fromCharCode, undefined, units)
      count = 0
    }
  }
  return text + rest(units, count)
}

/** Text from UTF-8. Each maximal part that is no UTF-8 becomes one U+FFFD, as in the WHATWG decoder. */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  const units = listOf(CHUNK)
  let text = ''
  let count = 0
  let at = start
  while (at < end) {
    const lead = bytes[at++] as number
    let point = 0xfffd
    if (lead < 0x80) point = lead
    else if (lead >= 0xc2 && lead < 0xf5) {
      const more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3
      let lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
      let highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
      let value = lead & (0x3f >> more)
      let seen = 0
      while (seen < more && at < end) {
        const next = bytes[at] as number
        if (next < lowest || next > highest) break
        lowest = 0x80
        highest = 0xbf
        value = (value << 6) | (next & 0x3f)
        at++
        seen++
      }
      if (seen === more) point = value
    }
    if (point > 0xffff) {
      units[count++] = 0xd7c0 + (point >> 10)
      if (count === CHUNK) {
        text += apply(fromCharCode, undefined, units)
        count = 0
      }
      point = 0xdc00 + (point & 0x3ff)
    }
    units[count++] = point
    if (count === CHUNK) {
      text += apply(fromCharCode, undefined, units)
      count = 0
    }
  }
  return text + rest(units, count)
}

/** The first `count` units, fewer than a chunk. */
function rest(units: readonly number[], count: number): string {
  let text = ''
  let at = 0
  while (at < count) {
    const size = count - at > LONGEST_FLAT ? LONGEST_FLAT : count - at
    const list = listOf(size)
    for (let i = 0; i < size; i++) list[i] = units[at + i] as number
    text += apply(fromCharCode, undefined, list)
    at += size
  }
  return text
}
