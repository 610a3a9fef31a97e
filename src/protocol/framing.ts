/**
 * Every link carries frames: a big-endian u32 with the number of bytes that follow, then one MessagePack value.
 * Pure: bytes in, frames out.
 */
export const FRAME_HEADER_BYTES = 4

/** A frame announced more bytes than the link allows, or none at all. The link is beyond repair. */
export class FramingError extends Error {
  override readonly name = 'FramingError'
}

/** Called with the range of one whole frame. The bytes are only valid during the call. */
export type FrameListener = (bytes: Uint8Array, start: number, end: number) => void

/**
 * Cuts a stream of chunks into frames. A frame that arrives in one chunk is handed on in place, without a copy.
 * The length is checked before anything is allocated, and a buffer for a partial frame grows with the bytes that
 * really arrived, never with what the peer announced.
 */
export class FrameSplitter {
  /** Bytes that a frame may have. May be changed while a frame is handed on: it holds for the next, even in the same chunk. */
  maxFrameBytes: number
  readonly #onFrame: FrameListener
  /** The start of a frame that is not complete yet, its header included. */
  #partial: Uint8Array = new Uint8Array(0)
  #filled = 0

  constructor(maxFrameBytes: number, onFrame: FrameListener) {
    this.maxFrameBytes = maxFrameBytes
    this.#onFrame = onFrame
  }

  /** Bytes of an unfinished frame that wait here. */
  get pendingBytes(): number {
    return this.#filled
  }

  push(chunk: Uint8Array): void {
    let at = this.#filled === 0 ? 0 : this.#complete(chunk)
    while (at >= 0) {
      const left = chunk.length - at
      if (left < FRAME_HEADER_BYTES) break
      const length = this.#lengthAt(chunk, at)
      if (left - FRAME_HEADER_BYTES < length) break
      const start = at + FRAME_HEADER_BYTES
      at = start + length
      this.#onFrame(chunk, start, at)
    }
    if (at >= 0 && at < chunk.length) this.#keep(chunk, at, chunk.length)
  }

  /** Finishes the partial frame from the head of `chunk`; the index after what it took, or -1 if it took all and wants more. */
  #complete(chunk: Uint8Array): number {
    let at = 0
    if (this.#filled < FRAME_HEADER_BYTES) {
      at = Math.min(FRAME_HEADER_BYTES - this.#filled, chunk.length)
      this.#keep(chunk, 0, at)
      if (this.#filled < FRAME_HEADER_BYTES) return -1
    }
    const whole = FRAME_HEADER_BYTES + this.#lengthAt(this.#partial, 0)
    const wanted = Math.min(whole - this.#filled, chunk.length - at)
    this.#keep(chunk, at, at + wanted)
    if (this.#filled < whole) return -1
    const frame = this.#partial
    this.#filled = 0
    if (frame.length > KEPT_BUFFER_BYTES) this.#partial = new Uint8Array(0)
    this.#onFrame(frame, FRAME_HEADER_BYTES, whole)
    return at + wanted
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    const length = readU32(bytes, at)
    if (length === 0) throw new FramingError('a frame of no bytes')
    if (length > this.maxFrameBytes) {
      throw new FramingError(`a frame of ${length} bytes, over the cap of ${this.maxFrameBytes}`)
    }
    return length
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const needed = this.#filled + to - from
    if (needed > this.#partial.length) {
      const cap = this.maxFrameBytes + FRAME_HEADER_BYTES
      const grown = new Uint8Array(Math.min(cap, Math.max(needed, this.#partial.length * 2, SMALLEST_BUFFER_BYTES)))
      grown.set(this.#partial.subarray(0, this.#filled))
      this.#partial = grown
    }
    this.#partial.set(chunk.subarray(from, to), this.#filled)
    this.#filled = needed
  }
}

/** First buffer for a partial frame: one page. */
const SMALLEST_BUFFER_BYTES = 4096
/** A larger buffer is given back after its frame, so that one large frame does not pin memory for the life of a link. */
const KEPT_BUFFER_BYTES = 256 * 1024

function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) * 0x1000000 +
      (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))) >>>
    0
  )
}
