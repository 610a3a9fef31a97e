import { charCodeAt } from '../msgpack/intrinsics.ts'

/** The largest array index is 2^32 - 2. */
const MAX_INDEX = 4294967294

/** The array index that a property key stands for, or -1: '0' and '17', not '017', '1.5' or '4294967295'. */
export function arrayIndex(key: string): number {
  const length = key.length
  if (length === 0 || length > 10) return -1
  let index = 0
  for (let i = 0; i < length; i++) {
    const digit = charCodeAt(key, i) - 0x30
    if (digit < 0 || digit > 9 || (digit === 0 && i === 0 && length > 1)) return -1
    index = index * 10 + digit
  }
  return index > MAX_INDEX ? -1 : index
}
