import { nativeStrings } from '../base/native-strings.ts'
import { CodecError } from '../protocol/msgpack/codec-error.ts'
import { MsgpackReader } from '../protocol/msgpack/reader.ts'
import { ValueDecoder } from '../protocol/values/value-decoder.ts'
import { EXT_UNDEFINED } from '../protocol/values/wire-kinds.ts'
import { isPlainPrimitive } from './answers.ts'

const reader = new MsgpackReader(undefined, 0, 0, nativeStrings)
const decoder = new ValueDecoder()

/** What {@link readPrimitive} read. */
export let primitiveRead: unknown

/** Reads an encoded value into {@link primitiveRead}, if it is a primitive. False for all others, and for malformed bytes: the guest's realm finds out, and only that guest is told. */
export function readPrimitive(payload: Uint8Array): boolean {
  if (!looksPrimitive(payload)) return false
  reader.reset(payload, 0, payload.length)
  try {
    primitiveRead = decoder.read(reader)
    return isPlainPrimitive(primitiveRead)
  } catch (error) {
    if (error instanceof CodecError) return false
    throw error
  }
}

/** By the first bytes: not an array, a map, bytes or an extension other than `undefined`. */
function looksPrimitive(payload: Uint8Array): boolean {
  const type = payload[0] as number
  if (type >= 0x80 && type < 0xa0) return false
  if (type >= 0xc4 && type <= 0xc9) return false
  if (type >= 0xd4 && type <= 0xd8) return type === 0xd4 && payload[1] === EXT_UNDEFINED
  return type < 0xdc || type >= 0xe0
}
