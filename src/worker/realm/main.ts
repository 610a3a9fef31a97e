import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts'
import { CodecError } from '../../protocol/msgpack/codec-error.ts'
import { MsgpackReader } from '../../protocol/msgpack/reader.ts'
import { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import { ValueDecoder } from '../../protocol/values/value-decoder.ts'
import { ValueEncoder } from '../../protocol/values/value-encoder.ts'
import { deferFinalization } from './finalization.ts'
import { defineGlobals, deleteGlobal, getGlobal, resolvePath, setGlobal, snapshotGlobals } from './names.ts'
import { Op, type RealmRecord, Status } from './record.ts'
import { formatStack, warmUpStacks } from './stacks.ts'
import { plainThrown } from './thrown.ts'

const { apply, deleteProperty, getPrototypeOf, setPrototypeOf } = Reflect
const NativePromise = Promise
const { then } = NativePromise.prototype
const { resolve, reject: rejectPromise } = NativePromise
const NativeTypeError = TypeError

/** First size of the buffer for arguments and globals: most fit, and it is a small part of what a context costs. */
const INPUT_BYTES = 1024
/** A larger one is let go after use. */
const KEPT_INPUT_BYTES = 256 * 1024

/** A run whose promise has settled. */
interface Settled {
  readonly run: number
  readonly fulfilled: boolean
  readonly value: unknown
  next: Settled | undefined
}

/** What the worker takes from the setup script, once. */
export interface RealmSide {
  readonly record: RealmRecord
  readonly hooks: { readonly formatStack: typeof formatStack; readonly importModule: (specifier: unknown) => unknown }
}

/**
 * Sets up the realm side and returns its one entry: a function that does what the record says. It is called by a constant script, inside the guard, and never by guest code, which has no way to name it.
 */
export function createRealm(): (() => void) & Partial<RealmSide> {
  const writer = new MsgpackWriter()
  const reader = new MsgpackReader()
  const record: RealmRecord = {
    op: Op.drain,
    status: Status.done,
    run: 0,
    name: '',
    value: undefined,
    length: 0,
    code: 0,
    message: '',
    settled: 0,
    cleanups: false,
    maxOutput: 0,
    maxDepth: 0,
    input: new Uint8Array(INPUT_BYTES),
    output: writer.bytes,
  }
  setPrototypeOf(record, null)
  Object.seal(record)

  let first: Settled | undefined
  let last: Settled | undefined
  /** Runs that wait for a promise, as keys. */
  const waiting = { __proto__: null } as unknown as Record<number, true>
  let warm = false

  const finalization = deferFinalization(globalThis, record)
  removeStreaming()

  const settled = (run: number, fulfilled: boolean, value: unknown): void => {
    if (waiting[run] === undefined) return
    deleteProperty(waiting, run)
    const entry: Settled = { run, fulfilled, value, next: undefined }
    if (last === undefined) first = entry
    else last.next = entry
    last = entry
    record.settled++
  }

  let encoder: ValueEncoder | undefined
  let decoder: ValueDecoder | undefined

  const encode = (status: Status, value: unknown): void => {
    // An encoder that was interrupted is left as it was: no `finally` runs when V8 terminates an evaluate.
    if (encoder === undefined || encoder.busy) encoder = new ValueEncoder(record)
    writer.busy = false
    writer.reset()
    writer.maxBytes = record.maxOutput
    encoder.write(writer, value)
    record.output = writer.bytes
    record.length = writer.position
    record.status = status
  }

  const fail = (code: ErrorCode, message: string): void => {
    record.status = Status.failed
    record.code = ERROR_CODES[code]
    record.message = message
  }

  /** What the guest threw, as well as it can be told. */
  const encodeThrown = (thrown: unknown): void => {
    try {
      encode(Status.threw, thrown)
    } catch {
      encode(Status.threw, errorLike(plainThrown(thrown)))
    }
  }

  const settle = (run: number, value: unknown): void => {
    if (!isThenable(value)) {
      encode(Status.done, value)
      return
    }
    waiting[run] = true
    record.status = Status.pending
    // As `await` does it: a native promise as it is, any other thenable through a job of its own.
    const promise = apply(resolve, NativePromise, [value])
    void apply(then, promise, [(result: unknown) => settled(run, true, result), (reason: unknown) => settled(run, false, reason)])
  }

  const take = (): void => {
    const entry = first
    if (entry === undefined) {
      record.run = 0
      return
    }
    first = entry.next
    if (first === undefined) last = undefined
    record.settled--
    record.run = entry.run
    if (entry.fulfilled) encode(Status.done, entry.value)
    else encodeThrown(entry.value)
  }

  const decodeInput = (): unknown => {
    reader.reset(record.input, 0, record.length)
    const fresh = decoder ?? new ValueDecoder(record)
    decoder = undefined
    const value = fresh.read(reader)
    // Kept only if it came to its end: see encode.
    decoder = fresh
    if (record.input.length > KEPT_INPUT_BYTES) record.input = new Uint8Array(INPUT_BYTES)
    return value
  }

  const call = (run: number): void => {
    const { owner, target } = resolvePath(record.name)
    if (typeof target !== 'function') {
      fail('ERR_NOT_A_FUNCTION', `'${record.name}' is not a function in this context`)
      return
    }
    settle(run, apply(target as (...args: unknown[]) => unknown, owner, decodeInput() as unknown[]))
  }

  const perform = (): void => {
    const { op, run, value } = record
    record.value = undefined
    record.status = Status.done
    record.length = op === Op.set || op === Op.call || op === Op.define || op === Op.reserve ? record.length : 0
    switch (op) {
      case Op.settle:
        settle(run, value)
        return
      case Op.thrown:
        encodeThrown(value)
        return
      case Op.take:
        take()
        return
      case Op.get:
        encode(Status.done, getGlobal(record.name))
        return
      case Op.set:
        setGlobal(record.name, decodeInput())
        encode(Status.done, undefined)
        return
      case Op.delete:
        encode(Status.done, deleteGlobal(record.name))
        return
      case Op.globals:
        encode(Status.done, snapshotGlobals())
        return
      case Op.call:
        call(run)
        return
      case Op.define:
        defineGlobals(decodeInput() as object)
        encode(Status.done, undefined)
        return
      case Op.reserve:
        if (record.input.length < record.length) record.input = new Uint8Array(record.length)
        return
      case Op.drain:
        if (!warm) {
          // The first one comes before any guest code.
          warm = true
          warmUpStacks()
        }
        finalization.run()
        return
      case Op.forget:
        deleteProperty(waiting, run)
        return
      default:
        op satisfies never
    }
  }

  const step: (() => void) & Partial<{ -readonly [Key in keyof RealmSide]: RealmSide[Key] }> = () => {
    try {
      perform()
    } catch (error) {
      if (isCodecError(error)) fail(codeOf(error), error.message)
      else encodeThrown(error)
    }
  }
  step.record = record
  step.hooks = {
    formatStack,
    importModule: (specifier) =>
      apply(rejectPromise, NativePromise, [
        new NativeTypeError(`Cannot import '${specifier as string}': no module of that name was given`),
      ]),
  }
  setPrototypeOf(step.hooks, null)
  return step
}

/** A codec error was made by the codec of this realm side: a guest cannot make one. */
function isCodecError(error: unknown): error is CodecError {
  return typeof error === 'object' && error !== null && getPrototypeOf(error) === CodecError.prototype
}

function codeOf(error: CodecError): ErrorCode {
  switch (error.code) {
    case 'ERR_VALUE_UNSUPPORTED':
    case 'ERR_VALUE_TOO_DEEP':
      return error.code
    case 'ERR_VALUE_TOO_LARGE':
      return 'ERR_OUTPUT_LIMIT'
    case 'ERR_MALFORMED':
    case 'ERR_REENTRANT':
      return 'ERR_PROTOCOL'
  }
}

function isThenable(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return typeof (value as { readonly then?: unknown }).then === 'function'
}

/** An Error of this realm with the given texts. */
function errorLike(plain: { readonly name: string; readonly message: string; readonly stack: string }): Error {
  const error = new Error(plain.message)
  error.name = plain.name
  error.stack = plain.stack
  return error
}

/** They call into code of the main realm, and there is no network to stream from. */
function removeStreaming(): void {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: object }
  if (WebAssembly === undefined) return
  deleteProperty(WebAssembly, 'compileStreaming')
  deleteProperty(WebAssembly, 'instantiateStreaming')
}
