import { CodecError } from '../../protocol/msgpack/codec-error.ts'
import {
  ArrayOf,
  ErrorOf,
  getPrototypeOf,
  hasOwn,
  isArray,
  MapOf,
  mapGet,
  mapSet,
  objectKeys,
  setPrototypeOf,
  StringOf,
} from '../../protocol/msgpack/intrinsics.ts'
import { inherits } from '../../protocol/values/brand.ts'
import { define } from '../../protocol/values/define.ts'
import { HIDDEN_ERROR_KEYS } from '../../protocol/values/wire-kinds.ts'
import { attempt, isObject, read, readText } from './careful.ts'

const errorPrototype: object = ErrorOf.prototype
const { isError } = ErrorOf as unknown as { readonly isError: (value: unknown) => boolean }

/** How much is told of an error that cannot cross as it is: errors in all, its causes and theirs among them, and properties or entries of each. */
const MAX_ERRORS = 50
const MAX_PROPERTIES = 1_000

/** Has `write` write what the guest threw: as it is or, if it cannot cross, as well as it can be told. Throws a codec error if even its texts are too large. */
export function writeThrown<Result>(thrown: unknown, write: (value: unknown) => Result): Result {
  try {
    return write(isErrorLike(thrown) ? errorOf(thrown) : thrown)
  } catch (failure) {
    const why = CodecError.is(failure) ? failure.message : undefined
    try {
      return write(likenessOf(thrown, why))
    } catch {
      return write(bareLikenessOf(thrown))
    }
  }
}

/** An error to `instanceof` or to the engine, but not to both: a Proxy of one, an object of a class that merely inherits from Error, an error with another prototype. */
function isErrorLike(thrown: unknown): thrown is object {
  return isObject(thrown) && attempt(() => isError(thrown) !== inherits(thrown, errorPrototype)) === true
}

/** What looks like an error, as one that the engine takes for one, with the same properties. Never throws. */
function errorOf(like: object): Error {
  const error = bareLikenessOf(like)
  fill(error, like, (value) => value)
  return error
}

/**
 * An error that tells as much as every encoder can carry of something thrown that cannot cross as it is: it holds a private symbol, is nested too deeply, has getters that
 * throw. Never throws.
 *
 * @param why it cannot cross; told of what is no error, and so has no texts of its own
 */
export function likenessOf(thrown: unknown, why?: string): Error {
  if (isObject(thrown) && (isError(thrown) || isErrorLike(thrown))) return new Likenesses().of(thrown)
  const message = `the guest threw ${describe(thrown)}${why === undefined ? '' : ` (${why})`}`
  return newError('GuestError', message, `GuestError: ${message}`)
}

/** Name, message and stack of an error alone. Never throws. */
function bareLikenessOf(thrown: unknown): Error {
  return newError(readText(thrown, 'name') ?? 'Error', readText(thrown, 'message') ?? '', readText(thrown, 'stack'))
}

/** An error and those that it leads to, each once. */
class Likenesses {
  readonly #made = new MapOf<object, Error>()
  #left = MAX_ERRORS

  of(thrown: object): Error {
    const error = bareLikenessOf(thrown)
    attempt(() => {
      const prototype = getPrototypeOf(thrown)
      if (prototype !== null && inherits(prototype, errorPrototype)) setPrototypeOf(error, prototype)
    })
    // Known before its parts are: they may lead back to it.
    mapSet(this.#made, thrown, error)
    this.#left--
    fill(error, thrown, (value) => (isObject(value) && attempt(() => isArray(value)) === true ? this.#list(value) : this.#part(value)))
    return error
  }

  #list(list: object): unknown[] {
    const copy = new ArrayOf<unknown>()
    const length = lengthOf(list)
    for (let i = 0; i < length; i++) define(copy, i, this.#part(read(list, i)))
    return copy
  }

  /** `undefined` for what is left out. */
  #part(value: unknown): unknown {
    if (!isObject(value)) return isPlain(value) ? value : undefined
    const made = mapGet(this.#made, value)
    if (made !== undefined) return made
    return this.#left > 0 && (isError(value) || isErrorLike(value)) ? this.of(value) : undefined
  }
}

/** Gives `error` the properties of `thrown` for which `part` gives anything. */
function fill(error: Error, thrown: object, part: (value: unknown) => unknown): void {
  for (let i = 0; i < HIDDEN_ERROR_KEYS.length; i++) {
    const key = HIDDEN_ERROR_KEYS[i] as string
    if (attempt(() => hasOwn(thrown, key)) === true) fillIn(error, key, part(read(thrown, key)), false)
  }
  const keys = attempt(() => objectKeys(thrown)) ?? []
  for (let i = 0; i < keys.length && i < MAX_PROPERTIES; i++) {
    const key = keys[i] as string
    if (!hasOwn(error, key)) fillIn(error, key, part(read(thrown, key)), true)
  }
}

function fillIn(error: Error, key: string, value: unknown, enumerable: boolean): void {
  if (value !== undefined) define(error, key, value, enumerable)
}

/** Defined, not assigned: a guest may have put setters on the prototypes. */
function newError(name: string, message: string, stack: string | undefined): Error {
  const error = new ErrorOf(message)
  define(error, 'name', name, false)
  define(error, 'stack', stack, false)
  return error
}

/** What can always cross. */
function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'symbol') return StringOf(thrown)
  if (isObject(thrown))
    return typeof thrown === 'function' ? 'a function' : attempt(() => isArray(thrown)) === true ? 'an array' : 'an object'
  return `a ${typeof thrown}`
}

function lengthOf(list: object): number {
  const length = read(list, 'length')
  return typeof length !== 'number' ? 0 : length < MAX_PROPERTIES ? length : MAX_PROPERTIES
}
