import { MsgpackReader } from '../../src/protocol/msgpack/reader.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack/writer.ts'
import { readValue } from '../../src/protocol/values/value-decoder.ts'
import { writeValue } from '../../src/protocol/values/value-encoder.ts'
import type { ReadValueOptions, WriteValueOptions } from '../../src/protocol/values/value-options.ts'

export function encode(value: unknown, options?: WriteValueOptions & { maxBytes?: number }): Uint8Array {
  const writer = new MsgpackWriter({ maxBytes: options?.maxBytes ?? 1 << 28 })
  writeValue(writer, value, options)
  return writer.view()
}

export function decode(bytes: Uint8Array, options?: ReadValueOptions): unknown {
  const reader = new MsgpackReader(bytes)
  const value = readValue(reader, options)
  reader.finish()
  return value
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
export const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
