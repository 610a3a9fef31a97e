/** The web globals of a guest, but for timers and `console`. */
export const WEB_NAMES: readonly string[] = `AbortController AbortSignal ByteLengthQueuingStrategy CountQueuingStrategy Crypto CustomEvent
  DOMException ErrorEvent Event EventTarget Performance QuotaExceededError ReadableByteStreamController ReadableStream ReadableStreamBYOBReader
  ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader TextDecoder TextDecoderStream TextEncoder TextEncoderStream
  TransformStream TransformStreamDefaultController URL URLSearchParams WritableStream WritableStreamDefaultController WritableStreamDefaultWriter
  atob btoa crypto performance structuredClone`.split(/\s+/)
