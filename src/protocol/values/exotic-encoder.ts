import {
  ArrayOf,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  getter,
  hasOwn,
  mapForEach,
  MapOf,
  mapGet,
  mapSet,
  objectKeys,
  setForEach,
  setPrototypeOf,
  StringOf,
  method,
} from '../msgpack/intrinsics.ts'
import { brandOf, refusal } from './brand.ts'
import { writeBuffer, writeView } from './buffer-encoder.ts'
import type { ValueEncoder } from './value-encoder.ts'
import { MAX_REGEXP_LENGTH } from './value-options.ts'
import { STEP_KEY, STEP_MAP_KEY, STEP_MAP_VALUE, STEP_SET_ITEM } from './value-path.ts'
import {
  ERROR_NAMES,
  HIDDEN_ERROR_KEYS,
  KIND_BOXED,
  KIND_DATE,
  KIND_ERROR,
  KIND_MAP,
  KIND_REGEXP,
  KIND_SET,
  WELL_KNOWN_SYMBOLS,
} from './wire-kinds.ts'

export const bigIntValue = method(BigInt.prototype, 'valueOf') as (value: object) => bigint
export const numberValue = method(Number.prototype, 'valueOf') as (value: object) => number
export const stringValue = method(String.prototype, 'valueOf') as (value: object) => string
export const booleanValue = method(Boolean.prototype, 'valueOf') as (value: object) => boolean
export const symbolValue = method(Symbol.prototype, 'valueOf') as (value: object) => symbol
export const dateValue = method(Date.prototype, 'getTime') as (value: object) => number
export const regExpSource = getter(RegExp.prototype, 'source') as (value: object) => string

/** The flags of a RegExp one by one: the `flags` getter would read properties that guest code can replace. */
const FLAGS = ['hasIndices', 'global', 'ignoreCase', 'multiline', 'dotAll', 'unicode', 'unicodeSets', 'sticky']
const FLAG_LETTERS = 'dgimsuvy'
const flagGetters = setPrototypeOf(new ArrayOf<(value: object) => boolean>(), null)
for (let i = 0; i < FLAGS.length; i++) flagGetters[i] = getter(RegExp.prototype, FLAGS[i] as string) as (value: object) => boolean

const asyncFunctionPrototype = getPrototypeOf(async () => {})
export const asyncGeneratorFunctionPrototype = getPrototypeOf(async function* () {})

const wellKnown = new MapOf<symbol, string>()
for (let i = 0; i < WELL_KNOWN_SYMBOLS.length; i++) {
  const name = WELL_KNOWN_SYMBOLS[i] as string
  const symbol = (Symbol as unknown as Record<string, symbol | undefined>)[name]
  if (symbol !== undefined) mapSet(wellKnown, symbol, name)
}

const errorTypes = new MapOf<object, number>()
for (let i = 0; i < ERROR_NAMES.length; i++) {
  const type = (globalThis as unknown as Record<string, { prototype: object } | undefined>)[ERROR_NAMES[i] as string]
  if (type !== undefined) mapSet(errorTypes, type.prototype, i)
}

export const wellKnownName = (symbol: symbol): string | undefined => mapGet(wellKnown, symbol)

/** Whether calling it gives a promise. An async generator function gives its iterator at once. */
export function isAsyncFunction(fn: object): boolean {
  return getPrototypeOf(fn) === asyncFunctionPrototype
}

/** Writes an object that is neither an array nor plain, and that has its index already. */
export function writeExotic(encoder: ValueEncoder, value: object, proto: object, depth: number): void {
  const brand = brandOf(value, proto)
  switch (brand) {
    case 'object':
      if (!encoder.remote(value, depth)) encoder.properties(value, objectKeys(value), 0, depth)
      break
    case 'map':
      writeMap(encoder, value, depth)
      break
    case 'set':
      writeSet(encoder, value, depth)
      break
    case 'date':
      encoder.tag(KIND_DATE, 1)
      encoder.writer.number(dateValue(value))
      break
    case 'error':
      writeError(encoder, value, depth)
      break
    case 'regexp':
      writeRegExp(encoder, value, depth)
      break
    case 'buffer':
      writeBuffer(encoder, value, depth)
      break
    case 'view':
      writeView(encoder, value, proto, depth)
      break
    case 'number':
      encoder.tag(KIND_BOXED, 1)
      encoder.writer.number(numberValue(value))
      break
    case 'string':
      encoder.tag(KIND_BOXED, 1)
      encoder.writer.string(stringValue(value))
      break
    case 'boolean':
      encoder.tag(KIND_BOXED, 1)
      encoder.writer.bool(booleanValue(value))
      break
    case 'bigint':
      encoder.tag(KIND_BOXED, 1)

      encoder.any(bigIntValue(value), depth)
      break
    case 'symbol':
      encoder.tag(KIND_BOXED, 1)
      encoder.any(symbolValue(value), depth)
      break
    case 'refused': {
      // The hook may run code that refuses something else.
      const words = refusal
      if (!encoder.remote(value, depth)) encoder.fail('ERR_VALUE_UNSUPPORTED', `${words} cannot cross`, depth)
    }
  }
}

