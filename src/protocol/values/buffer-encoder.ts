import {
  bufferByteLength,
  bufferDetached,
  bufferMaxByteLength,
  bufferResizable,
  bufferResize,
  Bytes,
  dataViewBuffer,
  dataViewByteLength,
  dataViewOffset,
  getPrototypeOf,
  hasOwn,
  mapGet,
  typedArrayBuffer,
  typedArrayByteLength,
  typedArrayAt,
  typedArrayLength,
  typedArrayOffset,
  typedArraySet,
} from '../msgpack/intrinsics.ts'
import { viewName } from './brand.ts'
import type { ValueEncoder } from './value-encoder.ts'
import { MAX_RESERVED_BYTES } from './value-options.ts'
import { type ViewClass, viewClassOfName, viewClassOfPrototype } from './view-classes.ts'
import { KIND_BUFFER, KIND_RESIZABLE_BUFFER, KIND_VIEW } from './wire-kinds.ts'

const OUTSIDE = 'a view that lies outside of its buffer cannot cross'
const RESIZED = 'a view of an ArrayBuffer that was resized while the value was read cannot cross'
const toStringTag: symbol = Symbol.toStringTag

/** An ArrayBuffer that has its index already. No foreign code runs in here, so what was checked stays true. */
export function writeBuffer(encoder: ValueEncoder, buffer: object, depth: number): void {
  if (bufferDetached(buffer)) encoder.fail('ERR_VALUE_UNSUPPORTED', 'a detached ArrayBuffer cannot cross', depth)
  const size = bufferByteLength(buffer)
  const bytes = new Bytes(buffer as ArrayBuffer, 0, size)
  if (!bufferResizable(buffer)) {
    encoder.tag(KIND_BUFFER, 1)
    encoder.writer.bin(bytes, size)
    return
  }
  const max = bufferMaxByteLength(buffer)
  encoder.reserved += max
  if (encoder.reserved > MAX_RESERVED_BYTES)
    encoder.fail('ERR_VALUE_TOO_LARGE', `resizable buffers of more than ${MAX_RESERVED_BYTES} bytes at their maximum`, depth)
  encoder.resizable(buffer, size)
  encoder.tag(KIND_RESIZABLE_BUFFER, 2)
  encoder.writer.bin(bytes, size)
  encoder.writer.int(max)
}

/**
 * A typed array or DataView that has its index already.
 *
 * A view whose class is the language's own crosses with its whole buffer, as in structuredClone, so that views of one buffer stay views of one
 * buffer. An instance of a subclass crosses as its own bytes only: Node's Buffer is one, and the rest of its buffer is a pool that holds
 * other people's data.
 */
