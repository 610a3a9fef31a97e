import type { Libc } from '../base/libc.ts'

export const BLOCKING_SOCKET_FUNCTIONS = {
  ppoll: { arguments: ['pointer', 'uint64', 'pointer', 'pointer'], return: 'int32' },
  read: { arguments: ['int32', 'pointer', 'uint64'], return: 'int64' },
  write: { arguments: ['int32', 'pointer', 'uint64'], return: 'int64' },
} as const

/** poll(2) events. */
const POLLIN = 1
const POLLOUT = 4
/** Buffers have fixed addresses: once the permission is dropped, nobody is told another. */
const BUFFER_BYTES = 64 * 1024
const BUFFER_LENGTH = BigInt(BUFFER_BYTES)
/** How long to try before going to sleep, in milliseconds. */
const SPIN_MS = 0.03
/** Longest single wait in the kernel, in milliseconds: a signal that another thread took does not wake this one. */
const SLICE_MS = 1_000

/**
 * Reads and writes a socket without the event loop, which stands still while a guest waits for a synchronous host call. The descriptor stays non-blocking, as the event loop wants it; ppoll(2)
 * waits, and no longer than the deadline.
 */
export class BlockingSocket {
  readonly #libc: Libc<keyof typeof BLOCKING_SOCKET_FUNCTIONS>
  readonly #buffer = new Uint8Array(BUFFER_BYTES)
  readonly #bufferAddress: bigint
  readonly #outgoing = new Uint8Array(BUFFER_BYTES)
  readonly #outgoingAddress: bigint
  /** struct pollfd: descriptor, then events and revents as 16-bit numbers. Larger than it need be: small arrays have no address of their own. */
  readonly #poll = new Int32Array(64)
  readonly #pollAddress: bigint
  /** struct timespec: seconds and nanoseconds, as pairs of 32-bit words. */
  readonly #time = new Int32Array(64)
  readonly #timeAddress: bigint

  constructor(libc: Libc<keyof typeof BLOCKING_SOCKET_FUNCTIONS>) {
    this.#libc = libc
    this.#bufferAddress = libc.addressOf(this.#buffer)
    this.#outgoingAddress = libc.addressOf(this.#outgoing)
    this.#pollAddress = libc.addressOf(this.#poll)
    this.#timeAddress = libc.addressOf(this.#time)
  }

  /**
   * The next bytes, valid until the next call; `undefined` if none came before `deadlineMs` (of `performance.now()`), or this time round; 'closed' if none will.
   */
  read(fd: number, deadlineMs: number): Uint8Array | undefined | 'closed' {
    let count = this.#tryForAWhile(fd)
    if (count > 0) return this.#buffer.subarray(0, count)
    if (!this.#wait(fd, POLLIN, deadlineMs)) return undefined
    count = this.#tryRead(fd)
    if (count > 0) return this.#buffer.subarray(0, count)
    // Negative after poll said that there is something: a signal came in between, or the connection broke, which the next round tells.
    return count === 0 || this.#broken() ? 'closed' : undefined
  }

  /** A client that is awake answers in less time than it takes to sleep and be woken. */
  #tryForAWhile(fd: number): number {
    const untilMs = performance.now() + SPIN_MS
    let count: number
    do count = this.#tryRead(fd)
    while (count < 0 && performance.now() < untilMs)
    return count
  }

  #tryRead(fd: number): number {
    return Number(this.#libc.functions.read(fd, this.#bufferAddress, BUFFER_LENGTH))
  }

  /** How many of the bytes were taken at once: 0 if none. */
  tryWrite(fd: number, bytes: Uint8Array): number {
    return Math.max(0, this.#write(fd, this.#fill(bytes)))
  }

  /** How many of the bytes were taken before `deadlineMs`: 0 if none, as when the connection is gone. */
  write(fd: number, bytes: Uint8Array, deadlineMs: number): number {
    const length = this.#fill(bytes)
    for (;;) {
      const count = this.#write(fd, length)
      if (count > 0) return count
      if (!this.#wait(fd, POLLOUT, deadlineMs) && performance.now() >= deadlineMs) return 0
      if (this.#broken()) return 0
    }
  }

  #fill(bytes: Uint8Array): number {
    const length = Math.min(bytes.length, BUFFER_BYTES)
    this.#outgoing.set(length === bytes.length ? bytes : bytes.subarray(0, length))
    return length
  }

  #write(fd: number, length: number): number {
    return Number(this.#libc.functions.write(fd, this.#outgoingAddress, BigInt(length)))
  }

  /** Whether it is ready. */
  #wait(fd: number, events: number, deadlineMs: number): boolean {
    const ms = Math.min(SLICE_MS, deadlineMs - performance.now())
    if (ms <= 0) return false
    this.#poll[0] = fd
    this.#poll[1] = events
    const seconds = Math.floor(ms / 1000)
    this.#time[0] = seconds
    this.#time[2] = Math.floor((ms - seconds * 1000) * 1e6)
    return Number(this.#libc.functions.ppoll(this.#pollAddress, 1n, this.#timeAddress, 0n)) > 0
  }

  /** POLLERR, POLLHUP or POLLNVAL, without anything left to read. */
  #broken(): boolean {
    const revents = (this.#poll[1] as number) >>> 16
    return (revents & 0x38) !== 0 && (revents & POLLIN) === 0
  }
}