function writeMap(encoder: ValueEncoder, map: object, depth: number): void {
  // Taken first: a getter inside may change the map.
  const items = setPrototypeOf(new ArrayOf<unknown>(), null)
  let size = 0
  mapForEach(map, (value, key) => {
    items[size++] = key
    items[size++] = value
  })
  encoder.count(size >> 1, depth)
  encoder.tag(KIND_MAP, 1)
  encoder.writer.mapHeader(size >> 1)
  for (let i = 0; i < size; i += 2) {
    encoder.child(items[i], depth, STEP_MAP_KEY, i >> 1)
    encoder.child(items[i + 1], depth, STEP_MAP_VALUE, items[i])
  }
}

function writeSet(encoder: ValueEncoder, set: object, depth: number): void {
  const items = setPrototypeOf(new ArrayOf<unknown>(), null)
  let size = 0
  setForEach(set, (value) => {
    items[size++] = value
  })
  encoder.count(size, depth)
  encoder.tag(KIND_SET, 1)
  encoder.writer.arrayHeader(size)
  for (let i = 0; i < size; i++) encoder.child(items[i], depth, STEP_SET_ITEM, i)
}

function writeRegExp(encoder: ValueEncoder, value: object, depth: number): void {
  const source = regExpSource(value)
  if (source.length > MAX_REGEXP_LENGTH) encoder.fail('ERR_VALUE_TOO_LARGE', `a regular expression longer than ${MAX_REGEXP_LENGTH}`, depth)
  encoder.tag(KIND_REGEXP, 2)
  encoder.writer.string(source)
  encoder.writer.string(regExpFlags(value))
}

export function regExpFlags(value: object): string {
  let flags = ''
  for (let i = 0; i < FLAGS.length; i++) if ((flagGetters[i] as (value: object) => boolean)(value)) flags += FLAG_LETTERS[i] as string
  return flags
}

function writeError(encoder: ValueEncoder, value: object, depth: number): void {
  const error = value as { name?: unknown; message?: unknown; stack?: unknown }
  const writer = encoder.writer
  const { name, message } = error
  const stack = encoder.errorStacks ? stackOf(error) : undefined
  const type = errorType(value, name)
  encoder.tag(KIND_ERROR, 6)
  writer.int(type)
  if (typeof name === 'string' && name !== ERROR_NAMES[type]) writer.string(name)
  else writer.nil()
  if (typeof message === 'string' ? message !== '' || hasOwn(value, 'message') : message !== undefined && hasOwn(value, 'message'))
    writer.string(StringOf(message))
  else writer.nil()
  if (typeof stack === 'string') writer.string(stack)
  else writer.nil()

  let hidden = 0
  for (let i = 0; i < HIDDEN_ERROR_KEYS.length; i++) {
    const key = HIDDEN_ERROR_KEYS[i] as string
    if (getOwnPropertyDescriptor(value, key)?.enumerable === false) hidden |= 1 << i
  }
  const hiddenCount = (hidden & 1) + ((hidden >> 1) & 1) + ((hidden >> 2) & 1) + ((hidden >> 3) & 1)
  encoder.count(hiddenCount, depth)
  writer.mapHeader(hiddenCount)
  for (let i = 0; i < HIDDEN_ERROR_KEYS.length; i++) {
    if ((hidden & (1 << i)) === 0) continue
    const key = HIDDEN_ERROR_KEYS[i] as string
    writer.string(key)
    encoder.child((value as Record<string, unknown>)[key], depth, STEP_KEY, key)
  }

  // A name or message that is enumerable, as a class field is, comes a second time; but only a text, which is what everybody takes them for who shows an error.
  const keys = objectKeys(value)
  const rest = setPrototypeOf(new ArrayOf<string>(), null)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string
    if (key === 'stack' || (key === 'name' && typeof name !== 'string') || (key === 'message' && typeof message !== 'string')) continue
    rest[rest.length] = key
  }
  encoder.count(rest.length, depth)
  writer.mapHeader(rest.length)
  for (let i = 0; i < rest.length; i++) {
    const key = rest[i] as string
    writer.string(key)
    // Not read again: a getter may give something else now.
    if (key === 'name') writer.string(name as string)
    else if (key === 'message') writer.string(message as string)
    else encoder.child((value as Record<string, unknown>)[key], depth, STEP_KEY, key)
  }
}

/** The engine formats a stack when it is read, with guest code that may fail. An error without its stack is better than none. */
function stackOf(error: { stack?: unknown }): unknown {
  try {
    return error.stack
  } catch {
    return undefined
  }
}

/** By the prototype chain; for an error of another realm by its name. */
function errorType(value: object, name: unknown): number {
  let at = getPrototypeOf(value)
  for (let i = 0; at !== null && i < 100; i++) {
    const type = mapGet(errorTypes, at)
    if (type !== undefined) return type
    at = getPrototypeOf(at)
  }
  for (let i = 0; i < ERROR_NAMES.length; i++) if (ERROR_NAMES[i] === name) return i
  return 0
}
