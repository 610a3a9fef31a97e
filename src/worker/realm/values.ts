import type { ExportedFunctions } from '../../protocol/handles/exported-functions.ts'
import { MsgpackReader } from '../../protocol/msgpack/reader.ts'
import { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import { ValueDecoder } from '../../protocol/values/value-decoder.ts'
import { ValueEncoder } from '../../protocol/values/value-encoder.ts'
import type { ReadValueOptions, WriteValueOptions } from '../../protocol/values/value-options.ts'
import type { RealmRecord } from './record.ts'

const NativeUint8Array = Uint8Array

/** A larger buffer is let go after use, in bytes. */
const KEPT_BYTES = 256 * 1024
/** First size of the buffer for what the client sends: most fit, and it is a small part of what a context costs. */
export const INPUT_BYTES = 1024

/** What values of a realm need to cross: hooks for functions, and the table whose counts a failed message must not touch. */
export interface Crossing {
  readonly write: WriteValueOptions
  readonly read: ReadValueOptions
  /** Undefined as long as no function has crossed. */
  readonly exported: ExportedFunctions | undefined
  /** What is sent has changed: the counts are those of that. */
  readonly counted: () => void
}

/**
 * The codec of a realm. Reading a guest's value may run its getters, and they may do all that a guest can: call a host function, whose arguments are encoded meanwhile, or be
 * interrupted, after which an encoder stays as it was (no `finally` runs then). So one that is busy is not used: another takes its place.
 */
export class RealmValues {
  readonly #record: RealmRecord
  readonly #crossing: () => Crossing
  #encoder: ValueEncoder | undefined
  #decoder: ValueDecoder | undefined
  #reader: MsgpackReader | undefined
  #scratch: MsgpackWriter | undefined
  #idsInResult: readonly number[] | undefined

  constructor(record: RealmRecord, crossing: () => Crossing) {
    this.#record = record
    this.#crossing = crossing
  }

  /** Where the functions begin of the message that comes next, for {@link commit} or {@link rollback}. */
  mark(): number {
    return this.#crossing().exported?.mark() ?? 0
  }

  /** The message is on its way, with its functions. */
  commit(mark: number): void {
    const { exported, counted } = this.#crossing()
    if (exported === undefined) return
    exported.commit(mark)
    counted()
  }

  /** The same for the result of a step. It is sent when the step has come to its end: {@link takeBackResult} if that never came. */
  commitResult(mark: number): void {
    const { exported, counted } = this.#crossing()
    const ids = exported?.since(mark)
    if (exported === undefined || ids === undefined) return
    exported.commit(mark)
    // V8 ends an evaluate where a function is entered or a loop goes round: not between these.
    this.#idsInResult = ids
    this.#record.holdsFunctions = true
    counted()
  }

  /** The latest result was not sent after all. */
  takeBackResult(): void {
    const { exported, counted } = this.#crossing()
    if (exported === undefined || this.#idsInResult === undefined) return
    exported.takeBack(this.#idsInResult)
    this.#idsInResult = undefined
    counted()
  }

  /** The message is not sent. */
  rollback(mark: number): void {
    const { exported, counted } = this.#crossing()
    if (exported === undefined) return
    exported.rollback(mark)
    counted()
  }

  /**
   * Writes a value of at most `maxDepth` levels at the writer's position, as a message or a part of one, which is for the caller to commit: this evaluate may end before it is sent.
   * Throws a CodecError, or what the value's own code throws.
   */
  write(writer: MsgpackWriter, value: unknown, maxDepth: number): void {
    const crossing = this.#crossing()
    if (this.#encoder === undefined || this.#encoder.busy) this.#encoder = new ValueEncoder(crossing.write)
    this.#encoder.maxDepth = maxDepth
    const mark = crossing.exported?.mark() ?? 0
    try {
      this.#encoder.write(writer, value)
    } catch (error) {
      this.rollback(mark)
      throw error
    }
  }

  /** A writer that holds the arguments of a call; valid until the next call of this method. */
  writeArguments(args: readonly unknown[], maxBytes: number): MsgpackWriter {
    const writer = this.#scratchWriter(maxBytes)
    if (!writePrimitives(writer, args)) {
      writer.reset()
      this.write(writer, args, this.#record.maxDepth)
    }
    writer.checkLimit()
    return writer
  }

  /** A writer that holds a value; valid until the next call of this method. */
  writeAlone(value: unknown, maxBytes: number, maxDepth: number): MsgpackWriter {
    const writer = this.#scratchWriter(maxBytes)
    this.write(writer, value, maxDepth)
    return writer
  }

  /** Reads the value that the client sent. */
  readInput(record: RealmRecord, length: number = record.length): unknown {
    const reader = (this.#reader ??= new MsgpackReader())
    record.unread = false
    reader.reset(record.input, 0, length)
    const decoder = this.#decoder ?? new ValueDecoder(this.#crossing().read)
    this.#decoder = undefined
    decoder.maxDepth = record.maxDepth
    const value = decoder.read(reader)
    // Kept only if it came to its end.
    this.#decoder = decoder
    if (length > KEPT_BYTES) record.input = new NativeUint8Array(INPUT_BYTES)
    return value
  }

  #scratchWriter(maxBytes: number): MsgpackWriter {
    if (this.#scratch === undefined || this.#scratch.busy) this.#scratch = new MsgpackWriter()
    const writer = this.#scratch
    writer.reset(KEPT_BYTES)
    writer.maxBytes = maxBytes
    return writer
  }
}

/** An array of primitives, without the encoder; false if there is anything else. */
function writePrimitives(writer: MsgpackWriter, values: readonly unknown[]): boolean {
  const count = values.length
  writer.arrayHeader(count)
  for (let i = 0; i < count; i++) {
    const value = values[i]
    if (typeof value === 'number') writer.number(value)
    else if (typeof value === 'string') writer.string(value)
    else if (typeof value === 'boolean') writer.bool(value)
    else if (value === null) writer.nil()
    else return false
  }
  return true
}
