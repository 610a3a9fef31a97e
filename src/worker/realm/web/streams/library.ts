import {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from 'web-streams-polyfill'
import { apply, getOwnPropertyDescriptor } from '../captured.ts'
import { notePrototype } from '../context.ts'

export {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
}
export { lockStream, makeStream } from './remote.ts'
export { TextDecoderStream } from './text-decoder-stream.ts'
export { TextEncoderStream } from './text-encoder-stream.ts'

// The library gives its classes the attributes of interfaces itself.
const classes = [
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
]
for (let i = 0; i < classes.length; i++) notePrototype((classes[i] as { readonly prototype: object }).prototype)
// An attribute of an earlier standard.
Reflect.deleteProperty(WritableStreamDefaultController.prototype, 'abortReason')

/** Whether an object is of the class, by its getter that throws for anything else. */
const brandCheck = (constructor: { readonly prototype: object }): ((value: object) => boolean) => {
  const locked = getOwnPropertyDescriptor(constructor.prototype, 'locked')?.get as () => unknown
  return (value) => {
    try {
      apply(locked, value, [])
      return true
    } catch {
      return false
    }
  }
}

export const isReadableStream = brandCheck(ReadableStream)
export const isWritableStream = brandCheck(WritableStream)
