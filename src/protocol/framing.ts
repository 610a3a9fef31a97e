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
  #partial: Uint8Array = NO_BYTES
  #filled = 0
  /** The bytes at hand, and how far they are cut. */
  #chunk: Uint8Array = NO_BYTES
  #at = 0
  /** Chunks that listeners pushed while the one before was not cut yet. */
  readonly #waiting: Uint8Array[] = []

  constructor(maxFrameBytes: number, onFrame: FrameListener) {
    this.maxFrameBytes = maxFrameBytes
    this.#onFrame = onFrame
  }

  /** Bytes of an unfinished frame that wait here. */
  get pendingBytes(): number {
    return this.#filled
  }

  /**
   * Takes the next bytes of the stream. May be called again by the listener, for bytes that it read by itself meanwhile: what came before is cut first, so frames keep their order.
   */
  push(chunk: Uint8Array): void {
    const isBusy = this.#at < this.#chunk.length
    if (!isBusy && this.#waiting.length === 0) {
      this.#begin(chunk)
      return
    }
    this.#waiting.push(chunk)
    // The chunk that a listener further out is busy with.
    if (isBusy) this.#cut()
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#begin(next)
  }

  #begin(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#at = 0
    this.#cut()
  }

  /** Cuts what is left of the chunk; the rest of it, which is no whole frame, is kept. */
  #cut(): void {
    if (this.#filled > 0) this.#complete()
    for (;;) {
      const chunk = this.#chunk
      const left = chunk.length - this.#at
      if (left < FRAME_HEADER_BYTES) break
      const length = this.#lengthAt(chunk, this.#at)
      if (left - FRAME_HEADER_BYTES < length) break
      const start = this.#at + FRAME_HEADER_BYTES
      this.#at = start + length
      this.#onFrame(chunk, start, start + length)
    }
    if (this.#at < this.#chunk.length) this.#keep(this.#chunk.length)
    this.#chunk = NO_BYTES
    this.#at = 0
  }

  /** Finishes the partial frame from the head of the chunk, as far as that goes. */
  #complete(): void {
    if (this.#filled < FRAME_HEADER_BYTES) {
      this.#keep(Math.min(this.#chunk.length, this.#at + FRAME_HEADER_BYTES - this.#filled))
      if (this.#filled < FRAME_HEADER_BYTES) return
    }
    const whole = FRAME_HEADER_BYTES + this.#lengthAt(this.#partial, 0)
    this.#keep(Math.min(this.#chunk.length, this.#at + whole - this.#filled))
    if (this.#filled < whole) return
    const frame = this.#partial
    // Taken out of use: the listener may come back with more bytes.
    this.#partial = NO_BYTES
    this.#filled = 0
    this.#onFrame(frame, FRAME_HEADER_BYTES, whole)
    if (this.#partial.length === 0 && frame.length <= KEPT_BUFFER_BYTES) this.#partial = frame
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    const length = readU32(bytes, at)
    if (length === 0) throw new FramingError('a frame of no bytes')
    if (length > this.maxFrameBytes) {
      throw new FramingError(`a frame of ${length} bytes, over the cap of ${this.maxFrameBytes}`)
    }
    return length
  }

  /** Moves the bytes of the chunk up to `to` into the partial frame. */
  #keep(to: number): void {
    const needed = this.#filled + to - this.#at
    if (needed > this.#partial.length) {
      // Once it is known, the frame's own length bounds it; before, a header's worth is kept.
      const whole = this.#filled < FRAME_HEADER_BYTES ? SMALLEST_BUFFER_BYTES : FRAME_HEADER_BYTES + this.#lengthAt(this.#partial, 0)
      const grown = new Uint8Array(Math.max(needed, Math.min(whole, Math.max(this.#partial.length * GROWTH, SMALLEST_BUFFER_BYTES))))
      grown.set(this.#partial.subarray(0, this.#filled))
      this.#partial = grown
    }
    this.#partial.set(this.#chunk.subarray(this.#at, to), this.#filled)
    this.#filled = needed
    this.#at = to
  }
}

const NO_BYTES = new Uint8Array(0)
/** First buffer for a partial frame: one page. */
const SMALLEST_BUFFER_BYTES = 4096
/** How many times larger the next buffer is: what has arrived is copied from each to the next, and each is filled with zeros. */
const GROWTH = 4
/** A larger buffer is given back after its frame, so that one large frame does not pin memory for the life of a link. */
const KEPT_BUFFER_BYTES = 256 * 1024

function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) * 0x1000000 +
      (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))) >>>
    0
  )
}
