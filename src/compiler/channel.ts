import type { Socket } from 'node:net'
import { nativeStrings } from '../base/native-strings.ts'
import type { Connections } from '../confined/connections.ts'
import { type ClientToCompiler, clientToCompiler, type CompilerToClient, compilerToClient } from '../protocol/compiler-link.ts'
import { ERROR_CODES } from '../protocol/error-codes.ts'
import { FrameSplitter, FramingError } from '../protocol/framing.ts'
import type { Hello } from '../protocol/greeting.ts'
import { FRAME_OVERHEAD_BYTES, HELLO_TIMEOUT_MS, MAX_COMPILED_FRAME_BYTES, MAX_HELLO_FRAME_BYTES, MAX_SOURCE } from '../protocol/limits.ts'
import { closeFrame, MalformedMessageError } from '../protocol/link.ts'
import { MsgpackReader } from '../protocol/msgpack/reader.ts'
import { MsgpackWriter } from '../protocol/msgpack/writer.ts'
import { ValueEncoder } from '../protocol/values/value-encoder.ts'
import type { Answer, Compilations, Job } from './compilations.ts'
import type { Threw } from './outcome.ts'

/** Three bytes of UTF-8 for each code unit of the largest source. */
const MAX_FRAME_BYTES = 3 * MAX_SOURCE.default + FRAME_OVERHEAD_BYTES
/** Bytes of answers that may wait for a client before its own requests wait, too. */
const MAX_UNSENT_BYTES = 8 * 1024 * 1024
/** Answers that may wait for a client which does not read, in bytes. It is dropped beyond: what it asked for is more than a compiler can hold. */
const MAX_UNREAD_BYTES = 256 * 1024 * 1024
/** What the buffer for answers keeps between them. */
const KEPT_BUFFER_BYTES = 64 * 1024

/** One client's connection to this compiler: hello with a ticket, then requests. What breaks the protocol closes it. */
export class Channel {
  readonly #socket: Socket
  readonly #compilations: Compilations
  readonly #connections: Connections<Channel>
  readonly #splitter: FrameSplitter
  readonly #reader = new MsgpackReader(undefined, 0, 0, nativeStrings)
  readonly #out = new MsgpackWriter({ maxBytes: MAX_COMPILED_FRAME_BYTES, strings: nativeStrings })
  readonly #encoder = new ValueEncoder()
  readonly #helloTimer: NodeJS.Timeout
  /** What waits for a thread, by its request. */
  readonly #jobs = new Map<number, Job>()
  #greeted = false

  constructor(socket: Socket, compilations: Compilations, connections: Connections<Channel>) {
    this.#socket = socket
    this.#compilations = compilations
    this.#connections = connections
    this.#splitter = new FrameSplitter(MAX_HELLO_FRAME_BYTES, (bytes, start, end) => this.#serve(bytes, start, end))
    this.#helloTimer = setTimeout(() => socket.destroy(), HELLO_TIMEOUT_MS)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => socket.resume())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(this.#helloTimer)
      for (const job of this.#jobs.values()) compilations.withdraw(job)
      connections.remove(this)
    })
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Resolves when everything that was said has left this process, or cannot any more. */
  async end(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#socket.once('close', () => resolve())
    })
    this.#socket.destroySoon()
    await closed
  }

  #receive(chunk: Uint8Array): void {
    try {
      this.#splitter.push(chunk)
    } catch (error) {
      if (!(error instanceof MalformedMessageError) && !(error instanceof FramingError)) throw error
      this.#refuse(ERROR_CODES.ERR_PROTOCOL, error.message)
    }
  }

  #serve(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#socket.writable) return
    this.#reader.reset(bytes, start, end)
    const message = clientToCompiler.read(this.#reader)
    if (message.type === 'hello') this.#hello(message)
    else if (!this.#greeted) throw new MalformedMessageError('a request before hello')
    else if (message.type === 'compile') this.#compile(message)
    else this.#cancel(message.request)
  }

  #hello(hello: Hello): void {
    if (this.#greeted) throw new MalformedMessageError('a second hello')
    const found = this.#connections.admit(this, hello)
    if ('code' in found) {
      this.#refuse(ERROR_CODES[found.code], found.message)
      return
    }
    clearTimeout(this.#helloTimer)
    this.#greeted = true
    this.#splitter.maxFrameBytes = MAX_FRAME_BYTES
    this.#send({ type: 'welcome', version: found.version })
  }

  #compile(message: Extract<ClientToCompiler, { readonly type: 'compile' }>): void {
    const { request, alone, language, format, filename, source, cache } = message
    if (this.#jobs.has(request)) throw new MalformedMessageError(`a second request ${request}`)
    const job = this.#compilations.submit({ language, format, filename, source, cache }, alone, this.#answerTo(request))
    if (job !== undefined) this.#jobs.set(request, job)
  }

  #cancel(request: number): void {
    const job = this.#jobs.get(request)
    if (job === undefined || !this.#compilations.withdraw(job)) return
    job.answer.failed('ERR_CANCELLED', 'cancelled before it started', performance.now() - job.askedMs)
  }

  #answerTo(request: number): Answer {
    const answer = (message: CompilerToClient, error?: Error): void => {
      this.#jobs.delete(request)
      this.#send(message, error)
    }
    return {
      started: () => this.#send({ type: 'started', request }),
      compiled: (hash, { code, imports, sourceMap, cachedData }) =>
        answer({ type: 'compiled', request, hash, code, imports, sourceMap, cachedData }),
      threw: (threw) => answer({ type: 'threw', request }, errorOf(threw)),
      failed: (code, message, wallMs, retryAfterMs) =>
        answer({ type: 'failed', request, code: ERROR_CODES[code], message, retryAfterMs, wallMs }),
    }
  }

  #refuse(code: number, message: string): void {
    this.#send({ type: 'failed', request: 0, code, message, retryAfterMs: undefined, wallMs: 0 })
    this.#socket.destroySoon()
  }

  #send(message: CompilerToClient, payload?: Error): void {
    if (!this.#socket.writable) return
    const out = this.#out
    const start = compilerToClient.open(out, message)
    if (payload !== undefined) this.#encoder.write(out, payload)
    closeFrame(out, start)
    // Copied: the socket may keep the bytes for a while, and the buffer is used again.
    this.#socket.write(Buffer.from(out.view()))
    out.reset(KEPT_BUFFER_BYTES)
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.#socket.destroy()
    else if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.#socket.pause()
  }
}

function errorOf({ name, message, stack }: Threw): Error {
  const error = name === 'RangeError' ? new RangeError(message) : new SyntaxError(message)
  error.stack = stack
  return error
}
