import {
  bufferByteLength,
  Bytes,
  dataViewBuffer,
  dataViewByteLength,
  dataViewOffset,
  isView,
  sharedByteLength,
  typedArrayBuffer,
  typedArrayByteLength,
  typedArrayName,
  typedArrayOffset,
} from '../captured.ts'
import { isObject } from '../idl.ts'

/** The bytes of an ArrayBuffer, a SharedArrayBuffer or a view of one, not copied. None if it is detached. Throws a TypeError for anything else. */
export function bytesOf(source: unknown, what: string): Uint8Array {
  if (isView(source)) {
    if (typedArrayName(source) !== undefined)
      return window(typedArrayBuffer(source), typedArrayOffset(source), typedArrayByteLength(source))
    // The getters of a DataView that lies outside of its buffer throw; it has no bytes.
    const size = attempt(dataViewByteLength, source)
    return size === undefined ? new Bytes(0) : window(dataViewBuffer(source), dataViewOffset(source), size)
  }
  if (isObject(source)) {
    const size = attempt(bufferByteLength, source) ?? attempt(sharedByteLength, source)
    if (size !== undefined) return window(source as ArrayBufferLike, 0, size)
  }
  throw new TypeError(`${what} must be an ArrayBuffer or a view of one`)
}

/** A detached buffer has no windows. */
const window = (buffer: ArrayBufferLike, offset: number, size: number): Uint8Array =>
  size === 0 ? new Bytes(0) : new Bytes(buffer, offset, size)

function attempt(read: (value: object) => number, value: object): number | undefined {
  try {
    return read(value)
  } catch {
    return undefined
  }
}
