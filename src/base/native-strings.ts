/** Node's own UTF-8 coder, for texts that are too long for a loop in JavaScript. Shaped as the protocol's StringCoder. */
export const nativeStrings = {
  write: (text: string, bytes: Uint8Array, at: number): number => asBuffer(bytes).write(text, at, 'utf8'),
  read: (bytes: Uint8Array, start: number, end: number): string => asBuffer(bytes).toString('utf8', start, end),
}

/** Buffer's methods on plain bytes. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