export function writeView(encoder: ValueEncoder, view: object, proto: object, depth: number): void {
  const name = viewName(view)
  const viewClass = name === undefined ? undefined : mapGet(viewClassOfName, name)
  if (viewClass === undefined) encoder.fail('ERR_VALUE_UNSUPPORTED', OUTSIDE, depth)
  const isDataView = viewClass.type === 0
  const buffer = isDataView ? dataViewBuffer(view) : typedArrayBuffer(view)
  if (!isArrayBuffer(buffer)) encoder.fail('ERR_VALUE_UNSUPPORTED', 'a view of a SharedArrayBuffer cannot cross', depth)
  if (bufferDetached(buffer)) encoder.fail('ERR_VALUE_UNSUPPORTED', 'a view of a detached ArrayBuffer cannot cross', depth)
  const offset = isDataView ? dataViewOffset(view) : typedArrayOffset(view)
  const size = isDataView ? dataViewByteLength(view) : typedArrayByteLength(view)
  const length = isDataView ? size : typedArrayLength(view)
  if (!isDataView && isOutside(view, length)) encoder.fail('ERR_VALUE_UNSUPPORTED', OUTSIDE, depth)
  const writer = encoder.writer

  if (!isOwnClass(proto, viewClass)) {
    const window = new Bytes(buffer, offset, size)
    if (viewClass.name === 'Uint8Array') writer.bin(window, size)
    else {
      if (depth + 1 >= encoder.maxDepth) tooDeep(encoder, depth)
      encoder.tag(KIND_VIEW, 4)
      writer.int(viewClass.type)
      encoder.anonymous()
      encoder.tag(KIND_BUFFER, 1)
      writer.bin(window, size)
      writer.int(0)
      writer.int(length)
    }
    return
  }
  const resizable = bufferResizable(buffer)
  // A getter may have had it grow since it was written.
  if (resizable && offset + size > encoder.sizeWritten(buffer)) encoder.fail('ERR_VALUE_UNSUPPORTED', RESIZED, depth)
  const tracks = resizable && isTracking(view, isDataView, buffer, offset, size, viewClass.elementSize)
  encoder.tag(KIND_VIEW, 4)
  writer.int(viewClass.type)
  if (!encoder.reference(buffer)) {
    if (depth + 1 >= encoder.maxDepth) tooDeep(encoder, depth)
    writeBuffer(encoder, buffer, depth)
  }
  writer.int(offset)
  if (tracks) writer.nil()
  else writer.int(length)
}

/** A view is a level of nesting and its buffer another one. */
function tooDeep(encoder: ValueEncoder, depth: number): never {
  encoder.tooDeep(`nested deeper than the limit of ${encoder.maxDepth} with its buffer`, depth)
}

export function isArrayBuffer(buffer: object): boolean {
  try {
    bufferByteLength(buffer)
    return true
  } catch {
    return false
  }
}

/** Whether `proto` is the prototype of a view class of this realm or another, not of a subclass. */
function isOwnClass(proto: object, view: ViewClass): boolean {
  if (mapGet(viewClassOfPrototype, proto) !== undefined) return true
  if (view.type === 0) return hasOwn(proto, 'getInt8')
  const parent = getPrototypeOf(proto)
  return parent !== null && hasOwn(parent, toStringTag)
}

/**
 * A typed array that a resize left outside of its buffer reports offset and length 0, exactly as an empty one at the start does; only
 * methods that check tell them apart, by throwing.
 */
export function isOutside(view: object, length: number): boolean {
  if (length > 0) return false
  try {
    typedArrayAt(view, 0)
    return false
  } catch {
    return true
  }
}

/**
 * Whether the length of a view follows that of its buffer. The language has no way to ask, so the buffer is resized for a moment and put
 * back as it was; no other code can run meanwhile.
 */
export function isTracking(
  view: object,
  isDataView: boolean,
  buffer: ArrayBuffer,
  offset: number,
  size: number,
  elementSize: number,
): boolean {
  const total = bufferByteLength(buffer)
  if (total - offset - size >= elementSize) return false
  const max = bufferMaxByteLength(buffer)
  const sizeNow = isDataView ? dataViewByteLength : typedArrayByteLength
  if (max - total >= elementSize) {
    bufferResize(buffer, total + elementSize)
    const tracks = sizeNow(view) !== size
    bufferResize(buffer, total)
    return tracks
  }
  if (size === 0) return false
  // No room to grow: shrink to just below the end of the view, and put the bytes that were cut off back.
  const cut = offset + size - 1
  const tail = new Bytes(total - cut)
  typedArraySet(tail, new Bytes(buffer, cut, total - cut), 0)
  bufferResize(buffer, cut)
  // A fixed view is outside now: its offset reads 0 (a DataView's length throws). An empty one at offset 0 counts as tracking.
  const tracks = isDataView
    ? viewName(view) !== undefined
    : typedArrayOffset(view) === offset && (offset > 0 || sizeNow(view) > 0 || size === elementSize)
  bufferResize(buffer, total)
  typedArraySet(new Bytes(buffer, cut, total - cut), tail, 0)
  return tracks
}
