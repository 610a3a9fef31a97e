import { hasOwn, objectKeys, StringOf } from '../msgpack/intrinsics.ts'
import { arrayIndex } from './array-index.ts'
import type { ValueEncoder } from './value-encoder.ts'
import { STEP_KEY } from './value-path.ts'
import { KIND_ARRAY } from './wire-kinds.ts'

/**
 * Elements of an array whose keys are listed to see whether it has further properties. A longer one crosses without them if it has no holes: the list would have 32 bytes for each
 * element, and so exhaust the heap of a worker before `maxItems` is reached.
 */
const LONGEST_LISTED = 1 << 20

/** An array that has its number already. */
export function writeArray(encoder: ValueEncoder, value: unknown[], depth: number): void {
  const length = value.length
  if (length > LONGEST_LISTED && isDense(encoder, value, length, depth)) {
    writeElements(encoder, value, length, depth)
    return
  }
  // The keys tell in one go whether there are holes or further properties: a hole makes them fewer, a property comes last.
  const keys = objectKeys(value)
  if (keys.length === length && (length === 0 || keys[length - 1] === StringOf(length - 1))) writeElements(encoder, value, length, depth)
  else writeSparseArray(encoder, value, keys, length, depth)
}

/** Whether an array has no holes, found without a list of its keys, which would take several times its memory. */
function isDense(encoder: ValueEncoder, value: unknown[], length: number, depth: number): boolean {
  let index = 0
  // Stops as soon as there are too many.
  const most = encoder.itemsLeft + 1
  while (index < length && hasOwn(value, index)) if (++index > most) encoder.count(index, depth)
  return index === length
}

function writeElements(encoder: ValueEncoder, value: unknown[], length: number, depth: number): void {
  encoder.count(length, depth)
  const writer = encoder.writer
  writer.arrayHeader(length)
  for (let i = 0; i < length; i++) {
    const item = value[i]
    if (typeof item === 'number') writer.number(item)
    else if (typeof item === 'string') writer.string(item)
    else encoder.child(item, depth, STEP_KEY, i)
  }
}

/** The elements up to the first hole, then every other property by its key. */
function writeSparseArray(encoder: ValueEncoder, value: unknown[], keys: string[], length: number, depth: number): void {
  // A Proxy of an array may have any length.
  const size = typeof length === 'number' && length === length >>> 0 ? length : 0
  let dense = 0
  while (dense < keys.length && dense < size && keys[dense] === StringOf(dense)) dense++
  encoder.tag(KIND_ARRAY, 3)
  const writer = encoder.writer
  writer.int(size)
  writeElements(encoder, value, dense, depth)
  let count = 0
  for (let i = dense; i < keys.length; i++) if (fits(keys[i] as string, size)) count++
  encoder.count(count, depth)
  writer.mapHeader(count)
  for (let i = dense; i < keys.length; i++) {
    const key = keys[i] as string
    if (!fits(key, size)) continue
    const index = arrayIndex(key)
    if (index < 0) writer.string(key)
    else writer.int(index)
    encoder.child((value as unknown as Record<string, unknown>)[key], depth, STEP_KEY, index < 0 ? key : index)
  }
}

/** Only a Proxy has an index at or beyond its length, or an enumerable length. */
const fits = (key: string, length: number): boolean => key !== 'length' && arrayIndex(key) < length
