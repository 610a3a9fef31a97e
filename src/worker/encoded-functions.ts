import { EXT_KIND, KIND_FUNCTION } from '../protocol/values/wire-kinds.ts'

/** How the head of each function begins, wherever it is in a value: the tag as an extension of one byte. */
const FUNCTION_HEAD = Buffer.from([0xd4, EXT_KIND, KIND_FUNCTION])

/** Whether a value that is still encoded may hold functions. */
export function mayHoldFunctions({ buffer, byteOffset, length }: Uint8Array): boolean {
  return length > 0 && Buffer.from(buffer, byteOffset, length).includes(FUNCTION_HEAD)
}
