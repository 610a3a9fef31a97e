import { CodecError, malformed } from '../msgpack/codec-error.ts'
import {
  ArrayOf,
  Bytes,
  construct,
  DateOf,
  ErrorOf,
  MapOf,
  mapGet,
  mapSet,
  ObjectOf,
  RegExpOf,
  SetOf,
  setAdd,
  setPrototypeOf,
  symbolFor,
} from '../msgpack/intrinsics.ts'
import { arrayIndex } from './array-index.ts'
import { readBuffer, readResizableBuffer, readView } from './buffer-decoder.ts'
import { define, makeSparse } from './define.ts'
import type { ValueDecoder } from './value-decoder.ts'
import { MAX_FUNCTION_NAME, MAX_REGEXP_LENGTH } from './value-options.ts'
import {
  ERROR_NAMES,
  FUNCTION_ASYNC,
  FUNCTION_RETURNS,
  HIDDEN_ERROR_KEYS,
  KIND_ABORT_SIGNAL,
  KIND_ARRAY,
  KIND_ASYNC_ITERABLE,
  KIND_BOXED,
  KIND_BUFFER,
  KIND_DATE,
  KIND_ERROR,
  KIND_FUNCTION,
  KIND_MAP,
  KIND_NULL_OBJECT,
  KIND_READABLE_STREAM,
  KIND_REGEXP,
  KIND_RESIZABLE_BUFFER,
  KIND_SET,
  KIND_SYMBOL,
  KIND_VIEW,
  KIND_WELL_KNOWN_SYMBOL,
  WELL_KNOWN_SYMBOLS,
} from './wire-kinds.ts'

const MAX_DATE = 8.64e15

const errorClasses = setPrototypeOf(new ArrayOf<new () => Error>(), null)
for (let i = 0; i < ERROR_NAMES.length; i++)
  errorClasses[i] = (globalThis as unknown as Record<string, typeof Error | undefined>)[ERROR_NAMES[i] as string] ?? ErrorOf

const wellKnown = new MapOf<string, symbol>()
for (let i = 0; i < WELL_KNOWN_SYMBOLS.length; i++) {
  const name = WELL_KNOWN_SYMBOLS[i] as string
  const symbol = (Symbol as unknown as Record<string, symbol | undefined>)[name]
  if (symbol !== undefined) mapSet(wellKnown, name, symbol)
}

/** A tagged array after its tag, with `fields` fields to come. `depth` is that of what is inside. */
export function readExotic(decoder: ValueDecoder, kind: number, fields: number, depth: number, owed: number): unknown {
  const reader = decoder.reader
  switch (kind) {
    case KIND_ARRAY:
      expect(fields, 3, kind)
      return readSparseArray(decoder, depth, owed)
    case KIND_NULL_OBJECT: {
      expect(fields, 1, kind)
      const target = decoder.add({ __proto__: null })
      decoder.properties(target, true, depth, owed)
      return target
    }
    case KIND_MAP:
      expect(fields, 1, kind)
      return readMap(decoder, depth, owed)
    case KIND_SET:
      expect(fields, 1, kind)
      return readSet(decoder, depth, owed)
    case KIND_DATE: {
      expect(fields, 1, kind)
      const time = reader.number()
      if (time > MAX_DATE || time < -MAX_DATE) throw malformed('a date out of range')
      return decoder.add(new DateOf(time))
    }
    case KIND_REGEXP:
      expect(fields, 2, kind)
      return readRegExp(decoder)
    case KIND_ERROR:
      expect(fields, 6, kind)
      return readError(decoder, depth, owed)
    case KIND_BUFFER:
      expect(fields, 1, kind)
      return readBuffer(decoder)
    case KIND_RESIZABLE_BUFFER:
      expect(fields, 2, kind)
      return readResizableBuffer(decoder)
    case KIND_VIEW:
      expect(fields, 4, kind)
      return readView(decoder, depth, owed)
    case KIND_BOXED: {
      expect(fields, 1, kind)
      const slot = decoder.slot()
      const value = decoder.any(depth, owed)
      if (value === null || value === undefined || typeof value === 'object' || typeof value === 'function')
        throw malformed('a boxed object')
      return decoder.fill(slot, ObjectOf(value) as object)
    }
    case KIND_SYMBOL:
      expect(fields, 1, kind)
      return symbolFor(reader.string())
    case KIND_WELL_KNOWN_SYMBOL: {
      expect(fields, 1, kind)
      const name = reader.string(32)
      const symbol = mapGet(wellKnown, name)
      if (symbol === undefined) throw malformed(`an unknown symbol, ${name}`)
      return symbol
    }
    case KIND_FUNCTION: {
      expect(fields, 3, kind)
      const id = reader.uint32()
      const flags = reader.uint32(0xff)
      const name = reader.string(3 * MAX_FUNCTION_NAME)
      return decoder.handle({ id, isAsync: (flags & FUNCTION_ASYNC) !== 0, returns: (flags & FUNCTION_RETURNS) !== 0, name })
    }
    case KIND_ASYNC_ITERABLE:
    case KIND_READABLE_STREAM:
      expect(fields, 1, kind)
      return decoder.remote(kind, fields, depth, owed)
    case KIND_ABORT_SIGNAL:
      expect(fields, 3, kind)
      return decoder.remote(kind, fields, depth, owed)
    default:
      throw malformed(`an unknown kind, ${kind}, at ${reader.position - 1}`)
  }
}

