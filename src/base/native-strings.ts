/** Methods of Buffer that take any bytes. Its public ones would need a Buffer made for each call, which costs more than the work. */
interface NativeMethods {
  readonly utf8Write: (this: Uint8Array, text: string, at: number, maxBytes: number) => number
  readonly utf8Slice: (this: Uint8Array, start: number, end: number) => string
}

const { utf8Write, utf8Slice } = Buffer.prototype as unknown as NativeMethods

/** Node's own UTF-8 coder, for texts that are too long for a loop in JavaScript. Shaped as the protocol's StringCoder. */
export const nativeStrings = {
  // Where a call into native code begins to cost less than the loop.
  writesFrom: 17,
  readsFrom: 25,
  write: (text: string, bytes: Uint8Array, at: number): number => utf8Write.call(bytes, text, at, bytes.length - at),
  read: (bytes: Uint8Array, start: number, end: number): string => utf8Slice.call(bytes, start, end),
}
