import { CodecError, type CodecErrorCode } from '../msgpack/codec-error.ts'
import {
  asyncIterator,
  getPrototypeOf,
  hasOwn,
  isArray,
  MapOf,
  mapGet,
  mapSet,
  objectKeys,
  objectPrototype,
  symbolKeyFor,
} from '../msgpack/intrinsics.ts'
import type { MsgpackWriter } from '../msgpack/writer.ts'
import { writeBigInt } from './bigint-bytes.ts'
import { isAsyncFunction, writeExotic, wellKnownName } from './exotic-encoder.ts'
import { writeArray } from './array-encoder.ts'
import { DEFAULT_MAX_ITEMS, depthLimit, MAX_BIGINT_BYTES, THEN, type WriteValueOptions } from './value-options.ts'
import { ObjectNumbers } from './object-numbers.ts'
import { PlainObjects } from './plain-objects.ts'
import { STEP_KEY, ValuePath } from './value-path.ts'
import {
  EXT_KIND,
  EXT_REFERENCE,
  EXT_UNDEFINED,
  FUNCTION_ASYNC,
  FUNCTION_RETURNS,
  KIND_FUNCTION,
  KIND_NULL_OBJECT,
  KIND_SYMBOL,
  KIND_WELL_KNOWN_SYMBOL,
} from './wire-kinds.ts'

/**
 * Writes values. One encoder serves many messages, one after the other. Reading a value may run its getters and traps: they can change the
 * value, throw (which is passed on), or come back here (which is refused), but not corrupt what was written.
 */
export class ValueEncoder {
  writer!: MsgpackWriter
  busy = false
  readonly path = new ValuePath()
  /** From one value to the next it may be another: at most {@link depthLimit}'s. */
  maxDepth: number
  readonly maxItems: number
  readonly functionOut: WriteValueOptions['functionOut']
  readonly remoteOut: WriteValueOptions['remoteOut']
  readonly errorStacks: boolean
  /** Bytes of address space that the resizable buffers of this message ask for. */
  reserved = 0
  /** Bytes of each resizable buffer of this message, as they were when it was written. */
  #resizables: Map<object, number> | undefined
  readonly #numbers = new ObjectNumbers()
  #items = 0
  readonly #plain = new PlainObjects()

  constructor(options?: WriteValueOptions) {
    this.maxDepth = depthLimit(options)
    this.maxItems = options?.maxItems ?? DEFAULT_MAX_ITEMS
    this.functionOut = options?.functionOut
    this.remoteOut = options?.remoteOut
    this.errorStacks = options?.errorStacks ?? true
  }

  /** Writes one value at the writer's position. If it throws, the writer is where it was. */
  write(writer: MsgpackWriter, value: unknown): void {
    if (this.busy || writer.busy) throw new CodecError('ERR_REENTRANT', 'a getter tried to write while its value was being written')
    const start = writer.position
    let done = false
    this.busy = true
    this.#plain.begin()
    writer.busy = true
    this.writer = writer
    try {
      this.any(value, 0)
      writer.checkLimit()
      done = true
    } finally {
      if (!done) writer.position = start
      writer.busy = false
      this.busy = false
      if (this.#numbers.next > 0) this.#forget()
    }
  }

  /** A value at `depth` steps from the root, whose steps are in `path`. */
  any(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.writer.string(value)
        break
      case 'number':
        this.writer.number(value)
        break
      case 'boolean':
        this.writer.byte(value ? 0xc3 : 0xc2)
        break
      case 'object':
        if (value === null) this.writer.byte(0xc0)
        else this.#object(value, depth)
        break
      case 'undefined':
        this.writer.mark(EXT_UNDEFINED, 0)
        break
      case 'bigint':
        if (!writeBigInt(this.writer, value)) this.fail('ERR_VALUE_TOO_LARGE', `a bigint of more than ${MAX_BIGINT_BYTES} bytes`, depth)
        break
      case 'symbol':
        this.#symbol(value, depth)
        break
      case 'function':
        this.#function(value, depth)
    }
  }

  /** A value one step further: `step` and `key` say which. */
  child(value: unknown, depth: number, step: number, key: unknown): void {
    this.path.keys[depth] = key
    this.path.steps[depth] = step
    this.any(value, depth + 1)
  }

  /** The header of a tagged array with `fields` fields. */
  tag(kind: number, fields: number): void {
    this.writer.arrayHeader(fields + 1)
    this.writer.mark(EXT_KIND, kind)
  }

  /** Own enumerable properties as a map. */
  properties(value: object, keys: string[], from: number, depth: number): void {
    const count = keys.length - from
    this.count(count, depth)
    const writer = this.writer
    writer.mapHeader(count)
    for (let i = from; i < keys.length; i++) {
      const key = keys[i] as string
      writer.string(key)
      const item = (value as Record<string, unknown>)[key]
      if (typeof item === 'string') writer.string(item)
      else if (typeof item === 'number') writer.number(item)
      else this.child(item, depth, STEP_KEY, key)
    }
  }

  /** Enters a container. */
  enter(depth: number): void {
    if (depth >= this.maxDepth) this.tooDeep(`nested deeper than the limit of ${this.maxDepth}`, depth)
  }

