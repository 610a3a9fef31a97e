import { CodecError, malformed } from '../msgpack/codec-error.ts'
import {
  ArrayBufferOf,
  bufferByteLength,
  bufferResizable,
  Bytes,
  typedArrayBuffer,
  typedArrayLength,
  typedArraySet,
} from '../msgpack/intrinsics.ts'
import type { ValueDecoder } from './value-decoder.ts'
import { MAX_RESERVED_BYTES } from './value-options.ts'
import { viewClasses } from './view-classes.ts'
import { VIEW_NAMES } from './wire-kinds.ts'

export function readBuffer(decoder: ValueDecoder): ArrayBuffer {
  const source = decoder.reader.bin()
  return decoder.add(typedArrayBuffer(new Bytes(source)))
}

export function readResizableBuffer(decoder: ValueDecoder): ArrayBuffer {
  const source = decoder.reader.bin()
  const size = typedArrayLength(source)
  const max = decoder.reader.int()
  if (max < size) throw malformed(`a buffer of ${size} bytes with a maximum of ${max}`)
  decoder.reserved += max
  if (decoder.reserved > MAX_RESERVED_BYTES)
    throw new CodecError('ERR_VALUE_TOO_LARGE', `resizable buffers of more than ${MAX_RESERVED_BYTES} bytes at their maximum`)
  const buffer = new ArrayBufferOf(size, { __proto__: null, maxByteLength: max } as { maxByteLength: number })
  typedArraySet(new Bytes(buffer), source, 0)
  return decoder.add(buffer)
}

export function readView(decoder: ValueDecoder, depth: number, owed: number): ArrayBufferView {
  const reader = decoder.reader
  const slot = decoder.slot()
  const type = reader.uint32(VIEW_NAMES.length - 1)
  const view = viewClasses[type]
  if (view === undefined) throw new CodecError('ERR_VALUE_UNSUPPORTED', `a ${VIEW_NAMES[type]}, which this runtime does not have`)
  const buffer = decoder.any(depth, owed + 2)
  const total = byteLength(buffer)
  const offset = reader.uint32(total)
  if (offset % view.elementSize !== 0) throw malformed(`a ${view.name} at the byte ${offset}`)
  if (reader.nil()) {
    if (!bufferResizable(buffer as ArrayBuffer)) throw malformed('a tracking view of a fixed buffer')
    return decoder.fill(slot, new view.construct(buffer as ArrayBuffer, offset))
  }
  const length = reader.uint32(total)
  if (offset + length * view.elementSize > total) throw malformed(`a ${view.name} of ${length} beyond its buffer of ${total} bytes`)
  return decoder.fill(slot, new view.construct(buffer as ArrayBuffer, offset, length))
}

function byteLength(buffer: unknown): number {
  try {
    return bufferByteLength(buffer as object)
  } catch {
    throw malformed('a view of something that is no ArrayBuffer')
  }
}
