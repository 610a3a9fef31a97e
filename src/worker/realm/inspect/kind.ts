import {
  ArrayBufferOf,
  ArrayOf,
  bufferByteLength,
  DateOf,
  ErrorOf,
  getPrototypeOf,
  isArray,
  isView,
  MapOf,
  mapGet,
  mapSet,
  mapSize,
  objectPrototype,
  RegExpOf,
  SetOf,
  StringOf,
  BigIntOf,
  ObjectOf,
  typedArrayName,
  typedArrayPrototype,
} from '../../../protocol/msgpack/intrinsics.ts'
import { isError, setSize } from '../../../protocol/values/brand.ts'
import {
  bigIntValue,
  booleanValue,
  dateValue,
  numberValue,
  regExpSource,
  stringValue,
  symbolValue,
} from '../../../protocol/values/exotic-encoder.ts'
import { viewClassOfPrototype } from '../../../protocol/values/view-classes.ts'
import {
  AggregateErrorOf,
  BooleanOf,
  DataViewOf,
  FunctionOf,
  NumberOf,
  PromiseOf,
  RangeErrorOf,
  SharedArrayBufferOf,
  sharedByteLength,
  SymbolOf,
  TypeErrorOf,
  WeakMapOf,
  weakMapHas,
  WeakSetOf,
  weakSetHas,
} from './intrinsics.ts'
import { type List, list } from './list.ts'
import { LONGEST_CHAIN } from './own-data.ts'

/** How an object is shown. */
export type Kind =
  | 'object'
  | 'function'
  | 'array'
  | 'typed array'
  | 'data view'
  | 'map'
  | 'set'
  | 'date'
  | 'regexp'
  | 'error'
  | 'buffer'
  | 'shared buffer'
  | 'promise'
  | 'weak map'
  | 'weak set'
  | 'number'
  | 'string'
  | 'boolean'
  | 'bigint'
  | 'symbol'

interface BuiltIn {
  readonly name: string
  readonly kind: Kind
  /** Throws or returns false for anything else. Without one, the prototype has to do. */
  readonly probe: ((value: object) => unknown) | undefined
}

interface BuiltIns {
  readonly all: List<BuiltIn>
  readonly byPrototype: Map<object, BuiltIn>
}

let builtIns: BuiltIns | undefined

/** Made on first use. No guest can have changed what is read here: the `prototype` of a built-in class is read-only. */
function makeBuiltIns(): BuiltIns {
  const all: List<BuiltIn> = list()
  const byPrototype = new MapOf<object, BuiltIn>()
  const add = (prototype: object, name: string, kind: Kind, probe?: BuiltIn['probe']): void => {
    const entry = { name, kind, probe }
    all[all.length] = entry
    mapSet(byPrototype, prototype, entry)
  }
  const key = {}
  add(ObjectOf.prototype, 'Object', 'object')
  add(FunctionOf.prototype, 'Function', 'object')
  add(ArrayOf.prototype, 'Array', 'object')
  add(typedArrayPrototype, 'TypedArray', 'object')
  add(DataViewOf.prototype, 'DataView', 'object')
  add(MapOf.prototype, 'Map', 'map', mapSize)
  add(SetOf.prototype, 'Set', 'set', setSize)
  add(DateOf.prototype, 'Date', 'date', dateValue)
  add(RegExpOf.prototype, 'RegExp', 'regexp', regExpSource)
  add(ErrorOf.prototype, 'Error', 'error', isError)
  add(RangeErrorOf.prototype, 'RangeError', 'error', isError)
  add(TypeErrorOf.prototype, 'TypeError', 'error', isError)
  add(AggregateErrorOf.prototype, 'AggregateError', 'error', isError)
  add(ArrayBufferOf.prototype, 'ArrayBuffer', 'buffer', bufferByteLength)
  if (SharedArrayBufferOf !== undefined) add(SharedArrayBufferOf.prototype, 'SharedArrayBuffer', 'shared buffer', sharedByteLength)
  add(PromiseOf.prototype, 'Promise', 'promise')
  add(WeakMapOf.prototype, 'WeakMap', 'weak map', (value) => weakMapHas(value, key) || value)
  add(WeakSetOf.prototype, 'WeakSet', 'weak set', (value) => weakSetHas(value, key) || value)
  add(NumberOf.prototype, 'Number', 'number', numberValue)
  add(StringOf.prototype, 'String', 'string', stringValue)
  add(BooleanOf.prototype, 'Boolean', 'boolean', booleanValue)
  add(BigIntOf.prototype, 'BigInt', 'bigint', bigIntValue)
  add(SymbolOf.prototype, 'Symbol', 'symbol', symbolValue)
  return { all, byPrototype }
}

/** The name of the built-in class that has this prototype, whatever became of its `constructor`. */
export const builtInName = (prototype: object): string | undefined =>
  mapGet((builtIns ??= makeBuiltIns()).byPrototype, prototype)?.name ?? mapGet(viewClassOfPrototype, prototype)?.name

/**
 * The prototype chain proposes, internal slots decide; what has no known chain is tried for everything. So a Proxy is told from what it stands for, but for an
 * array, which the language itself treats as one. Throws for a revoked Proxy, and what a Proxy's trap throws.
 */
export function kindOf(value: object): Kind {
  const { all, byPrototype } = (builtIns ??= makeBuiltIns())
  if (isArray(value)) return 'array'
  if (typeof value === 'function') return 'function'
  if (isView(value)) return typedArrayName(value) === undefined ? 'data view' : 'typed array'
  let at = getPrototypeOf(value)
  for (let i = 0; at !== null && i < LONGEST_CHAIN; i++) {
    if (at === objectPrototype) return 'object'
    const found = mapGet(byPrototype, at)
    if (found !== undefined) {
      // What merely inherits from an error is shown as one.
      return found.kind === 'error' || found.probe === undefined || passes(found.probe, value) ? found.kind : 'object'
    }
    at = getPrototypeOf(at)
  }
  for (let i = 0; i < all.length; i++) {
    const { kind, probe } = all[i] as BuiltIn
    if (probe !== undefined && passes(probe, value)) return kind
  }
  return 'object'
}

function passes(probe: NonNullable<BuiltIn['probe']>, value: object): boolean {
  try {
    return probe(value) !== false
  } catch {
    return false
  }
}

/** What stands for the class of an object that has no prototype to tell it. */
export function kindName(kind: Kind, value: object): string {
  if (kind === 'array') return 'Array'
  if (kind === 'function') return 'Function'
  if (kind === 'typed array') return typedArrayName(value) as string
  if (kind === 'data view') return 'DataView'
  const { all } = (builtIns ??= makeBuiltIns())
  for (let i = 0; i < all.length; i++) if ((all[i] as BuiltIn).kind === kind) return (all[i] as BuiltIn).name
  return 'Object'
}

/** Whether `value` is a revoked Proxy: the only object that this question makes throw. */
export function isRevoked(value: object): boolean {
  try {
    isArray(value)
    return false
  } catch {
    return true
  }
}
