/** Decodes the bytes of a stream piece by piece, https://encoding.spec.whatwg.org/#decoder. */
export interface Decoder {
  /**
   * The text of the next bytes. `last` says that none follow: what is incomplete then is an error, and the decoder is as new.
   * An error becomes U+FFFD or, in a fatal decoder, a TypeError.
   */
  decode(bytes: Uint8Array, last: boolean): string
}

export const REPLACEMENT = 0xfffd

export function invalid(encoding: string): TypeError {
  return new TypeError(`The encoded data was not valid for encoding ${encoding}`)
}
