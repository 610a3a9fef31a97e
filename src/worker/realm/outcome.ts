import type { ErrorCode } from '../../protocol/error-codes.ts'
import { KEPT_RESULT_BYTES, MIN_ERROR_BYTES, MIN_ERROR_DEPTH } from '../../protocol/limits.ts'
import type { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import { errorNumber } from './guest-error.ts'
import { isParserError } from './parser-errors.ts'
import { type RealmRecord, Status } from './record.ts'
import { writeThrown } from './thrown.ts'
import type { RealmValues } from './values.ts'

/** How a step ends: what it leaves in the record, encoded in the buffer of `writer` where it is no primitive. */
export class Outcome {
  readonly #record: RealmRecord
  readonly #writer: MsgpackWriter
  readonly #values: RealmValues

  constructor(record: RealmRecord, writer: MsgpackWriter, values: RealmValues) {
    this.#record = record
    this.#writer = writer
    this.#values = values
  }

  encode(status: Status, value: unknown, maxBytes: number, maxDepth: number): void {
    const record = this.#record
    const writer = this.#writer
    // Whoever was at it is gone: no `finally` runs when V8 ends an evaluate.
    writer.busy = false
    writer.reset(KEPT_RESULT_BYTES)
    writer.maxBytes = maxBytes
    const mark = this.#values.mark()
    this.#values.write(writer, value, maxDepth)
    record.output = writer.bytes
    record.length = writer.position
    record.status = status
    this.#values.commitResult(mark)
  }

  /** A result that was computed: primitives go as they are. */
  finish(value: unknown, maxBytes = this.#record.maxResult, maxDepth = this.#record.maxResultDepth): void {
    if (isPlain(value)) {
      this.#record.value = value
      this.#record.status = Status.primitive
    } else this.encode(Status.done, value, maxBytes, maxDepth)
  }

  fail(code: ErrorCode, message: string): void {
    const record = this.#record
    record.status = Status.failed
    record.code = errorNumber(code)
    record.message = message
    record.limit = ''
  }

  /** Of several clients, each must be able to take what all are told. */
  get errorBytes(): number {
    const { maxOutput, dataOnly } = this.#record
    return dataOnly || maxOutput < MIN_ERROR_BYTES ? MIN_ERROR_BYTES : maxOutput
  }

  get errorDepth(): number {
    const { maxDepth, dataOnly } = this.#record
    return dataOnly || maxDepth < MIN_ERROR_DEPTH ? MIN_ERROR_DEPTH : maxDepth
  }

  /** What the guest threw, as well as it can be told. */
  thrown(thrown: unknown): void {
    this.#record.value = undefined
    writeThrown(thrown, (value) => this.encode(Status.threw, value, this.errorBytes, this.errorDepth))
    if (isParserError(thrown)) this.#record.value = thrown
  }
}

function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'object':
      return value === null
    case 'function':
    case 'symbol':
      return false
    default:
      return true
  }
}
