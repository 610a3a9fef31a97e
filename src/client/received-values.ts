import { nativeStrings } from '../base/native-strings.ts'
import { MIN_ERROR_DEPTH } from '../protocol/limits.ts'
import { MsgpackReader } from '../protocol/msgpack/reader.ts'
import { ValueDecoder } from '../protocol/values/value-decoder.ts'
import type { FunctionHandle } from '../protocol/values/value-options.ts'
import type { Bridges } from './bridges.ts'
import { goneFunction } from './guest-function.ts'

/** Reads the values in what a worker sends. HOSTILE: what is not a value throws. */
export class ReceivedValues {
  /** Stands at the message that is read. */
  readonly reader = new MsgpackReader(undefined, 0, 0, nativeStrings)
  readonly #bridges: Bridges
  readonly #giveBack: (context: number, handles: readonly number[]) => void
  readonly #decoder: ValueDecoder
  /** The context that the value which is read belongs to. */
  #context = 0
  /** Handles in a value that nobody wants, to be given back at once: ids and numbers in turns. */
  #unwanted: number[] | undefined

  /** @param maxDepth levels of a value */
  constructor(bridges: Bridges, maxDepth: number, giveBack: (context: number, handles: readonly number[]) => void) {
    this.#decoder = new ValueDecoder({
      maxDepth: Math.max(maxDepth, MIN_ERROR_DEPTH),
      functionIn: (handle) => this.#function(handle),
      remoteIn: (kind, parts) => (this.#unwanted === undefined ? this.#bridges.open(this.#context).remotes.receive(kind, parts) : {}),
    })
    this.#bridges = bridges
    this.#giveBack = giveBack
  }

  /** The value that a message ends with. */
  payload(context: number): unknown {
    const value = this.value(context)
    this.reader.finish()
    return value
  }

  /** Bytes of the value that a message ends with. */
  get payloadBytes(): number {
    return this.reader.end - this.reader.position
  }

  /** One of several values. */
  value(context: number): unknown {
    this.#context = context
    return this.#decoder.read(this.reader)
  }

  /** Reads something that belongs to no context of ours any more, and gives the functions in it back at once: the guest keeps what it thinks that this process holds. */
  discarding<Result>(context: number, read: () => Result): Result {
    const unwanted: number[] = []
    this.#unwanted = unwanted
    try {
      return read()
    } finally {
      this.#unwanted = undefined
      this.#giveBack(context, unwanted)
    }
  }

  /** What a context says by itself. */
  said(context: number): unknown {
    return this.#bridges.speaker(context) !== undefined ? this.payload(context) : this.discarding(context, () => this.payload(context))
  }

  #function(handle: FunctionHandle): unknown {
    if (this.#unwanted === undefined) return this.#bridges.open(this.#context).receive(handle)
    if (!handle.returns) this.#unwanted.push(handle.id, 1)
    return goneFunction(handle.name)
  }
}
