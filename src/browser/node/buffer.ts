/** What happy-dom uses of Node's Buffer: bytes that know texts. */
export class Buffer extends Uint8Array {
  static override from(source: unknown, encodingOrOffset?: unknown, length?: unknown): Buffer {
    if (typeof source === 'string') return bytesOf(encodingOrOffset === 'base64' ? decodeBase64(source) : new TextEncoder().encode(source))
    if (source instanceof ArrayBuffer) return new Buffer(source, encodingOrOffset as number | undefined, length as number | undefined)
    return bytesOf(new Uint8Array(source as ArrayLike<number>))
  }

  static alloc(size: number): Buffer {
    return new Buffer(size)
  }

  static isBuffer(value: unknown): value is Buffer {
    return value instanceof Buffer
  }

  static byteLength(text: string): number {
    return new TextEncoder().encode(text).length
  }

  static concat(parts: readonly Uint8Array[]): Buffer {
    const whole = new Buffer(parts.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }

  /** As Node's: the same memory. */
  override slice(start?: number, end?: number): Buffer {
    const { buffer, byteOffset, length } = this.subarray(start, end)
    return new Buffer(buffer, byteOffset, length)
  }

  override toString(encoding?: string): string {
    if (encoding === 'base64') return btoa(this.#binary())
    return encoding === 'binary' || encoding === 'latin1' ? this.#binary() : new TextDecoder().decode(this)
  }

  #binary(): string {
    let text = ''
    for (const byte of this) text += String.fromCharCode(byte)
    return text
  }
}

/** happy-dom asks whether something is Node's Blob. Nothing is. */
export const Blob = function (): void {}

function bytesOf(bytes: Uint8Array): Buffer {
  const copy = new Buffer(bytes.length)
  copy.set(bytes)
  return copy
}

function decodeBase64(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
