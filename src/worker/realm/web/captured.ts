/**
 * The built-ins that the web libraries use, as they were when the library was loaded. What a guest does to its prototypes before that, it does to itself.
 * Marked pure and given by name, so that each library's bundle holds only those that it needs.
 */
export const { apply, construct, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect

type Method = (...args: never[]) => unknown

const functionPrototype = Function.prototype as unknown as { readonly bind: Method; readonly call: Method }
const uncurry = functionPrototype.bind.bind(functionPrototype.call as never) as (fn: unknown) => unknown
const realm = globalThis as unknown as Record<string, { readonly prototype: Record<PropertyKey, unknown> }>

function prototypeOf(owner: string): Record<PropertyKey, unknown> {
  if (owner === 'TypedArray') return getPrototypeOf(Uint8Array.prototype) as Record<PropertyKey, unknown>
  return (realm[owner] as (typeof realm)[string]).prototype
}
const method = (owner: string, name: string): unknown => uncurry(prototypeOf(owner)[name])
const getter = (owner: string, name: string): unknown =>
  uncurry(getOwnPropertyDescriptor(prototypeOf(owner), name === '@@toStringTag' ? toStringTag : name)?.get)

export const ArrayOf = Array
export const Bytes = Uint8Array
export const ErrorOf = Error
export const WeakRefOf = WeakRef
export const encodeComponent = encodeURIComponent
export const decodeComponent = decodeURIComponent
export const iterator: typeof Symbol.iterator = Symbol.iterator
export const toStringTag: typeof Symbol.toStringTag = Symbol.toStringTag
export const { keys: objectKeys, hasOwn } = Object
export const { isView } = ArrayBuffer
export const { fromCharCode } = String
export const { trunc } = Math

export const charCodeAt = /* @__PURE__ */ method('String', 'charCodeAt') as (text: string, index: number) => number
export const indexOf = /* @__PURE__ */ method('String', 'indexOf') as (text: string, part: string, from?: number) => number
export const lastIndexOf = /* @__PURE__ */ method('String', 'lastIndexOf') as (text: string, part: string, from?: number) => number
export const slice = /* @__PURE__ */ method('String', 'slice') as (text: string, from: number, to?: number) => string
export const toLowerCase = /* @__PURE__ */ method('String', 'toLowerCase') as (text: string) => string
export const toWellFormed = /* @__PURE__ */ method('String', 'toWellFormed') as (text: string) => string
export const sort = /* @__PURE__ */ method('Array', 'sort') as <T>(list: T[], compare: (a: T, b: T) => number) => T[]
export const deref = /* @__PURE__ */ method('WeakRef', 'deref') as <T extends object>(ref: WeakRef<T>) => T | undefined

/** The name of a typed array's class, or undefined for anything else. Never throws. */
export const typedArrayName = /* @__PURE__ */ getter('TypedArray', '@@toStringTag') as (value: unknown) => string | undefined
export const typedArrayBuffer = /* @__PURE__ */ getter('TypedArray', 'buffer') as (view: object) => ArrayBufferLike
export const typedArrayOffset = /* @__PURE__ */ getter('TypedArray', 'byteOffset') as (view: object) => number
export const typedArrayByteLength = /* @__PURE__ */ getter('TypedArray', 'byteLength') as (view: object) => number
export const typedArraySet = /* @__PURE__ */ method('Uint8Array', 'set') as (to: Uint8Array, from: Uint8Array, at: number) => void
export const dataViewBuffer = /* @__PURE__ */ getter('DataView', 'buffer') as (view: object) => ArrayBufferLike
export const dataViewOffset = /* @__PURE__ */ getter('DataView', 'byteOffset') as (view: object) => number
export const dataViewByteLength = /* @__PURE__ */ getter('DataView', 'byteLength') as (view: object) => number
export const bufferByteLength = /* @__PURE__ */ getter('ArrayBuffer', 'byteLength') as (buffer: object) => number
export const sharedByteLength = /* @__PURE__ */ getter('SharedArrayBuffer', 'byteLength') as (buffer: object) => number

/** An array that meets no setter of Array.prototype. */
export const newList = <T>(): T[] => {
  const list = new ArrayOf<T>()
  setPrototypeOf(list, null)
  return list
}
