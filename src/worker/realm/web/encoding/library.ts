export { decodeChunk, TextDecoder } from './text-decoder.ts'
export { TextEncoder } from './text-encoder.ts'
export { Utf8Decoder } from './utf8-decoder.ts'
export { encodeUtf8 } from './utf8-encoder.ts'
