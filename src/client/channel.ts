import { connect, type Socket } from 'node:net'
import { errorMessage } from '../base/error.ts'
import { nativeStrings } from '../base/native-strings.ts'
import { type ClientToWorker, clientToWorker, type WorkerToClient, workerToClient } from '../protocol/channel-link.ts'
import { errorCodeName } from '../protocol/error-codes.ts'
import { FrameSplitter } from '../protocol/framing.ts'
import { FRAME_OVERHEAD_BYTES, GRACE_MS, HELLO_TIMEOUT_MS, MAX_DEPTH, MAX_OUTPUT, MAX_SOURCE, TIMEOUT_MS } from '../protocol/limits.ts'
import { closeFrame } from '../protocol/link.ts'
import { CodecError } from '../protocol/msgpack/codec-error.ts'
import { MsgpackReader } from '../protocol/msgpack/reader.ts'
import { MsgpackWriter } from '../protocol/msgpack/writer.ts'
import { ValueDecoder } from '../protocol/values/value-decoder.ts'
import { ValueEncoder } from '../protocol/values/value-encoder.ts'
import { MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '../protocol/versions.ts'
import { Calls } from './calls.ts'
import type { Lease } from './control.ts'
import { ConnectionError, errorForCode, ProtocolError, TimeoutError, ValueError } from './errors.ts'
import { guestErrorOf } from './guest-error.ts'

/** Frames that a worker may send, in bytes: a value, or an error's text, and what goes with it. */
const MAX_FRAME_BYTES = MAX_OUTPUT.max + FRAME_OVERHEAD_BYTES
/** Requests gathered in one turn leave in writes of about this many bytes. */
const FLUSH_BYTES = 256 * 1024
/** Node reads into this buffer again and again. */
const READ_BUFFER_BYTES = 64 * 1024

/** How long a worker may be silent beyond the longest deadline of its pending calls before they are given up, in milliseconds. Runs of other clients may be ahead in its queue. */
const SILENCE_MS = 5_000
const LOOK_MS = 250

/** Marks a request without a payload. */
export const NO_PAYLOAD: unique symbol = Symbol('no payload')

type RequestHead = Exclude<ClientToWorker, { readonly type: 'hello' | 'cancel' }>
/** A request without its number, which the channel gives. */
export type Request = RequestHead extends infer Head ? (Head extends RequestHead ? Omit<Head, 'run'> : never) : never

export interface ChannelEvents {
  /** The worker sent something that no worker sends. */
  readonly distrust: (reason: string) => void
  /** The connection is gone; called once. The channel's calls wait until {@link Channel.fail} says why. */
  readonly closed: () => void
}

/** The client's connection to one worker. Everything that comes from it is HOSTILE: bounded, decoded by type, and one wrong byte ends the channel. */
export class Channel {
  readonly worker: number
  readonly number: number
  readonly #socket: Socket
  readonly #events: ChannelEvents
  readonly #calls = new Calls<unknown>()
  readonly #out = new MsgpackWriter({ maxBytes: 2 * (3 * MAX_SOURCE.max + FRAME_OVERHEAD_BYTES), strings: nativeStrings })
  readonly #reader = new MsgpackReader(undefined, 0, 0, nativeStrings)
  // Stacks of this process name its files, which are no business of a guest's.
  readonly #encoder = new ValueEncoder({ maxDepth: MAX_DEPTH.default, errorStacks: false })
  readonly #decoder = new ValueDecoder({ maxDepth: MAX_DEPTH.max })
  readonly #welcome = Promise.withResolvers<void>()
  /** The longest deadline among the calls since this channel was idle last, and when the worker last answered one. */
  #longestMs = 0
  #progressMs = 0
  #look: NodeJS.Timeout | undefined
  #contexts = 0
  #flushing = false
  #closed = false
  #cause: Error | undefined

  constructor(lease: Lease, path: string, events: ChannelEvents) {
    this.worker = lease.worker
    this.number = lease.channel
    this.#events = events
    const splitter = new FrameSplitter(MAX_FRAME_BYTES, (bytes, start, end) => this.#heard(bytes, start, end))
    const receive = (chunk: Uint8Array): void => {
      try {
        splitter.push(chunk)
      } catch (error) {
        this.#distrust(errorMessage(error))
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
    this.#socket.on('error', () => this.#close())
    this.#socket.on('close', () => this.#close())
    this.#welcome.promise.catch(() => undefined)
    const hello = clientToWorker.encode({
      type: 'hello',
      minVersion: MIN_PROTOCOL_VERSION,
      maxVersion: MAX_PROTOCOL_VERSION,
      ticket: lease.ticket,
    })
    this.#socket.write(hello)
  }

  get pending(): number {
    return this.#calls.size
  }

  get alive(): boolean {
    return !this.#closed
  }

  /** Waits until the worker has accepted the ticket. */
  async opened(): Promise<void> {
    const timer = setTimeout(
      () => this.fail(new ConnectionError('ERR_CONNECTION', `the worker did not answer within ${HELLO_TIMEOUT_MS} ms`)),
      HELLO_TIMEOUT_MS,
    )
    try {
      await this.#welcome.promise
    } finally {
      clearTimeout(timer)
    }
    if (this.#calls.size === 0) this.#socket.unref()
  }

  /** Sends a request; resolves with its result, rejects with what the guest threw or with a failure of ours. */
  call(request: Request, payload: unknown, started?: (run: number) => void): Promise<unknown> {
    if (this.#cause !== undefined) return Promise.reject(this.#cause)
    const run = this.#calls.next()
    const out = this.#out
    const before = out.position
    try {
      const start = clientToWorker.open(out, { ...request, run })
      if (payload !== NO_PAYLOAD) this.#encoder.write(out, payload)
      closeFrame(out, start)
    } catch (error) {
      out.position = before
      return Promise.reject(error instanceof CodecError ? new ValueError(error.code, error.message) : error)
    }
    if (this.#calls.size === 0) this.#busy()
    this.#longestMs = Math.max(this.#longestMs, 'timeoutMs' in request ? request.timeoutMs : TIMEOUT_MS.default)
    const answer = this.#calls.wait(run)
    started?.(run)
    this.#flushSoon()
    return answer
  }

  /** Rejects one call here and now; its answer, if there is one, is not waited for. */
  abandon(run: number, cause: unknown): boolean {
    const waited = this.#calls.reject(run, cause)
    if (waited) this.#settled()
    return waited
  }

  /** Asks the worker to drop or abort a run. One that computes does not hear it: the daemon interrupts it. */
  cancel(run: number): void {
    if (this.#closed) return
    closeFrame(this.#out, clientToWorker.open(this.#out, { type: 'cancel', run }))
    this.#flushSoon()
  }

  /** Ends the channel: all its calls, now and later, fail with this cause. The first cause wins. */
  fail(cause: Error): void {
    this.#cause ??= cause
    this.#welcome.reject(this.#cause)
    this.#calls.rejectAll(this.#cause)
    clearInterval(this.#look)
    this.#socket.destroy()
  }

  /** A number for a new context of this channel. */
  nextContext(): number {
    return ++this.#contexts
  }

  /** One write for all requests of a turn. */
  #flushSoon(): void {
    if (this.#out.position > FLUSH_BYTES) this.#flush()
    else if (!this.#flushing) {
      this.#flushing = true
      process.nextTick(() => {
        this.#flushing = false
        this.#flush()
      })
    }
  }

  #flush(): void {
    if (this.#out.position === 0) return
    // Copied: the socket may keep the bytes for a while, and the buffer is used again.
    if (!this.#closed) this.#socket.write(Buffer.from(this.#out.view()))
    this.#out.reset(FLUSH_BYTES)
  }

  #heard(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    reader.reset(bytes, start, end)
    const message = workerToClient.read(reader)
    switch (message.type) {
      case 'welcome':
        this.#welcome.resolve()
        return
      case 'done': {
        const value = this.#payload()
        if (!this.#calls.resolve(message.run, value)) return
        break
      }
      case 'threw': {
        const thrown = this.#payload()
        if (!this.#calls.reject(message.run, guestErrorOf(thrown))) return
        break
      }
      case 'failed':
        if (!this.#failed(message)) return
        break
      default:
        message satisfies never
    }
    this.#settled()
  }

  #payload(): unknown {
    const value = this.#decoder.read(this.#reader)
    this.#reader.finish()
    return value
  }

  /** Whether somebody was waiting for it: only that is progress. */
  #failed(message: Extract<WorkerToClient, { readonly type: 'failed' }>): boolean {
    const { phase, wallMs, cpuMs } = message
    const report = { phase, wallMs, cpuMs, worker: this.worker, peakRssBytes: 0 }
    const error = errorForCode(errorCodeName(message.code), message.message, report)
    if (message.run !== 0) return this.#calls.reject(message.run, error)
    this.fail(error)
    return true
  }

  #busy(): void {
    this.#socket.ref()
    this.#longestMs = 0
    this.#progressMs = performance.now()
    this.#look ??= setInterval(() => this.#lookForSilence(), LOOK_MS).unref()
  }

  #settled(): void {
    this.#progressMs = performance.now()
    if (this.#calls.size === 0) this.#socket.unref()
  }

  /** The worker ends runs at their deadline, and the daemon ends workers that do not. Should a hostile worker deceive the daemon, calls are settled all the same. */
  #lookForSilence(): void {
    const silentMs = performance.now() - this.#progressMs
    if (this.#calls.size === 0 || silentMs < this.#longestMs + GRACE_MS + SILENCE_MS) return
    const report = {
      phase: 'queued' as const,
      worker: this.worker,
      cpuMs: 0,
      wallMs: silentMs,
      peakRssBytes: 0,
      limit: 'timeout',
      configured: this.#longestMs,
      observed: silentMs,
    }
    this.#calls.rejectAll(new TimeoutError('ERR_TIMEOUT', `worker ${this.worker} answered nothing for ${Math.round(silentMs)} ms`, report))
    this.#settled()
  }

  #distrust(reason: string): void {
    this.#events.distrust(reason)
    this.fail(new ProtocolError('ERR_PROTOCOL', `worker ${this.worker} broke the protocol (${reason}); it was ended`))
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#events.closed()
  }
}