  /** Counts items that are about to be written. */
  count(items: number, depth: number): void {
    this.#items += items
    if (this.#items > this.maxItems) this.fail('ERR_VALUE_TOO_LARGE', `more than the limit of ${this.maxItems} items`, depth)
  }

  /** Writes a reference and returns true if the object occurred before; otherwise gives it the next index. */
  reference(value: object): boolean {
    const next = this.#numbers.next
    const number = this.#numbers.of(value)
    if (number === next) return false
    this.number(EXT_REFERENCE, number)
    return true
  }

  /** An extension that holds the number of an object. */
  number(type: number, number: number): void {
    const writer = this.writer
    if (number < 0x100) {
      writer.mark(type, number)
      return
    }
    const size = number < 0x10000 ? 2 : 4
    writer.extHeader(type, size)
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8) writer.byte((number >>> shift) & 0xff)
  }

  /** The number of the object that was entered last. */
  get latest(): number {
    return this.#numbers.next - 1
  }

  /** How many items may still be written. */
  get itemsLeft(): number {
    return this.maxItems - this.#items
  }

  /** Gives an index to an object that the decoder makes and nobody can refer to. */
  anonymous(): void {
    this.#numbers.skip()
  }

  /** Notes a resizable buffer that is written with `size` bytes. */
  resizable(buffer: object, size: number): void {
    this.#resizables ??= new MapOf<object, number>()
    mapSet(this.#resizables, buffer, size)
  }

  /** Bytes that a resizable buffer was written with; more than any has if it is still to be written. */
  sizeWritten(buffer: object): number {
    return (this.#resizables && mapGet(this.#resizables, buffer)) ?? LARGER_THAN_ANY
  }

  fail(code: CodecErrorCode, reason: string, depth: number): never {
    throw new CodecError(code, reason, this.path.text(depth))
  }

  tooDeep(reason: string, depth: number): never {
    throw new CodecError('ERR_VALUE_TOO_DEEP', reason, this.path.text(depth), 'depth', this.maxDepth)
  }

  #object(value: object, depth: number): void {
    this.enter(depth)
    if (this.reference(value)) return
    if (isArray(value)) writeArray(this, value, depth)
    else {
      const proto = getPrototypeOf(value)
      if (proto === objectPrototype) {
        if (!this.#isRemote(value, depth)) this.#plain.write(this, value, depth)
      } else if (proto === null) {
        if (this.#isRemote(value, depth)) return
        this.tag(KIND_NULL_OBJECT, 1)
        this.properties(value, objectKeys(value), 0, depth)
      } else writeExotic(this, value, proto, depth)
    }
  }

  /** An object literal that is iterated asynchronously is no data. Others are not asked: there are many. */
  #isRemote(value: object, depth: number): boolean {
    return this.remoteOut !== undefined && hasOwn(value, asyncIterator) && this.remote(value, depth)
  }

  #symbol(value: symbol, depth: number): void {
    const key = symbolKeyFor(value)
    const name = key ?? wellKnownName(value)
    if (name === undefined) this.fail('ERR_VALUE_UNSUPPORTED', 'a symbol that is not registered with Symbol.for cannot cross', depth)
    this.tag(key === undefined ? KIND_WELL_KNOWN_SYMBOL : KIND_SYMBOL, 1)
    this.writer.string(name)
  }

  /** Writes an object that stays here, if the hook knows it. */
  remote(value: object, depth: number): boolean {
    const remote = this.remoteOut === undefined ? undefined : (0, this.remoteOut)(value)
    if (remote === undefined) return false
    if (typeof remote === 'string') this.fail('ERR_VALUE_UNSUPPORTED', `${remote} cannot cross`, depth)
    const { kind, parts } = remote
    this.tag(kind, parts.length)
    for (let i = 0; i < parts.length; i++) this.child(parts[i], depth, STEP_KEY, i)
    return true
  }

  #function(value: object, depth: number): void {
    // Whoever awaits its object, or returns it from an asynchronous function, would call it, and wait for as long as it likes.
    if (depth > 0 && this.path.keys[depth - 1] === THEN && this.path.steps[depth - 1] === STEP_KEY)
      this.fail('ERR_VALUE_UNSUPPORTED', "a function named 'then' makes a promise of its object, which cannot cross inside a value", depth)
    const handle = this.functionOut === undefined ? undefined : (0, this.functionOut)(value, isAsyncFunction(value))
    if (handle === undefined) this.fail('ERR_VALUE_UNSUPPORTED', 'a function cannot cross here', depth)
    this.tag(KIND_FUNCTION, 3)
    this.writer.int(handle.id)
    this.writer.int((handle.isAsync ? FUNCTION_ASYNC : 0) | (handle.returns ? FUNCTION_RETURNS : 0))
    this.writer.string(handle.name)
  }

  #forget(): void {
    this.#numbers.forget()
    this.#items = 0
    this.reserved = 0
    this.#resizables = undefined
    this.path.clear()
  }
}

/** Bytes. */
const LARGER_THAN_ANY = 9007199254740991

/** Writes one value. For many values make one ValueEncoder. */
export function writeValue(writer: MsgpackWriter, value: unknown, options?: WriteValueOptions): void {
  new ValueEncoder(options).write(writer, value)
}
