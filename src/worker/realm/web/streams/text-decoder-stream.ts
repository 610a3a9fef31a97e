import { type ReadableStream, TransformStream, type WritableStream } from 'web-streams-polyfill'
import { use } from '../context.ts'
import { defineInterface } from '../idl.ts'
import { transformer } from './transformer.ts'

/** The attributes of a TextDecoder, under other names than its class: that is loaded with the first stream. */
interface Decoding {
  readonly encoding: string
  readonly fatal: boolean
  readonly ignoreBOM: boolean
}

/** https://encoding.spec.whatwg.org/#interface-textdecoderstream */
export class TextDecoderStream {
  readonly #decoding: Decoding
  readonly #transform: TransformStream<unknown, string>

  constructor(label: unknown = 'utf-8', options: unknown = undefined) {
    const { decodeChunk, TextDecoder } = use('encoding')
    const decoder = new TextDecoder(label, options)
    this.#decoding = decoder
    this.#transform = new TransformStream<unknown, string>(
      transformer<string>(
        (chunk) => decodeChunk(decoder, chunk, true),
        () => decodeChunk(decoder, undefined, false),
      ),
    )
  }

  get encoding(): string {
    return this.#decoding.encoding
  }
  get fatal(): boolean {
    return this.#decoding.fatal
  }
  get ignoreBOM(): boolean {
    return this.#decoding.ignoreBOM
  }
  get readable(): ReadableStream<string> {
    return this.#transform.readable
  }
  get writable(): WritableStream<unknown> {
    return this.#transform.writable
  }
}

defineInterface(TextDecoderStream, 'TextDecoderStream')
