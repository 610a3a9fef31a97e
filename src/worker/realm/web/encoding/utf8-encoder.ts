import { Bytes, charCodeAt, typedArrayBuffer, typedArrayByteLength, typedArraySet } from '../captured.ts'

/** https://encoding.spec.whatwg.org/#utf-8-encoder. A lone surrogate becomes U+FFFD. */

export interface Progress {
  /** Code units read. */
  read: number
  /** Bytes written. */
  written: number
}

/** The bytes of `text`, in a buffer of their own. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  const { length } = text
  // Most text is ASCII, and then this is its size.
  const head = new Bytes(length)
  const first = encodeInto(text, 0, head)
  if (first.read === length) return first.written === length ? head : new Bytes(prefix(head, first.written))
  // Three bytes a unit are always enough.
  const tail = new Bytes((length - first.read) * 3)
  const second = encodeInto(text, first.read, tail)
  const bytes = new Bytes(first.written + second.written)
  typedArraySet(bytes, prefix(head, first.written), 0)
  typedArraySet(bytes, prefix(tail, second.written), first.written)
  return bytes
}

const prefix = (bytes: Uint8Array, size: number): Uint8Array => new Bytes(typedArrayBuffer(bytes), 0, size)

/** Writes as many whole characters as fit. */
export function encodeInto(text: string, from: number, bytes: Uint8Array): Progress {
  const { length } = text
  const room = typedArrayByteLength(bytes)
  let read = from
  let written = 0
  while (read < length) {
    let point = charCodeAt(text, read)
    if (point < 0x80) {
      if (written === room) break
      bytes[written++] = point
      read++
      continue
    }
    let units = 1
    if (point >= 0xd800 && point < 0xe000) {
      const next = point < 0xdc00 && read + 1 < length ? charCodeAt(text, read + 1) : 0
      if (next >= 0xdc00 && next < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (next - 0xdc00)
        units = 2
      } else point = 0xfffd
    }
    const size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
    if (written + size > room) break
    if (size === 2) bytes[written++] = 0xc0 | (point >> 6)
    else {
      if (size === 3) bytes[written++] = 0xe0 | (point >> 12)
      else {
        bytes[written++] = 0xf0 | (point >> 18)
        bytes[written++] = 0x80 | ((point >> 12) & 0x3f)
      }
      bytes[written++] = 0x80 | ((point >> 6) & 0x3f)
    }
    bytes[written++] = 0x80 | (point & 0x3f)
    read += units
  }
  return { read: read - from, written }
}
