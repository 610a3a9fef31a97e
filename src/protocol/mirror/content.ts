import {
  Bytes,
  bufferByteLength,
  dataViewBuffer,
  dataViewByteLength,
  dataViewOffset,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  isArray,
  isView,
  mapForEach,
  objectKeys,
  objectPrototype,
  setForEach,
  typedArrayBuffer,
  typedArrayByteLength,
  typedArrayName,
  typedArrayOffset,
  typedArraySet,
} from '../msgpack/intrinsics.ts'
import { MAX_MIRRORED_ITEMS } from '../limits.ts'
import { brandOf, refusal } from '../values/brand.ts'
import { dateValue } from '../values/exotic-encoder.ts'
import { NODE_ARRAY, NODE_COPY, NODE_MAP, NODE_OBJECT, NODE_SET, NODE_SPARSE, NODE_STAND_IN } from './mirror-format.ts'
import { newList } from './twin.ts'

const { is } = Object

/** What an object is for the mirror. */
export interface Nature {
  readonly kind: number
  /** It has a class of its own. */
  readonly isInstance: boolean
  /** Of a stand-in: what it stands for. */
  readonly what: string
}

const nature = (kind: number, isInstance = false, what = ''): Nature => ({ kind, isInstance, what })
const plain = nature(NODE_OBJECT)
const instance = nature(NODE_OBJECT, true)
const copied = nature(NODE_COPY)
const denseArray = nature(NODE_ARRAY)
const sparseArray = nature(NODE_SPARSE)

/** Asks an object's prototypes only; a Proxy's traps may run. */
export function natureOf(value: object, isRemote: (value: object) => boolean): Nature {
  if (isArray(value)) return isDense(value) ? denseArray : sparseArray
  const proto = getPrototypeOf(value)
  if (isRemote(value)) return copied
  if (proto === objectPrototype || proto === null) return plain
  const brand = brandOf(value, proto)
  switch (brand) {
    case 'object':
      return instance
    case 'map':
      return nature(NODE_MAP)
    case 'set':
      return nature(NODE_SET)
    case 'refused':
      return nature(NODE_STAND_IN, false, refusal)
    default:
      return copied
  }
}

function isDense(value: readonly unknown[]): boolean {
  const { length } = value
  // As far as it is looked at: there is a limit on items.
  if (length > MAX_MIRRORED_ITEMS) return true
  for (let i = 0; i < length; i++) if (!hasOwn(value, i)) return false
  return objectKeys(value).length === length
}

/** What is in an array, Map or Set: elements; length, then keys and values; keys and values; items. */
export function itemsOf(value: object, kind: number): unknown[] {
  const items = newList()
  let count = 0
  switch (kind) {
    case NODE_ARRAY: {
      const { length } = value as readonly unknown[]
      for (let i = 0; i < length; i++) items[i] = (value as readonly unknown[])[i]
      break
    }
    case NODE_SPARSE: {
      const keys = objectKeys(value)
      items[count++] = (value as readonly unknown[]).length
      for (let i = 0; i < keys.length; i++) {
        items[count++] = keys[i]
        items[count++] = (value as Record<string, unknown>)[keys[i] as string]
      }
      break
    }
    case NODE_MAP:
      mapForEach(value, (item, key) => {
        items[count++] = key
        items[count++] = item
      })
      break
    default:
      setForEach(value, (item) => {
        items[count++] = item
      })
  }
  return items
}

/** By what a change of an object that the codec copies is found out. Empty if it never changes. */
export function fingerprint(value: object): unknown[] {
  const print = newList()
  const bytes = bytesOf(value)
  if (bytes !== undefined) {
    const copy = new Bytes(bytes.length)
    typedArraySet(copy, bytes, 0)
    print[0] = copy
    return print
  }
  const proto = getPrototypeOf(value)
  if (proto === null) return print
  const brand = brandOf(value, proto)
  if (brand === 'date') print[0] = dateValue(value)
  else if (brand === 'error') {
    const keys = ['name', 'message', 'cause', 'errors', 'code']
    for (let i = 0; i < keys.length; i++) print[i] = getOwnPropertyDescriptor(value, keys[i] as string)?.value
    const own = objectKeys(value)
    for (let i = 0, at = keys.length; i < own.length; i++) {
      print[at++] = own[i]
      print[at++] = getOwnPropertyDescriptor(value, own[i] as string)?.value
    }
  }
  return print
}

/** The bytes of a buffer or view, by internal slots; undefined for anything else, and for a view outside of its buffer. */
export function bytesOf(value: object): Uint8Array | undefined {
  try {
    if (!isView(value)) return new Bytes(value as ArrayBuffer, 0, bufferByteLength(value))
    return typedArrayName(value) === undefined
      ? new Bytes(dataViewBuffer(value), dataViewOffset(value), dataViewByteLength(value))
      : new Bytes(typedArrayBuffer(value), typedArrayOffset(value), typedArrayByteLength(value))
  } catch {
    return undefined
  }
}

/** Whether two lists hold the same. */
export function isSame(before: readonly unknown[], now: readonly unknown[]): boolean {
  if (before.length !== now.length) return false
  for (let i = 0; i < now.length; i++) if (!is(before[i], now[i])) return false
  return true
}

/** The same of fingerprints. */
export function isSamePrint(before: readonly unknown[], now: readonly unknown[]): boolean {
  const was = before[0]
  const bytes = now[0]
  return isBytes(was) && isBytes(bytes) ? isSame(was, bytes) : isSame(before, now)
}

const isBytes = (value: unknown): value is readonly unknown[] => typedArrayName(value) === 'Uint8Array'
