import { connect, type Socket } from 'node:net'
import { errorCode, errorMessage } from '../base/error.ts'
import { FrameSplitter } from '../protocol/framing.ts'
/** Node reads into this buffer again and again. */
const READ_BUFFER_BYTES = 64 * 1024

interface SocketEvents {
  /** A frame, whose bytes do not outlive the call. */
  readonly frame: (bytes: Uint8Array, start: number, end: number) => void
  /** What came is no frame, or `frame` threw. */
  readonly broken: (reason: string) => void
  /** Called once. */
  readonly closed: () => void
}

/** The connection to a worker's socket, in frames. */
export class ChannelSocket {
  readonly #socket: Socket
  readonly #events: SocketEvents
  #isClosed = false
  #isBroken = false

  /** @param maxFrameBytes what a worker may send as one frame */
  constructor(path: string, maxFrameBytes: number, events: SocketEvents) {
    this.#events = events
    const splitter = new FrameSplitter(maxFrameBytes, events.frame)
    const receive = (chunk: Uint8Array): void => {
      try {
        splitter.push(chunk)
      } catch (error) {
        events.broken(errorMessage(error))
      }
    }
    this.#socket = connect({
      path,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
        callback: (size, buffer) => {
          receive(buffer.subarray(0, size))
          return true
        },
      },
    })
    this.#socket.on('error', (error) => {
      const code = errorCode(error)
      this.#isBroken = code === 'ECONNRESET' || code === 'EPIPE'
      this.#close()
    })
    this.#socket.on('close', () => this.#close())
  }

  /** Whether `closed` was called. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether what is written leaves. It does not any more when the end was read, a turn before Node closes the socket. */
  get isWritable(): boolean {
    return this.#socket.writable
  }

  /** Whether the worker's end was closed before all was read that was written here: the kernel says so, and not the worker (unix(7): ECONNRESET, EPIPE). */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Bytes that the worker has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength
  }

  /** Nothing happens once it has ended. */
  write(bytes: Uint8Array): void {
    if (this.isWritable) this.#socket.write(bytes)
  }

  /** Whether it keeps the process alive: while there are calls to answer. */
  keepAlive(isNeeded: boolean): void {
    if (isNeeded) this.#socket.ref()
    else this.#socket.unref()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#events.closed()
  }
}
