import { connect, type Socket } from 'node:net'
import { errorMessage } from '../../base/error.ts'
import { nativeStrings } from '../../base/native-strings.ts'
import { type ClientToCompiler, clientToCompiler, type CompilerToClient, compilerToClient } from '../../protocol/compiler-link.ts'
import { errorCodeName } from '../../protocol/error-codes.ts'
import { FrameSplitter } from '../../protocol/framing.ts'
import {
  COMPILE_TIMEOUT_MS,
  FRAME_OVERHEAD_BYTES,
  HELLO_TIMEOUT_MS,
  MAX_COMPILED_FRAME_BYTES,
  MAX_DEPTH,
  MAX_REQUEST_BYTES,
} from '../../protocol/limits.ts'
import { closeFrame } from '../../protocol/link.ts'
import { MsgpackReader } from '../../protocol/msgpack/reader.ts'
import { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import { ValueDecoder } from '../../protocol/values/value-decoder.ts'
import { MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '../../protocol/versions.ts'
import { Calls } from '../calls.ts'
import type { Lease } from '../control.ts'
import { ConnectionError, errorForCode, ProtocolError, type Report, TimeoutError } from '../errors.ts'
import { guestErrorOf } from '../guest-error.ts'

/** How long a compiler may be silent beyond the time that one source may take, in milliseconds. */
const SILENCE_MS = 10_000
/** How long to wait for the daemon's word on why a compiler is gone, in milliseconds. */
const REPORT_WAIT_MS = 1_000

export type CompileRequest = Omit<Extract<ClientToCompiler, { readonly type: 'compile' }>, 'type' | 'request'>
export type CompileAnswer = Extract<CompilerToClient, { readonly type: 'compiled' }>

/** The compiler is gone, and has not answered. */
export class CompilerGoneError extends Error {
  /** Whether it was at work on this request, which then may be why. */
  readonly started: boolean

  constructor(started: boolean) {
    super('the compiler is gone')
    this.started = started
  }
}

/** The client's connection to its tenant's compiler. Everything that comes from it is HOSTILE: bounded, decoded by type, and one wrong byte ends the channel. */
export class CompilerChannel {
  readonly worker: number
  readonly #distrusted: (reason: string) => void
  readonly #socket: Socket
  readonly #calls = new Calls<CompileAnswer, { started: boolean }>()
  readonly #out = new MsgpackWriter({ maxBytes: MAX_REQUEST_BYTES + FRAME_OVERHEAD_BYTES, strings: nativeStrings })
  readonly #reader = new MsgpackReader(undefined, 0, 0, nativeStrings)
  readonly #decoder = new ValueDecoder({ maxDepth: MAX_DEPTH.default })
  readonly #welcome = Promise.withResolvers<void>()
  readonly #report = Promise.withResolvers<Report | undefined>()
  readonly #silence: NodeJS.Timeout
  #cause: Error | undefined

  constructor(lease: Lease, path: string, distrusted: (reason: string) => void) {
    this.worker = lease.worker
    this.#distrusted = distrusted
    this.#welcome.promise.catch(() => undefined)
    this.#silence = setTimeout(() => this.#givenUp(), COMPILE_TIMEOUT_MS + SILENCE_MS).unref()
    this.#socket = connect(path)
    const splitter = new FrameSplitter(MAX_COMPILED_FRAME_BYTES, (bytes, start, end) => this.#heard(bytes, start, end))
    this.#socket.on('data', (chunk: Buffer) => {
      try {
        splitter.push(chunk)
      } catch (error) {
        this.#distrust(errorMessage(error))
      }
    })
    this.#socket.on('error', () => this.fail(new CompilerGoneError(false)))
    this.#socket.on('close', () => this.fail(new CompilerGoneError(false)))
    const { ticket } = lease
    this.#send({ type: 'hello', minVersion: MIN_PROTOCOL_VERSION, maxVersion: MAX_PROTOCOL_VERSION, ticket })
  }

  get alive(): boolean {
    return this.#cause === undefined
  }

  /** Waits until the compiler has accepted the ticket. */
  async opened(): Promise<void> {
    const late = setTimeout(() => {
      this.fail(new ConnectionError('ERR_CONNECTION', `the compiler did not answer within ${HELLO_TIMEOUT_MS} ms`))
    }, HELLO_TIMEOUT_MS)
    try {
      await this.#welcome.promise
    } finally {
      clearTimeout(late)
    }
    this.#rest()
  }

  /**
   * Rejects with what the source did wrong, with a failure of ours, or with {@link CompilerGoneError}.
   * @param signal has the request dropped if it has not started; the promise settles all the same
   */
  async compile(request: CompileRequest, signal: AbortSignal): Promise<CompileAnswer> {
    if (this.#cause !== undefined) throw this.#cause
    const number = this.#calls.next()
    const about = { started: false }
    const answer = this.#calls.wait(number, about)
    this.#socket.ref()
    this.#silence.refresh()
    this.#send({ type: 'compile', request: number, ...request })
    const cancel = (): void => this.#send({ type: 'cancel', request: number })
    signal.addEventListener('abort', cancel)
    try {
      return await answer
    } catch (error) {
      throw error instanceof CompilerGoneError ? new CompilerGoneError(about.started) : error
    } finally {
      signal.removeEventListener('abort', cancel)
      this.#rest()
    }
  }

  /** Why the compiler is gone, if the daemon says so soon. By then the daemon has no use for it any more, either. */
  async report(): Promise<Report | undefined> {
    const late = setTimeout(() => this.#report.resolve(undefined), REPORT_WAIT_MS)
    const report = await this.#report.promise
    clearTimeout(late)
    return report
  }

  /** The daemon says that it is gone, and why. */
  lost(report: Report): void {
    this.#report.resolve(report)
    this.fail(new CompilerGoneError(false))
  }

  /** Ends the channel: all its calls, now and later, fail with this cause. The first cause wins. */
  fail(cause: Error): void {
    if (this.#cause !== undefined) return
    this.#cause = cause
    clearTimeout(this.#silence)
    this.#welcome.reject(cause)
    this.#calls.rejectAll(cause)
    this.#socket.destroy()
  }

  #send(message: ClientToCompiler): void {
    if (this.#cause !== undefined) return
    closeFrame(this.#out, clientToCompiler.open(this.#out, message))
    // Copied: the socket may keep the bytes for a while, and the buffer is used again.
    this.#socket.write(Buffer.from(this.#out.view()))
    this.#out.reset()
  }

  #heard(bytes: Uint8Array, start: number, end: number): void {
    this.#silence.refresh()
    this.#reader.reset(bytes, start, end)
    const message = compilerToClient.read(this.#reader)
    switch (message.type) {
      case 'welcome':
        this.#welcome.resolve()
        return
      case 'started': {
        const about = this.#calls.about(message.request)
        if (about !== undefined) about.started = true
        return
      }
      case 'compiled':
        this.#calls.resolve(message.request, message)
        return
      case 'threw': {
        const thrown = this.#decoder.read(this.#reader)
        this.#reader.finish()
        this.#calls.reject(message.request, guestErrorOf(thrown))
        return
      }
      case 'failed':
        this.#failed(message)
        return
      default:
        message satisfies never
    }
  }

  #failed({ request, code, message, retryAfterMs, wallMs }: Extract<CompilerToClient, { readonly type: 'failed' }>): void {
    const report: Report = { phase: 'compile', worker: this.worker, cpuMs: 0, wallMs, peakRssBytes: 0 }
    const error = errorForCode(errorCodeName(code), message, report, { retryAfter: retryAfterMs })
    if (request === 0) this.fail(error)
    else this.#calls.reject(request, error)
  }

  /** Idle, it does not keep this process alive. */
  #rest(): void {
    if (this.alive && this.#calls.size === 0) this.#socket.unref()
  }

  #givenUp(): void {
    if (this.#calls.size === 0) return
    const wallMs = COMPILE_TIMEOUT_MS + SILENCE_MS
    const report: Report = { phase: 'compile', worker: this.worker, cpuMs: 0, wallMs, peakRssBytes: 0 }
    this.fail(new TimeoutError('ERR_TIMEOUT', `the compiler said nothing for ${wallMs} ms`, report))
  }

  #distrust(reason: string): void {
    this.#distrusted(reason)
    this.fail(new ProtocolError('ERR_PROTOCOL', `the compiler broke the protocol (${reason}); it was ended`))
  }
}
