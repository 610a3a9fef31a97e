import { nativeStrings } from '../base/native-strings.ts'
import { type ClientToWorker, clientToWorker } from '../protocol/channel-link.ts'
import { FRAME_OVERHEAD_BYTES, MAX_REQUEST_BYTES } from '../protocol/limits.ts'
import { closeFrame } from '../protocol/link.ts'
import { CodecError } from '../protocol/msgpack/codec-error.ts'
import { MsgpackWriter } from '../protocol/msgpack/writer.ts'
import { ValueEncoder } from '../protocol/values/value-encoder.ts'
import type { ContextBridge } from './context-bridge.ts'
import { mayBeRemote } from './remote-platform.ts'

/** Marks a message without a payload. */
export const NO_PAYLOAD: unique symbol = Symbol('no payload')

/** Requests gathered in one turn leave in writes of about this many bytes. */
export const FLUSH_BYTES = 256 * 1024
/** What a worker takes as one frame, in bytes. */
const MAX_FRAME_BYTES = MAX_REQUEST_BYTES + FRAME_OVERHEAD_BYTES

/** The functions that cross to each context. */
interface Bridges {
  readonly find: (context: number) => ContextBridge | undefined
  /** Makes it if there is none. */
  readonly open: (context: number) => ContextBridge
}

/**
 * Messages to a worker, which gather until they are taken. Reading a value may run code of the user's (a getter), and that may send a message of its own: it comes after the one that is
 * being written.
 */
export class Requests {
  readonly #bridges: Bridges
  readonly #maxDepth: number
  readonly #out = newWriter()
  readonly #encoder: ValueEncoder
  /** The context that the value which is written goes to. */
  #context = 0
  #writing = false
  /** Whole frames that were written meanwhile. */
  #late: Uint8Array[] = []

  /** @param maxDepth levels of a value */
  constructor(bridges: Bridges, maxDepth: number) {
    this.#bridges = bridges
    this.#maxDepth = maxDepth
    this.#encoder = this.#newEncoder()
  }

  /** How much has gathered, as far as it can be taken now. */
  get bytes(): number {
    return this.#writing ? 0 : this.#out.position
  }

  /** Adds a message. If its payload cannot cross, nothing was added, and no function of it counts as sent. */
  write(message: ClientToWorker, context: number, payload: unknown): void {
    if (payload === NO_PAYLOAD && !this.#writing) {
      closeFrame(this.#out, clientToWorker.open(this.#out, message))
      return
    }
    const isInner = this.#writing
    const out = isInner ? newWriter() : this.#out
    const encoder = isInner ? this.#newEncoder() : this.#encoder
    const before = out.position
    const outerContext = this.#context
    this.#context = context
    this.#writing = true
    try {
      const start = clientToWorker.open(out, message)
      if (payload !== NO_PAYLOAD) this.#value(out, encoder, context, payload)
      closeFrame(out, start)
      if (isInner) this.#late.push(out.view())
    } catch (error) {
      out.position = before
      throw error
    } finally {
      this.#context = outerContext
      this.#writing = isInner
      if (!isInner && this.#late.length > 0) this.#appendLate()
    }
  }

  /** What has gathered; undefined if there is nothing, or nothing whole. */
  take(): Uint8Array | undefined {
    if (this.bytes === 0) return undefined
    // The socket may keep the bytes for a while. What is small is copied, and the buffer used again; what is large is handed over.
    const bytes = this.#out.position > FLUSH_BYTES ? this.#out.detach() : Buffer.from(this.#out.view())
    this.#out.reset()
    return bytes
  }

  #value(out: MsgpackWriter, encoder: ValueEncoder, context: number, value: unknown): void {
    // A context may have no bridge yet: it gets one with the first function.
    const mark = this.#bridges.find(context)?.exported.mark() ?? 0
    const start = out.position
    try {
      encoder.write(out, value)
      if (out.position - start > MAX_FRAME_BYTES - FRAME_OVERHEAD_BYTES)
        throw new CodecError('ERR_VALUE_TOO_LARGE', `a value of more than ${MAX_FRAME_BYTES - FRAME_OVERHEAD_BYTES} bytes`)
      this.#bridges.find(context)?.exported.commit(mark)
    } catch (error) {
      this.#bridges.find(context)?.exported.rollback(mark)
      throw error
    }
  }

  #newEncoder(): ValueEncoder {
    return new ValueEncoder({
      maxDepth: this.#maxDepth,
      // Stacks of this process name its files, which are no business of a guest's.
      errorStacks: false,
      functionOut: (fn, isAsync) => this.#bridges.open(this.#context).send(fn, isAsync),
      remoteOut: (value) => (mayBeRemote(value) ? this.#bridges.open(this.#context).remotes.send(value) : undefined),
    })
  }

  #appendLate(): void {
    const late = this.#late
    this.#late = []
    const out = this.#out
    for (const frame of late) {
      out.ensure(frame.length)
      out.bytes.set(frame, out.position)
      out.position += frame.length
    }
  }
}

function newWriter(): MsgpackWriter {
  return new MsgpackWriter({ maxBytes: 2 * MAX_FRAME_BYTES, strings: nativeStrings })
}
