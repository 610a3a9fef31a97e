/**
 * Removes everything from the main realm's global object that is not ECMAScript: a guest that got hold of a function of this realm finds no `process`, no `require`, no timers and no fetch through it.
 */
export function emptyMainRealm(): void {
  for (const key of Reflect.ownKeys(globalThis)) {
    if (ECMASCRIPT_GLOBALS.has(key)) continue
    if (!Reflect.deleteProperty(globalThis, key)) throw new Error(`the main realm's ${String(key)} could not be removed`)
  }
}

const ECMASCRIPT_GLOBALS = new Set<PropertyKey>(
  `globalThis Infinity NaN undefined eval isFinite isNaN parseFloat parseInt
  decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape
  Object Function Boolean Symbol Number BigInt Math String RegExp Date Temporal Intl JSON Reflect Proxy
  Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError
  Array Map Set WeakMap WeakSet WeakRef FinalizationRegistry Iterator Promise DisposableStack AsyncDisposableStack
  ArrayBuffer SharedArrayBuffer DataView Atomics Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array
  Uint32Array BigInt64Array BigUint64Array Float16Array Float32Array Float64Array`.split(/\s+/),
)
