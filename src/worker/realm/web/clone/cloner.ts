import {
  ArrayBufferOf,
  ArrayOf,
  bufferByteLength,
  bufferDetached,
  bufferMaxByteLength,
  bufferResizable,
  Bytes,
  DateOf,
  getPrototypeOf,
  hasOwn,
  isArray,
  mapForEach,
  MapOf,
  mapGet,
  mapSet,
  method,
  objectKeys,
  ObjectOf,
  objectPrototype,
  RegExpOf,
  setAdd,
  setForEach,
  SetOf,
  setPrototypeOf,
  typedArraySet,
} from '../../../../protocol/msgpack/intrinsics.ts'
import { brandOf, refusal } from '../../../../protocol/values/brand.ts'
import { define } from '../../../../protocol/values/define.ts'
import { isInterfacePrototype, use } from '../context.ts'
import { cloneError } from './clone-error.ts'
import { dataCloneError } from '../dom-error.ts'
import { makeView, shapeOf, type ViewShape } from './view-shape.ts'

const timeOf = method(Date.prototype, 'getTime') as (date: object) => number
const numberOf = method(Number.prototype, 'valueOf') as (boxed: object) => number
const stringOf = method(String.prototype, 'valueOf') as (boxed: object) => string
const booleanOf = method(Boolean.prototype, 'valueOf') as (boxed: object) => boolean
const bigIntOf = method(BigInt.prototype, 'valueOf') as (boxed: object) => bigint

/** Prototypes looked at before a chain counts as endless: a Proxy may answer with a new one for ever. */
const LONGEST_CHAIN = 100

/** One structured clone: StructuredSerialize and StructuredDeserialize in one go, https://html.spec.whatwg.org/multipage/structured-data.html */
export class Cloner {
  /** What each object has become. */
  readonly memory = new MapOf<object, object>()

  clone(value: unknown): unknown {
    if (typeof value === 'symbol') throw dataCloneError('A symbol could not be cloned.')
    if (typeof value === 'function') throw dataCloneError('A function could not be cloned.')
    if (typeof value !== 'object' || value === null) return value
    const known = mapGet(this.memory, value)
    if (known !== undefined) return known
    if (isArray(value)) return this.#properties(value, new ArrayOf<unknown>(value.length))
    const proto = getPrototypeOf(value)
    if (proto === objectPrototype || proto === null) return this.#properties(value, {})
    return this.#exotic(value, proto)
  }

  /** A view of `buffer`, the clone of the one that the view is of. */
  protected view(view: object, shape: ViewShape): object {
    return this.#note(view, makeView(shape, this.clone(shape.buffer) as ArrayBuffer))
  }

  #exotic(value: object, proto: object): unknown {
    if (hasInterface(proto)) return this.#platformObject(value)
    switch (brandOf(value, proto)) {
      case 'object':
        return this.#properties(value, {})
      case 'map':
        return this.#map(value)
      case 'set':
        return this.#set(value)
      case 'date':
        return this.#note(value, new DateOf(timeOf(value)))
      case 'regexp':
        return this.#note(value, new RegExpOf(value as RegExp))
      case 'error':
        return cloneError(value, this)
      case 'buffer':
        return this.#buffer(value)
      case 'view':
        return this.view(value, shapeOf(value))
      case 'number':
        return this.#note(value, ObjectOf(numberOf(value)))
      case 'string':
        return this.#note(value, ObjectOf(stringOf(value)))
      case 'boolean':
        return this.#note(value, ObjectOf(booleanOf(value)))
      case 'bigint':
        return this.#note(value, ObjectOf(bigIntOf(value)))
      case 'symbol':
        throw dataCloneError('A Symbol object could not be cloned.')
      case 'refused':
        throw dataCloneError(`${refusal} could not be cloned.`)
    }
  }

  #note<T extends object>(value: object, copy: T): T {
    mapSet(this.memory, value, copy)
    return copy
  }

  #properties(value: object, copy: object): object {
    mapSet(this.memory, value, copy)
    const keys = objectKeys(value)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string
      // A getter before it may have taken it away.
      if (hasOwn(value, key)) define(copy, key, this.clone((value as Record<string, unknown>)[key]))
    }
    return copy
  }

  #map(value: object): object {
    const copy = this.#note(value, new MapOf<unknown, unknown>())
    // Taken first: a getter inside may change the map.
    const items = setPrototypeOf(new ArrayOf<unknown>(), null)
    mapForEach(value, (item, key) => {
      items[items.length] = key
      items[items.length] = item
    })
    for (let i = 0; i < items.length; i += 2) mapSet(copy, this.clone(items[i]), this.clone(items[i + 1]))
    return copy
  }

  #set(value: object): object {
    const copy = this.#note(value, new SetOf<unknown>())
    const items = setPrototypeOf(new ArrayOf<unknown>(), null)
    setForEach(value, (item) => {
      items[items.length] = item
    })
    for (let i = 0; i < items.length; i++) setAdd(copy, this.clone(items[i]))
    return copy
  }

  #buffer(value: object): object {
    if (bufferDetached(value)) throw dataCloneError('A detached ArrayBuffer could not be cloned.')
    const size = bufferByteLength(value)
    const options = bufferResizable(value) ? { __proto__: null, maxByteLength: bufferMaxByteLength(value) } : undefined
    const copy = new ArrayBufferOf(size, options)
    typedArraySet(new Bytes(copy), new Bytes(value as ArrayBuffer), 0)
    return this.#note(value, copy)
  }

  /** Of the platform's own objects, only exceptions are serialisable. */
  #platformObject(value: object): object {
    const { copyDOMException } = use('dom-exception')
    const copy = copyDOMException(value)
    if (copy === undefined) throw dataCloneError('An object of the web platform could not be cloned.')
    return this.#note(value, copy)
  }
}

function hasInterface(proto: object): boolean {
  let at: object | null = proto
  for (let i = 0; at !== null && i < LONGEST_CHAIN; i++) {
    if (isInterfacePrototype(at)) return true
    at = getPrototypeOf(at)
  }
  return false
}
