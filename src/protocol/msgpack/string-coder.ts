import { charCodeAt } from './intrinsics.ts'
import { LONGEST_FLAT, readUtf8 } from './text.ts'

/**
 * Long strings to UTF-8 and back. A process with a native coder (Node's Buffer) passes its own; short strings never get here.
 */
export interface StringCoder {
  /** Code units, up to 256, from which on {@link StringCoder.write} is faster than the loop of the writer. */
  readonly writesFrom: number
  /** Bytes from which on {@link StringCoder.read} is faster than the loops of the reader. */
  readonly readsFrom: number
  /**
   * Writes `text` at `at`; at least 3 bytes per code unit are free there. Returns how many bytes it wrote: as many as there are code units only if all are ASCII. What it writes for a lone
   * surrogate does not matter.
   */
  write(text: string, bytes: Uint8Array, at: number): number
  /** Reads UTF-8. What is not UTF-8 becomes U+FFFD: never throws for its content. */
  read(bytes: Uint8Array, start: number, end: number): string
}

function writeUtf8(text: string, bytes: Uint8Array, at: number): number {
  const start = at
  const length = text.length
  let i = 0
  for (; i < length; i++) {
    const unit = charCodeAt(text, i)
    if (unit > 0x7f) break
    bytes[at++] = unit
  }
  for (; i < length; i++) {
    const unit = charCodeAt(text, i)
    if (unit < 0x80) bytes[at++] = unit
    else if (unit < 0x800) {
      bytes[at++] = 0xc0 | (unit >> 6)
      bytes[at++] = 0x80 | (unit & 0x3f)
    } else if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < length) {
      const point = ((unit - 0xd7c0) << 10) + (charCodeAt(text, ++i) - 0xdc00)
      bytes[at++] = 0xf0 | (point >> 18)
      bytes[at++] = 0x80 | ((point >> 12) & 0x3f)
      bytes[at++] = 0x80 | ((point >> 6) & 0x3f)
      bytes[at++] = 0x80 | (point & 0x3f)
    } else {
      bytes[at++] = 0xe0 | (unit >> 12)
      bytes[at++] = 0x80 | ((unit >> 6) & 0x3f)
      bytes[at++] = 0x80 | (unit & 0x3f)
    }
  }
  return at - start
}

export const plainStringCoder: StringCoder = { writesFrom: 256, readsFrom: LONGEST_FLAT + 1, write: writeUtf8, read: readUtf8 }
