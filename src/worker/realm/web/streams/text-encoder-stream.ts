import { type ReadableStream, TransformStream, type WritableStream } from 'web-streams-polyfill'
import { charCodeAt, slice } from '../captured.ts'
import { use } from '../context.ts'
import { defineInterface, toDOMString, toUSVString } from '../idl.ts'
import { transformer } from './transformer.ts'

/** https://encoding.spec.whatwg.org/#interface-textencoderstream */
export class TextEncoderStream {
  readonly #transform: TransformStream<unknown, Uint8Array>

  constructor() {
    const { encodeUtf8 } = use('encoding')
    /** The first half of a character whose second half may come with the next chunk. */
    let lead = ''
    this.#transform = new TransformStream<unknown, Uint8Array>(
      transformer<Uint8Array>(
        (chunk) => {
          const text = lead + toDOMString(chunk)
          const last = text === '' ? 0 : charCodeAt(text, text.length - 1)
          lead = last >= 0xd800 && last < 0xdc00 ? slice(text, -1) : ''
          return encodeUtf8(toUSVString(lead === '' ? text : slice(text, 0, -1)))
        },
        () => encodeUtf8(toUSVString(lead)),
      ),
    )
  }

  get encoding(): string {
    void this.#transform
    return 'utf-8'
  }
  get readable(): ReadableStream<Uint8Array> {
    return this.#transform.readable
  }
  get writable(): WritableStream<unknown> {
    return this.#transform.writable
  }
}

defineInterface(TextEncoderStream, 'TextEncoderStream')
