import { OUTCOME } from '../../protocol/guest-messages.ts'
import { MANY_SLICE_BYTES, MANY_SLICE_MS, MIN_ERROR_BYTES } from '../../protocol/limits.ts'
import { isArray, mapDelete, mapGet, MapOf, mapSet } from '../../protocol/msgpack/intrinsics.ts'
import { CodecError } from '../../protocol/msgpack/codec-error.ts'
import { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import { codeOf, errorNumber } from './guest-error.ts'
import { type RealmRecord, Status } from './record.ts'
import { isThenable, type Settlement } from './settlement.ts'
import { writeThrown } from './thrown.ts'
import type { RealmValues } from './values.ts'

const { apply, defineProperty } = Reflect
const NativeTypeError = TypeError
const { now } = Date
// oxlint-disable-next-line no-eval -- the script of a `many` run, once for each input, in the guest's own realm
const indirectEval = eval
/** The clock is read for each so many inputs as long as they are quick; a power of two less one. */
const CLOCK_MASK = 15

interface Batch {
  readonly inputs: readonly unknown[]
  /** What is called for each input; undefined while the script itself is evaluated for each. */
  fn: ((input: unknown, index: number) => unknown) | undefined
  readonly source: string
  /** The input that comes next. Counted before it is tried: one that was interrupted is not tried again. */
  next: number
}

/**
 * Many inputs for one script. It is evaluated for the first, as any script, with the input as the global `input`; if it gives a function, that is called for each, otherwise the script is
 * evaluated again for each, in a scope of its own. A slice is one evaluate that goes through as many inputs as fit a few milliseconds.
 */
export class ManyRuns {
  readonly #record: RealmRecord
  readonly #values: RealmValues
  readonly #settlement: Settlement
  readonly #realmGlobal: object
  readonly #batches = new MapOf<number, Batch>()
  #writer: MsgpackWriter | undefined

  constructor(realmGlobal: object, record: RealmRecord, values: RealmValues, settlement: Settlement) {
    this.#realmGlobal = realmGlobal
    this.#record = record
    this.#values = values
    this.#settlement = settlement
  }

  /** The inputs have come; `record.code` is then how many they are. */
  begin(run: number, inputs: unknown, source: string): void {
    if (!isArray(inputs)) throw new NativeTypeError('the inputs are not an array')
    const batch = { inputs, fn: undefined, source, next: 0 }
    mapSet(this.#batches, run, batch)
    this.#record.code = batch.inputs.length
    if (batch.inputs.length > 0) this.#setInput(batch.inputs[0])
  }

  /** What the script gave for the first input. True if that is the outcome, and false if it is the function that gives the outcomes. */
  first(run: number, value: unknown): boolean {
    const batch = mapGet(this.#batches, run)
    if (batch === undefined) return true
    if (typeof value !== 'function') {
      batch.next = 1
      return true
    }
    batch.fn = value as (input: unknown, index: number) => unknown
    return false
  }

  forget(run: number): void {
    mapDelete(this.#batches, run)
  }

  /**
   * Goes through the next inputs. `record.output` and `record.length` then hold the outcomes, and `record.code` their number, also if the slice is interrupted: `Status.failed`
   * says that it was half-way through an input then. With `Status.pending` the last one is a promise that the run now waits for, and has no outcome yet.
   */
  slice(run: number): void {
    const record = this.#record
    const batch = mapGet(this.#batches, run)
    // Whoever was at it is gone, if it was interrupted.
    if (this.#writer === undefined || this.#writer.busy) this.#writer = new MsgpackWriter()
    const writer = this.#writer
    writer.reset()
    record.output = writer.bytes
    record.length = 0
    record.code = 0
    record.status = Status.done
    if (batch === undefined) return
    record.status = Status.failed
    const { inputs } = batch
    const startMs = now()
    let lastMs = startMs
    let mask = CLOCK_MASK
    while (batch.next < inputs.length && writer.position < MANY_SLICE_BYTES) {
      if ((batch.next & mask) === 0) {
        const nowMs = now()
        if (nowMs - startMs >= MANY_SLICE_MS) break
        mask = nowMs === lastMs ? CLOCK_MASK : 0
        lastMs = nowMs
      }
      const index = batch.next++
      if (!this.#one(batch, inputs[index], index, writer, run)) {
        record.status = Status.pending
        return
      }
      record.output = writer.bytes
      record.length = writer.position
      record.code++
    }
    record.status = Status.done
  }

  /** False if the outcome is still to come. */
  #one(batch: Batch, input: unknown, index: number, writer: MsgpackWriter, run: number): boolean {
    const start = writer.position
    // After its status.
    writer.maxBytes = start + 1 + this.#record.maxOutput
    try {
      const { fn } = batch
      // Not as a method: a guest must not get at the batch.
      const value = fn === undefined ? this.#evaluate(batch.source, input) : fn(input, index)
      if (writePlain(writer, value)) return true
      if (isThenable(value)) {
        this.#settlement.wait(run, value)
        return false
      }
      writer.int(OUTCOME.fulfilled)
      this.#write(writer, value)
    } catch (error) {
      writer.busy = false
      writer.position = start
      this.#failed(writer, error)
    }
    return true
  }

  #failed(writer: MsgpackWriter, error: unknown): void {
    const start = writer.position
    const { maxOutput } = this.#record
    writer.maxBytes = start + 1 + (maxOutput < MIN_ERROR_BYTES ? MIN_ERROR_BYTES : maxOutput)
    if (CodecError.is(error)) {
      this.#refused(writer, error)
      return
    }
    writer.int(OUTCOME.rejected)
    try {
      writeThrown(error, (value) => this.#write(writer, value))
    } catch (failure) {
      if (!CodecError.is(failure)) throw failure
      writer.position = start
      this.#refused(writer, failure)
    }
  }

  #write(writer: MsgpackWriter, value: unknown): void {
    const mark = this.#values.mark()
    this.#values.write(writer, value, this.#record.maxDepth)
    this.#values.commit(mark)
  }

  #refused(writer: MsgpackWriter, error: CodecError): void {
    writer.int(OUTCOME.failed)
    writer.arrayHeader(2)
    writer.int(errorNumber(codeOf(error)))
    writer.string(error.limit === 'bytes' ? `the result is larger than the limit of ${this.#record.maxOutput} bytes` : error.message)
  }

  #evaluate(source: string, input: unknown): unknown {
    this.#setInput(input)
    return apply(indirectEval, undefined, [source])
  }

  #setInput(value: unknown): void {
    defineProperty(this.#realmGlobal, 'input', {
      __proto__: null,
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    } as PropertyDescriptor)
  }
}

/** A primitive, without the encoder. */
function writePlain(writer: MsgpackWriter, value: unknown): boolean {
  switch (typeof value) {
    case 'number':
      writer.int(OUTCOME.fulfilled)
      writer.number(value)
      return true
    case 'string':
      writer.int(OUTCOME.fulfilled)
      writer.string(value)
      return true
    case 'boolean':
      writer.int(OUTCOME.fulfilled)
      writer.bool(value)
      return true
    default:
      return false
  }
}
