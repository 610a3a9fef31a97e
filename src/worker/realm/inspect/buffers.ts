import {
  bufferByteLength,
  bufferDetached,
  Bytes,
  dataViewBuffer,
  dataViewByteLength,
  dataViewOffset,
  mapGet,
  typedArrayBuffer,
  typedArrayByteLength,
  typedArrayLength,
  typedArrayName,
  typedArrayOffset,
} from '../../../protocol/msgpack/intrinsics.ts'
import { viewClassOfName } from '../../../protocol/values/view-classes.ts'
import { spend } from './budget.ts'
import { type Inspection, remaining } from './inspection.ts'
import { min, sharedByteLength } from './intrinsics.ts'
import type { Kind } from './kind.ts'
import { type List, list } from './list.ts'
import { showPrimitive } from './text.ts'

const HEX = '0123456789abcdef'

export const byteLengthOf = (buffer: object, kind: Kind): number =>
  kind === 'shared buffer' && sharedByteLength !== undefined ? sharedByteLength(buffer) : bufferByteLength(buffer)

/** The first bytes of an ArrayBuffer or SharedArrayBuffer, and its length. */
export function showBuffer(inspection: Inspection, buffer: object, kind: Kind): List<string> {
  const entries: List<string> = list()
  entries[0] = spend(inspection.budget, bytesOf(inspection, buffer, kind))
  entries[1] = `[byteLength]: ${byteLengthOf(buffer, kind)}`
  return entries
}

function bytesOf(inspection: Inspection, buffer: object, kind: Kind): string {
  if (kind === 'buffer' && bufferDetached(buffer)) return '(detached)'
  const bytes = new Bytes(buffer as ArrayBuffer)
  const length = byteLengthOf(buffer, kind)
  const count = min(inspection.maxItems, length)
  let text = ''
  for (let i = 0; i < count; i++) {
    const byte = bytes[i] as number
    text += `${i === 0 ? '' : ' '}${HEX[byte >> 4] as string}${HEX[byte & 15] as string}`
  }
  if (length > count) text += ` ${remaining(length - count, 'byte')}`
  return `[Uint8Contents]: <${text}>`
}

export function showTypedArray(inspection: Inspection, view: object, depth: number): List<string> {
  const entries: List<string> = list()
  const length = typedArrayLength(view)
  const count = min(inspection.maxItems, length)
  for (let i = 0; i < count; i++) {
    entries[i] = spend(inspection.budget, showPrimitive(inspection, (view as Record<number, unknown>)[i]))
  }
  if (length > count) entries[count] = remaining(length - count)
  if (!inspection.hidden) return entries
  add(entries, 'BYTES_PER_ELEMENT', mapGet(viewClassOfName, typedArrayName(view) as string)?.elementSize ?? 1)
  add(entries, 'length', length)
  add(entries, 'byteLength', typedArrayByteLength(view))
  add(entries, 'byteOffset', typedArrayOffset(view))
  addBuffer(inspection, entries, typedArrayBuffer(view), depth, true)
  return entries
}

export function showDataView(inspection: Inspection, view: object, depth: number): List<string> {
  const entries: List<string> = list()
  let byteLength = 0
  let byteOffset = 0
  try {
    byteLength = dataViewByteLength(view)
    byteOffset = dataViewOffset(view)
  } catch {
    // It lies outside of its buffer, which was resized or transferred.
  }
  add(entries, 'byteLength', byteLength)
  add(entries, 'byteOffset', byteOffset)
  addBuffer(inspection, entries, dataViewBuffer(view), depth, false)
  return entries
}

function add(entries: List<string>, name: string, value: number): void {
  entries[entries.length] = `[${name}]: ${value}`
}

function addBuffer(inspection: Inspection, entries: List<string>, buffer: ArrayBuffer, depth: number, inView: boolean): void {
  inspection.indentation += 2
  entries[entries.length] = `[buffer]: ${inspection.show(inspection, buffer, depth, inView)}`
  inspection.indentation -= 2
}
