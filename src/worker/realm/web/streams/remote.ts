import { ReadableStream, ReadableStreamDefaultReader } from 'web-streams-polyfill'
import type { StreamReader, StreamSource } from '../../../../protocol/remote/remote-platform.ts'
import { apply, getOwnPropertyDescriptor, setPrototypeOf } from '../captured.ts'

// As the library made them: a guest may put others in their place.
const { getReader } = ReadableStream.prototype
const { cancel, read, releaseLock } = ReadableStreamDefaultReader.prototype
const locked = getOwnPropertyDescriptor(ReadableStream.prototype, 'locked')?.get as () => boolean

/** Locks a stream that leaves the realm. */
export function lockStream(stream: object): StreamReader | 'locked' {
  if (apply(locked, stream, [])) return 'locked'
  const reader = apply(getReader, stream, []) as ReadableStreamDefaultReader
  return {
    read: () => apply(read, reader, []) as Promise<{ done: boolean; value: unknown }>,
    cancel: (reason) => apply(cancel, reader, [reason]),
    releaseLock: () => apply(releaseLock, reader, []),
  }
}

/** A stream that comes from elsewhere: nothing is asked for ahead. */
export function makeStream(source: StreamSource): object {
  setPrototypeOf(source, null)
  // @ts-expect-error without a prototype: a guest's Object.prototype must not add to it
  return new ReadableStream(source, { __proto__: null, highWaterMark: 0 })
}
