import { malformed } from '../msgpack/codec-error.ts'
import { BigIntOf, bigIntToString, charCodeAt } from '../msgpack/intrinsics.ts'
import type { MsgpackWriter } from '../msgpack/writer.ts'
import { MAX_BIGINT_BYTES } from './value-options.ts'
import { EXT_BIGINT } from './wire-kinds.ts'

/** Base 16 goes both ways in linear time, base 10 would not. */
const DIGITS = '0123456789abcdef'
const hexOfByte = (byte: number): string => (DIGITS[byte >> 4] as string) + (DIGITS[byte & 15] as string)

const nibble = (unit: number): number => (unit < 0x3a ? unit - 0x30 : unit - 0x57)

/** A sign byte (1 if negative) and the magnitude, big-endian, without leading zero bytes. False if it has more than MAX_BIGINT_BYTES. */
export function writeBigInt(writer: MsgpackWriter, value: bigint): boolean {
  const negative = value < 0n
  const hex = value === 0n ? '' : bigIntToString(negative ? -value : value, 16)
  const size = (hex.length + 1) >> 1
  if (size > MAX_BIGINT_BYTES) return false
  writer.extHeader(EXT_BIGINT, size + 1)
  const bytes = writer.bytes
  let at = writer.position
  bytes[at++] = negative ? 1 : 0
  let i = 0
  if (hex.length & 1) bytes[at++] = nibble(charCodeAt(hex, i++))
  for (; i < hex.length; i += 2) bytes[at++] = (nibble(charCodeAt(hex, i)) << 4) | nibble(charCodeAt(hex, i + 1))
  writer.position = at
  return true
}

/** Reads what `writeBigInt` wrote: `size` bytes with the sign. */
export function readBigInt(bytes: Uint8Array, at: number, size: number): bigint {
  if (size < 1 || size > MAX_BIGINT_BYTES + 1) throw malformed(`a bigint of ${size} bytes at ${at}`)
  const sign = bytes[at] as number
  if (sign > 1) throw malformed(`the sign ${sign} of a bigint at ${at}`)
  if (size === 1) return 0n
  let hex = '0x'
  for (let i = 1; i < size; i++) hex += hexOfByte(bytes[at + i] as number)
  const value = BigIntOf(hex)
  return sign ? -value : value
}
