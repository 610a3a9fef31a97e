/**
 * The built-ins that the console and its inspection use besides those of the codec, taken when this module is evaluated: before guest code, which may replace any
 * of them later. What needs more work than taking is left to first use.
 */
import { ErrorOf, getPrototypeOf, getter, method } from '../../../protocol/msgpack/intrinsics.ts'

export const { getOwnPropertyNames, getOwnPropertySymbols, is } = Object
export const { max, min, sqrt } = Math
export const { parseFloat: parseNumber, parseInt: parseInteger } = Number
export const { stringify } = JSON
export const NumberOf = Number
export const PromiseOf = Promise
export const WeakMapOf = WeakMap
export const WeakSetOf = WeakSet
export const BooleanOf = Boolean
export const SymbolOf = Symbol
export const DataViewOf = DataView
export const FunctionOf = Function
export const AggregateErrorOf = AggregateError
export const RangeErrorOf = RangeError
export const TypeErrorOf = TypeError
/** Absent where the embedder removed it. */
export const SharedArrayBufferOf = (globalThis as { SharedArrayBuffer?: SharedArrayBufferConstructor }).SharedArrayBuffer
export const toStringTag: symbol = Symbol.toStringTag
export const toPrimitive: symbol = Symbol.toPrimitive
export const iteratorKey: symbol = Symbol.iterator

export const slice = method(String.prototype, 'slice') as (text: string, start: number, end?: number) => string
export const indexOf = method(String.prototype, 'indexOf') as (text: string, part: string, from?: number) => number
export const lastIndexOf = method(String.prototype, 'lastIndexOf') as (text: string, part: string) => number
export const repeat = method(String.prototype, 'repeat') as (text: string, count: number) => string
export const codePointAt = method(String.prototype, 'codePointAt') as (text: string, index: number) => number
export const normalize = method(String.prototype, 'normalize') as (text: string, form: string) => string
export const toFixed = method(Number.prototype, 'toFixed') as (value: number, digits: number) => string
export const numberToString = method(Number.prototype, 'toString') as (value: number, radix: number) => string
export const symbolToString = method(Symbol.prototype, 'toString') as (value: symbol) => string
export const functionToString = method(Function.prototype, 'toString') as (value: object) => string
export const objectToString = method(Object.prototype, 'toString') as (value: object) => string
export const dateToIso = method(Date.prototype, 'toISOString') as (value: object) => string
/** Reads internal slots only, but for `lastIndex`, which is an own property. */
export const exec = method(RegExp.prototype, 'exec') as (expression: RegExp, text: string) => RegExpExecArray | null
interface Step<T> {
  readonly value: T
  readonly done: boolean
}
export const mapEntries = method(Map.prototype, 'entries') as (map: object) => object
export const mapNext = method(getPrototypeOf(new Map().entries()) as object, 'next') as (
  iterator: object,
) => Step<readonly [unknown, unknown]>
export const setValues = method(Set.prototype, 'values') as (set: object) => object
export const setNext = method(getPrototypeOf(new Set().values()) as object, 'next') as (iterator: object) => Step<unknown>
export const weakMapHas = method(WeakMap.prototype, 'has') as (map: object, key: object) => boolean
export const weakSetHas = method(WeakSet.prototype, 'has') as (set: object, key: object) => boolean
export const sharedByteLength = SharedArrayBufferOf && (getter(SharedArrayBufferOf.prototype, 'byteLength') as (buffer: object) => number)

export const generatorFunctionPrototype = getPrototypeOf(function* () {})

export const captureStackTrace = (ErrorOf as unknown as { captureStackTrace: (target: object, above: unknown) => void }).captureStackTrace
