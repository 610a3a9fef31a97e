/** Numbers of the wire form. docs/value-format.md says what each looks like; a number is never used twice. */

/** Extension types. 4 is a string of UTF-16 code units (msgpack/writer.ts). */
export const EXT_UNDEFINED = 0
/** First element of a tagged array; its one byte is a KIND. */
export const EXT_KIND = 1
/** Index of an object that occurred before. */
export const EXT_REFERENCE = 2
export const EXT_BIGINT = 5
/** First element of an array whose other elements are the values of an object that has the keys of an earlier one: the number of that. */
export const EXT_RECORD = 6

export const KIND_ARRAY = 1
export const KIND_NULL_OBJECT = 2
export const KIND_MAP = 3
export const KIND_SET = 4
export const KIND_DATE = 5
export const KIND_REGEXP = 6
export const KIND_ERROR = 7
export const KIND_BUFFER = 8
export const KIND_RESIZABLE_BUFFER = 9
export const KIND_VIEW = 10
export const KIND_BOXED = 11
/** From here on: no objects, nothing inside. */
export const KIND_SYMBOL = 12
export const KIND_WELL_KNOWN_SYMBOL = 13
export const KIND_FUNCTION = 14
/** Objects again, whose parts are values that a hook takes apart and another puts together: they live on at the side that sent them. */
export const KIND_ASYNC_ITERABLE = 15
export const KIND_READABLE_STREAM = 16
export const KIND_ABORT_SIGNAL = 17

/** Flags of a function handle. */
export const FUNCTION_ASYNC = 1
/** The id is of the receiver's table: a function of its own that comes home. */
export const FUNCTION_RETURNS = 2

/** Index is the view type on the wire. */
export const VIEW_NAMES: readonly string[] = [
  'DataView',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
]

/** Index is the error type on the wire. */
export const ERROR_NAMES: readonly string[] = [
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
  'SuppressedError',
]

/** Properties of errors that are not enumerable where the language makes them. */
export const HIDDEN_ERROR_KEYS: readonly string[] = ['cause', 'errors', 'error', 'suppressed']

export const WELL_KNOWN_SYMBOLS: readonly string[] = [
  'asyncIterator',
  'hasInstance',
  'isConcatSpreadable',
  'iterator',
  'match',
  'matchAll',
  'replace',
  'search',
  'species',
  'split',
  'toPrimitive',
  'toStringTag',
  'unscopables',
  'dispose',
  'asyncDispose',
]
