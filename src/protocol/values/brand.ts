import {
  bigIntToString,
  bufferByteLength,
  dataViewByteLength,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  getter,
  hasOwn,
  isView,
  MapOf,
  mapGet,
  mapSet,
  mapSize,
  objectPrototype,
  typedArrayName,
  method,
} from '../msgpack/intrinsics.ts'

/**
 * What an object that is neither an array nor a plain object is, found without running its code (a Proxy's getPrototypeOf trap excepted).
 *
 * The prototype chain proposes, a captured method that only the real thing survives decides. So an ordinary class instance, whose chain has
 * no built-in prototype but Object.prototype, costs no failed check. Objects of another realm are tried against every check.
 */
export type Brand = (typeof BRANDS)[number]['brand'] | 'view' | 'object'

type Probe = (value: object) => unknown

const global = globalThis as unknown as Record<string, { prototype?: object } | undefined>

const valueOf = (constructor: { prototype: object }): Probe => method(constructor.prototype, 'valueOf') as Probe

export const isError: (value: object) => boolean =
  (Error as unknown as { isError?: (value: unknown) => boolean }).isError ??
  // Before Node 24. An object that merely inherits from Error.prototype passes too.
  ((value: object) => inherits(value, Error.prototype))

const toStringTag: symbol = Symbol.toStringTag

const must = (test: (value: object) => boolean): Probe => {
  return (value) => {
    // oxlint-disable-next-line only-throw-error -- caught by `passes`, which looks at no more than that; to make an error, with its stack, is a good part of what a realm costs
    if (!test(value)) throw undefined
  }
}

export const setSize = getter(Set.prototype, 'size') as (value: object) => number
const bigIntValue: Probe = (value) => bigIntToString(value as unknown as bigint, 10)

const BRANDS = [
  { brand: 'map', prototype: Map.prototype, probe: mapSize },
  { brand: 'set', prototype: Set.prototype, probe: setSize },
  { brand: 'date', prototype: Date.prototype, probe: valueOf(Date) },
  { brand: 'error', prototype: Error.prototype, probe: must(isError) },
  { brand: 'regexp', prototype: RegExp.prototype, probe: getter(RegExp.prototype, 'dotAll') as Probe },
  { brand: 'buffer', prototype: ArrayBuffer.prototype, probe: bufferByteLength },
  { brand: 'number', prototype: Number.prototype, probe: valueOf(Number) },
  { brand: 'string', prototype: String.prototype, probe: valueOf(String) },
  { brand: 'boolean', prototype: Boolean.prototype, probe: valueOf(Boolean) },
  { brand: 'bigint', prototype: BigInt.prototype, probe: bigIntValue },
  { brand: 'symbol', prototype: Symbol.prototype, probe: valueOf(Symbol) },
] as const satisfies readonly { brand: string; prototype: object; probe: Probe }[]

/** Prototypes of what cannot cross, with the words for the error. */
const refused = new MapOf<object, string>()
const candidates = new MapOf<object, (typeof BRANDS)[number]>()
for (let i = 0; i < BRANDS.length; i++) {
  const entry = BRANDS[i] as (typeof BRANDS)[number]
  mapSet(candidates, entry.prototype as object, entry)
}

const refuse = (what: string, prototype: object | null | undefined): void => {
  if (prototype) mapSet(refused, prototype, what)
}
refuse('a SharedArrayBuffer', global['SharedArrayBuffer']?.prototype)
refuse('a Promise', global['Promise']?.prototype)
refuse('a WeakMap', global['WeakMap']?.prototype)
refuse('a WeakSet', global['WeakSet']?.prototype)
refuse('a WeakRef', global['WeakRef']?.prototype)
refuse('a FinalizationRegistry', global['FinalizationRegistry']?.prototype)
refuse('a generator', getPrototypeOf(function* () {}.prototype as object))
refuse('an async generator', getPrototypeOf(async function* () {}.prototype as object))
// After the generators, whose chain has it too.
refuse('an iterator', global['Iterator']?.prototype)
const wasm = global['WebAssembly'] as Record<string, { prototype?: object }> | undefined
refuse('a WebAssembly.Module', wasm?.['Module']?.prototype)
refuse('a WebAssembly.Instance', wasm?.['Instance']?.prototype)
refuse('a WebAssembly.Memory', wasm?.['Memory']?.prototype)
refuse('a WebAssembly.Table', wasm?.['Table']?.prototype)
refuse('a WebAssembly.Global', wasm?.['Global']?.prototype)

/** Known by their tag: to make the whole of Temporal, as the engine does when a realm first touches it, takes a quarter of a millisecond. */
const TEMPORAL_NAMES = [
  'Instant',
  'PlainDate',
  'PlainTime',
  'PlainDateTime',
  'PlainMonthDay',
  'PlainYearMonth',
  'ZonedDateTime',
  'Duration',
]
const temporal = new MapOf<unknown, string>()
for (let i = 0; i < TEMPORAL_NAMES.length; i++) {
  const tag = `Temporal.${TEMPORAL_NAMES[i] as string}`
  mapSet(temporal, tag, `a ${tag}`)
}

function refusedByTag(prototype: object): string | undefined {
  return hasOwn(prototype, toStringTag) ? mapGet(temporal, getOwnPropertyDescriptor(prototype, toStringTag)?.value) : undefined
}

/** A Proxy may answer with a new prototype for ever. */
const LONGEST_CHAIN = 100

/** `refusal` is set when the answer is 'refused'. */
export let refusal = ''

/** `proto` is the prototype of `value`, neither null nor this realm's Object.prototype. */
export function brandOf(value: object, proto: object): Brand | 'refused' {
  if (isView(value)) return 'view'
  let last = proto
  let at: object | null = proto
  for (let i = 0; at !== null && i < LONGEST_CHAIN; i++) {
    const candidate = mapGet(candidates, at)
    if (candidate !== undefined) return passes(candidate.probe, value) ? candidate.brand : 'object'
    const words = mapGet(refused, at) ?? refusedByTag(at)
    if (words !== undefined) {
      refusal = words
      return 'refused'
    }
    last = at
    at = getPrototypeOf(at)
  }
  if (last === objectPrototype || !hasOwn(last, 'hasOwnProperty')) return 'object'
  for (let i = 0; i < BRANDS.length; i++) {
    const entry = BRANDS[i] as (typeof BRANDS)[number]
    if (passes(entry.probe, value)) return entry.brand
  }
  return 'object'
}

function passes(probe: Probe, value: object): boolean {
  try {
    probe(value)
    return true
  } catch {
    return false
  }
}

/** The class name of a view, 'DataView' included; undefined if it lies outside of its buffer, as after a resize. */
export function viewName(view: object): string | undefined {
  const name = typedArrayName(view)
  if (name !== undefined) return name
  return passes(dataViewByteLength, view) ? 'DataView' : undefined
}

/** Whether `prototype` is in the chain of `value`. */
export function inherits(value: object, prototype: object): boolean {
  let at = getPrototypeOf(value)
  for (let i = 0; at !== null && i < LONGEST_CHAIN; i++) {
    if (at === prototype) return true
    at = getPrototypeOf(at)
  }
  return false
}
