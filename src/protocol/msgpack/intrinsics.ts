/**
 * The built-ins that the codec uses, taken when this module is evaluated.
 *
 * The codec also runs inside a guest's realm, where guest code may later replace any prototype method. Nothing in `msgpack/` or `values/`
 * looks a method up on a prototype after start-up: every call goes through this file.
 */

export const { apply, construct, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect

type Method = (...args: never[]) => unknown

/** `uncurry(f)(self, ...args)` is `f.call(self, ...args)` without reading `call` again. V8 inlines through it. */
const functionPrototype = Function.prototype as unknown as { readonly bind: Method; readonly call: Method }
const uncurry = functionPrototype.bind.bind(functionPrototype.call as never) as (fn: Method) => unknown

/** The method `name` as a function of its `this`. */
export const method = (owner: object, name: PropertyKey): unknown => uncurry((owner as Record<PropertyKey, Method>)[name] as Method)

/** The getter `name` as a function of its `this`. */
export const getter = (owner: object, name: PropertyKey): unknown =>
  uncurry(getOwnPropertyDescriptor(owner, name)?.get as unknown as Method)

export const setPrototypeOf = Object.setPrototypeOf as <T extends object>(target: T, proto: object | null) => T
export const objectKeys = Object.keys
export const hasOwn = Object.hasOwn
export const isArray = Array.isArray as (value: unknown) => value is unknown[]
export const isView = (ArrayBuffer as { readonly isView: (value: unknown) => value is ArrayBufferView }).isView
export const floor = Math.floor
export const fromCharCode = String.fromCharCode
export const symbolKeyFor = Symbol.keyFor
export const symbolFor = Symbol.for
export const StringOf = String
export const ObjectOf = Object
export const BigIntOf = BigInt
export const ArrayOf = Array
export const MapOf = Map
export const SetOf = Set
export const DateOf = Date
export const RegExpOf = RegExp
export const ErrorOf = Error
export const ArrayBufferOf = ArrayBuffer
export const Bytes = Uint8Array

export const asyncIterator: typeof Symbol.asyncIterator = Symbol.asyncIterator
export const asyncIteratorPrototype = getPrototypeOf(getPrototypeOf(async function* () {}.prototype as object) as object) as object

export const arrayPrototype: unknown[] = Array.prototype
export const objectPrototype: object = Object.prototype
export const typedArrayPrototype = getPrototypeOf(Uint8Array.prototype) as object

export const charCodeAt = method(String.prototype, 'charCodeAt') as (text: string, index: number) => number
export const isWellFormed = method(String.prototype, 'isWellFormed') as (text: string) => boolean
export const bigIntToString = method(BigInt.prototype, 'toString') as (value: bigint, radix: number) => string

export const mapGet = method(Map.prototype, 'get') as <K, V>(map: Map<K, V>, key: K) => V | undefined
export const mapSet = method(Map.prototype, 'set') as <K, V>(map: Map<K, V>, key: K, value: V) => void
/** The value that `key` has already, or `value`, which it then has. One look-up where the language offers it (Node 26). */
export const mapGetOrInsert = (
  'getOrInsert' in Map.prototype
    ? method(Map.prototype, 'getOrInsert')
    : <K, V>(map: Map<K, V>, key: K, value: V): V => {
        const present = mapGet(map, key)
        if (present === undefined) mapSet(map, key, value)
        return present ?? value
      }
) as <K, V>(map: Map<K, V>, key: K, value: V) => V
export const mapDelete = method(Map.prototype, 'delete') as <K>(map: Map<K, unknown>, key: K) => boolean
export const mapSize = getter(Map.prototype, 'size') as (map: object) => number
export const mapClear = method(Map.prototype, 'clear') as (map: Map<unknown, unknown>) => void
export const mapForEach = method(Map.prototype, 'forEach') as (map: object, visit: (value: unknown, key: unknown) => void) => void
export const setAdd = method(Set.prototype, 'add') as (set: Set<unknown>, value: unknown) => void
export const setForEach = method(Set.prototype, 'forEach') as (set: object, visit: (value: unknown) => void) => void

export const WeakMapOf = WeakMap
export const weakMapGet = method(WeakMap.prototype, 'get') as <K extends object, V>(map: WeakMap<K, V>, key: K) => V | undefined
export const weakMapSet = method(WeakMap.prototype, 'set') as <K extends object, V>(map: WeakMap<K, V>, key: K, value: V) => void
export const weakMapDelete = method(WeakMap.prototype, 'delete') as <K extends object>(map: WeakMap<K, unknown>, key: K) => boolean

export const WeakRefOf = WeakRef
export const FinalizationRegistryOf = FinalizationRegistry
export const deref = method(WeakRef.prototype, 'deref') as <T extends object>(ref: WeakRef<T>) => T | undefined
export const registryRegister = method(FinalizationRegistry.prototype, 'register') as <T>(
  registry: FinalizationRegistry<T>,
  target: object,
  held: T,
  token: object,
) => void
export const registryUnregister = method(FinalizationRegistry.prototype, 'unregister') as (
  registry: FinalizationRegistry<never> | object,
  token: object,
) => boolean

export const typedArraySet = method(Uint8Array.prototype, 'set') as (target: Uint8Array, source: Uint8Array, at: number) => void
export const copyWithin = method(Uint8Array.prototype, 'copyWithin') as (bytes: Uint8Array, to: number, start: number, end: number) => void
/** The name of a typed array's class, or undefined for anything else. Never throws. */
export const typedArrayName = getter(typedArrayPrototype, Symbol.toStringTag) as (value: unknown) => string | undefined
export const typedArrayBuffer = getter(typedArrayPrototype, 'buffer') as (view: object) => ArrayBuffer
export const typedArrayOffset = getter(typedArrayPrototype, 'byteOffset') as (view: object) => number
export const typedArrayLength = getter(typedArrayPrototype, 'length') as (view: object) => number
export const typedArrayByteLength = getter(typedArrayPrototype, 'byteLength') as (view: object) => number
/** Throws for a view that lies outside of its buffer. */
export const typedArrayAt = method(Uint8Array.prototype, 'at') as (view: object, index: number) => unknown
export const dataViewBuffer = getter(DataView.prototype, 'buffer') as (view: object) => ArrayBuffer
export const dataViewOffset = getter(DataView.prototype, 'byteOffset') as (view: object) => number
export const dataViewByteLength = getter(DataView.prototype, 'byteLength') as (view: object) => number
export const bufferByteLength = getter(ArrayBuffer.prototype, 'byteLength') as (buffer: object) => number
export const bufferMaxByteLength = getter(ArrayBuffer.prototype, 'maxByteLength') as (buffer: object) => number
export const bufferResizable = getter(ArrayBuffer.prototype, 'resizable') as (buffer: object) => boolean
export const bufferDetached = getter(ArrayBuffer.prototype, 'detached') as (buffer: object) => boolean
export const bufferResize = method(ArrayBuffer.prototype, 'resize') as (buffer: object, byteLength: number) => void
