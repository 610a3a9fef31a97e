import { Bytes, charCodeAt, slice } from '../captured.ts'
import { use } from '../context.ts'
import { defineInterface, toDictionary, toDOMString } from '../idl.ts'
import { bytesOf } from './buffer-source.ts'
import type { Decoder } from './decoder.ts'
import { encodingOf } from './labels.ts'
import { Utf16Decoder } from './utf16-decoder.ts'
import { Utf8Decoder } from './utf8-decoder.ts'
import { windows1252Decoder } from './windows-1252-decoder.ts'

const BYTE_ORDER_MARK = 0xfeff

/** `decode` of a decoder, whatever a guest made of the method. */
export let decodeChunk: (decoder: TextDecoder, input: unknown, stream: boolean) => string

/** https://encoding.spec.whatwg.org/#interface-textdecoder */
export class TextDecoder {
  readonly #encoding: string
  readonly #fatal: boolean
  readonly #ignoreBOM: boolean
  #decoder: Decoder | undefined
  /** Whether the stream may still begin with a byte order mark that is to be left out. */
  #mayHaveMark = true
  /** Whether the last call said that more follows. */
  #streaming = false
  static {
    decodeChunk = (decoder, input, stream) => decoder.#decode(input, stream)
  }

  constructor(label: unknown = 'utf-8', options: unknown = undefined) {
    const text = toDOMString(label)
    const members = toDictionary(options, 'TextDecoder options')
    this.#fatal = !!members?.['fatal']
    this.#ignoreBOM = !!members?.['ignoreBOM']
    const encoding = encodingOf(text)
    if (encoding === undefined) throw new RangeError(`The encoding label provided ('${text}') is invalid`)
    this.#encoding = encoding
  }

  get encoding(): string {
    return this.#encoding
  }
  get fatal(): boolean {
    return this.#fatal
  }
  get ignoreBOM(): boolean {
    return this.#ignoreBOM
  }

  decode(input: unknown = undefined, options: unknown = undefined): string {
    const stream = !!toDictionary(options, 'decode options')?.['stream']
    return this.#decode(input, stream)
  }

  #decode(input: unknown, stream: boolean): string {
    const bytes = input === undefined ? new Bytes(0) : bytesOf(input, 'the input of a TextDecoder')
    const decoder = (this.#streaming ? this.#decoder : undefined) ?? decoderFor(this.#encoding, this.#fatal)
    if (!this.#streaming) {
      this.#decoder = decoder
      this.#mayHaveMark = !this.#ignoreBOM && isUnicode(this.#encoding)
    }
    this.#streaming = stream
    const text = decoder.decode(bytes, !stream)
    if (!this.#mayHaveMark || text === '') return text
    this.#mayHaveMark = false
    return charCodeAt(text, 0) === BYTE_ORDER_MARK ? slice(text, 1) : text
  }
}

defineInterface(TextDecoder, 'TextDecoder')

const isUnicode = (encoding: string): boolean => encoding === 'utf-8' || encoding === 'utf-16le' || encoding === 'utf-16be'

function decoderFor(encoding: string, fatal: boolean): Decoder {
  switch (encoding) {
    case 'utf-8':
      return new Utf8Decoder(fatal)
    case 'utf-16le':
    case 'utf-16be':
      return new Utf16Decoder(encoding === 'utf-16be', fatal)
    case 'windows-1252':
      return windows1252Decoder
    default:
      return use('legacy-encodings').decoderFor(encoding, fatal)
  }
}