/** A bare bin is a Uint8Array of its own. */
export function readBytes(decoder: ValueDecoder): Uint8Array {
  return decoder.add(new Bytes(decoder.reader.bin()))
}

function expect(fields: number, wanted: number, kind: number): void {
  if (fields !== wanted) throw malformed(`${fields} fields for the kind ${kind}, which has ${wanted}`)
}

function readSparseArray(decoder: ValueDecoder, depth: number, owed: number): unknown[] {
  const reader = decoder.reader
  const length = reader.uint32()
  const target = decoder.add(new ArrayOf<unknown>())
  const dense = decoder.announced(reader.arrayHeader(length), 1, owed + 1)
  decoder.elements(target, dense, depth, owed + 1)
  // A store for all of `length` would be many times the input.
  if (length > dense + 32) makeSparse(target)
  target.length = length
  const count = decoder.announced(reader.mapHeader(), 2, owed)
  for (let left = count - 1; left >= 0; left--) {
    const type = reader.peek()
    let key: string | number
    if (type < 0x80 || (type >= 0xcc && type <= 0xce)) key = reader.uint32(length - 1)
    else {
      key = decoder.key()
      if (key === 'length' || arrayIndex(key) >= 0) throw malformed(`the array property ${key}`)
    }
    define(target, key, typeof key === 'number' ? decoder.any(depth, owed + 2 * left) : decoder.property(key, depth, owed + 2 * left))
  }
  return target
}

function readMap(decoder: ValueDecoder, depth: number, owed: number): Map<unknown, unknown> {
  const map = decoder.add(new MapOf<unknown, unknown>())
  const count = decoder.announced(decoder.reader.mapHeader(), 2, owed)
  for (let left = count - 1; left >= 0; left--) {
    const key = decoder.any(depth, owed + 2 * left + 1)
    mapSet(map, key, decoder.any(depth, owed + 2 * left))
  }
  return map
}

function readSet(decoder: ValueDecoder, depth: number, owed: number): Set<unknown> {
  const set = decoder.add(new SetOf<unknown>())
  const count = decoder.announced(decoder.reader.arrayHeader(), 1, owed)
  for (let left = count - 1; left >= 0; left--) setAdd(set, decoder.any(depth, owed + left))
  return set
}

function readRegExp(decoder: ValueDecoder): RegExp {
  const source = decoder.reader.string(3 * MAX_REGEXP_LENGTH)
  const flags = decoder.reader.string(16)
  let value: RegExp
  try {
    value = new RegExpOf(source, flags)
  } catch {
    throw new CodecError('ERR_VALUE_UNSUPPORTED', 'a regular expression that does not compile here')
  }
  return decoder.add(value)
}

function readError(decoder: ValueDecoder, depth: number, owed: number): object {
  const reader = decoder.reader
  const type = reader.uint32(ERROR_NAMES.length - 1)
  const name = reader.nil() ? undefined : reader.string()
  const message = reader.nil() ? undefined : reader.string()
  const stack = reader.nil() ? undefined : reader.string()
  // Made as a plain Error: the constructor of AggregateError would iterate. newTarget gives the prototype.
  const error = decoder.add(construct(ErrorOf, noArguments, errorClasses[type] as new () => Error) as object)
  if (message !== undefined) define(error, 'message', message, false)
  if (name !== undefined) define(error, 'name', name, false)
  const title = name ?? ERROR_NAMES[type]
  define(error, 'stack', stack ?? (message ? `${title}: ${message}` : title), false)

  const hidden = decoder.announced(reader.mapHeader(HIDDEN_ERROR_KEYS.length), 2, owed + 1)
  for (let left = hidden - 1; left >= 0; left--) {
    const key = reader.string(16)
    if (!isHiddenKey(key)) throw malformed(`the hidden error property ${key}`)
    define(error, key, decoder.any(depth, owed + 1 + 2 * left), false)
  }
  const count = decoder.announced(reader.mapHeader(), 2, owed)
  for (let left = count - 1; left >= 0; left--) {
    const key = decoder.key()
    const value = decoder.property(key, depth, owed + 2 * left)
    if (typeof value !== 'string' && (key === 'name' || key === 'message' || key === 'stack'))
      throw malformed(`an error whose ${key} is no text`)
    define(error, key, value)
  }
  return error
}

const noArguments: unknown[] = []

function isHiddenKey(key: string): boolean {
  for (let i = 0; i < HIDDEN_ERROR_KEYS.length; i++) if (HIDDEN_ERROR_KEYS[i] === key) return true
  return false
}
