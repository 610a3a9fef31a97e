import { CodecError, malformed } from '../msgpack/codec-error.ts'
import {
  ArrayOf,
  bufferByteLength,
  bufferResizable,
  bufferResize,
  defineProperty,
  deleteProperty,
  getOwnPropertyDescriptor,
  hasOwn,
  isArray,
  mapClear,
  mapDelete,
  MapOf,
  mapSet,
  method,
  objectKeys,
  ownKeys,
  setAdd,
  SetOf,
  setPrototypeOf,
  typedArraySet,
} from '../msgpack/intrinsics.ts'
import { define } from '../values/define.ts'
import { dateValue } from '../values/exotic-encoder.ts'
import { THEN } from '../values/value-options.ts'
import { bytesOf, fingerprint, itemsOf } from './content.ts'
import type { Mirror } from './mirror.ts'
import {
  FLAG_ACCESSOR,
  FLAG_DELETED,
  FLAG_HIDDEN,
  FLAG_LOCKED,
  FLAG_READ_ONLY,
  FLAG_REFERENCE,
  NODE_ARRAY,
  NODE_COPY,
  NODE_MAP,
  NODE_OBJECT,
  NODE_SET,
  NODE_SPARSE,
  NODE_STAND_IN,
  NODE_SYMBOL,
  type NodeRecord,
} from './mirror-format.ts'
import { standIn } from './stand-in.ts'
import { newList, newSlots, type Twin } from './twin.ts'

const setClear = method(Set.prototype, 'clear') as (set: object) => void
const setTime = method(Date.prototype, 'setTime') as (date: object, time: number) => void
const SymbolOf = Symbol
const { apply, set: setProperty } = Reflect

/** Writes what has changed at the other side. HOSTILE at the client: throws a CodecError for nodes that are none. */
export function applyNodes(mirror: Mirror, nodes: readonly NodeRecord[]): void {
  // First all objects, since they may refer to each other.
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i] as NodeRecord
    if (!isArray(node)) throw wrong()
    const id = node[0]
    if (typeof id !== 'number') throw wrong()
    let value: unknown = mirror.lookUp(id)
    if (value === undefined) {
      value = make(mirror, node)
      const kind = node[1] as number
      mirror.adopt(value, id, kind, false).what = kind === NODE_STAND_IN ? (node[2] as string) : ''
    }
    mirror.hold(value)
  }
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i] as NodeRecord
    const value = mirror.find(node[0])
    const twin = mirror.twinOf(value) as Twin
    twin.seen = mirror.walks
    if (!twin.isFixed) write(mirror, value, twin, node)
  }
}

const wrong = (): CodecError => malformed('a delta with a node that is none')

function make(mirror: Mirror, node: NodeRecord): unknown {
  const content = node[2]
  switch (node[1]) {
    case NODE_OBJECT:
      return node[3] === true ? {} : setPrototypeOf({}, null)
    case NODE_ARRAY:
    case NODE_SPARSE:
      return new ArrayOf<unknown>()
    case NODE_MAP:
      return new MapOf<unknown, unknown>()
    case NODE_SET:
      return new SetOf<unknown>()
    case NODE_COPY:
      if (typeof content !== 'object' || content === null) throw wrong()
      return content
    case NODE_SYMBOL:
      if (typeof content !== 'string' && content !== undefined) throw wrong()
      return SymbolOf(content)
    case NODE_STAND_IN:
      if (typeof content !== 'string') throw wrong()
      return standIn(content, mirror.side.makeError)
    default:
      throw wrong()
  }
}

function write(mirror: Mirror, value: object, twin: Twin, node: NodeRecord): void {
  const kind = node[1]
  switch (kind) {
    case NODE_OBJECT:
      if (twin.kind !== NODE_OBJECT) throw wrong()
      writeProperties(mirror, value, twin, node)
      return
    case NODE_ARRAY:
    case NODE_SPARSE:
      if (twin.kind !== NODE_ARRAY && twin.kind !== NODE_SPARSE) throw wrong()
      twin.kind = kind
      writeItems(mirror, value, twin, node)
      return
    case NODE_MAP:
    case NODE_SET:
      if (twin.kind !== kind) throw wrong()
      writeItems(mirror, value, twin, node)
      return
    case NODE_COPY:
      if (twin.kind !== NODE_COPY || typeof node[2] !== 'object' || node[2] === null) throw wrong()
      if (node[2] !== value) writeCopy(value, node[2])
      twin.items = fingerprint(value)
      return
    default:
      twin.items = newList()
  }
}

function writeItems(mirror: Mirror, value: object, twin: Twin, node: NodeRecord): void {
  const items = node[2]
  const references = node[3]
  if (!isArray(items) || !isArray(references)) throw wrong()
  for (let i = 0; i < references.length; i++) {
    const at: unknown = references[i]
    if (typeof at !== 'number') throw wrong()
    items[at] = mirror.find(items[at])
  }
  try {
    put(value, twin.kind, items)
    twin.items = itemsOf(value, twin.kind)
  } catch (error) {
    if (CodecError.is(error)) throw error
    // It is frozen, or its traps refuse.
  }
}

function put(value: object, kind: number, items: readonly unknown[]): void {
  switch (kind) {
    case NODE_ARRAY:
      ;(value as unknown[]).length = items.length
      removeOthers(value, items.length)
      for (let i = 0; i < items.length; i++) define(value, i, items[i])
      return
    case NODE_SPARSE: {
      const length = items[0]
      if (typeof length !== 'number' || items.length % 2 !== 1) throw wrong()
      ;(value as unknown[]).length = 0
      removeOthers(value, 0)
      ;(value as unknown[]).length = length
      for (let i = 1; i < items.length; i += 2) {
        const key = items[i]
        if (typeof key !== 'string' || (key === THEN && typeof items[i + 1] === 'function')) throw wrong()
        define(value, key, items[i + 1])
      }
      return
    }
    case NODE_MAP:
      mapClear(value as Map<unknown, unknown>)
      for (let i = 0; i + 1 < items.length; i += 2) mapSet(value as Map<unknown, unknown>, items[i], items[i + 1])
      return
    case NODE_SET:
      setClear(value)
      for (let i = 0; i < items.length; i++) setAdd(value as Set<unknown>, items[i])
      return
    default:
      throw wrong()
  }
}

/** Properties of an array beyond its elements. */
function removeOthers(value: object, elements: number): void {
  const keys = objectKeys(value)
  for (let i = elements; i < keys.length; i++) deleteProperty(value, keys[i] as string)
}

/** The content of an object that was copied again. What cannot be changed in place stays as it is. */
function writeCopy(value: object, copy: object): void {
  try {
    const from = bytesOf(copy)
    if (from !== undefined) {
      if (bytesOf(value)?.length !== from.length && bufferResizable(value)) bufferResize(value, bufferByteLength(copy))
      const to = bytesOf(value)
      if (to !== undefined && to.length === from.length) typedArraySet(to, from, 0)
      return
    }
    const keys = objectKeys(copy)
    for (let i = 0; i < keys.length; i++) define(value, keys[i] as string, (copy as Record<string, unknown>)[keys[i] as string])
    if (getOwnPropertyDescriptor(copy, 'message') !== undefined) define(value, 'message', (copy as Error).message, false)
    setTime(value, dateValue(copy))
  } catch {
    // Neither buffer nor Date.
  }
}

function writeProperties(mirror: Mirror, object: object, twin: Twin, node: NodeRecord): void {
  const keys = node[4]
  const flags = node[5]
  const values = node[6]
  if (!isArray(keys) || !isArray(flags) || !isArray(values) || keys.length !== flags.length || keys.length !== values.length) throw wrong()
  const slots = (twin.slots ??= newSlots())
  if (node[2] === true && twin.id !== 0) {
    // Also what this side put there last and never told of, because the object was out of reach by then.
    clear(object)
    mapClear(slots)
  }
  for (let i = 0; i < keys.length; i++) {
    const given: unknown = keys[i]
    const key = (typeof given === 'number' ? mirror.find(given) : given) as PropertyKey
    if (typeof key !== 'string' && typeof key !== 'symbol') throw wrong()
    const flag = flags[i] as number
    if (typeof flag !== 'number') throw wrong()
    writeProperty(mirror, object, twin, key, flag, (flag & FLAG_REFERENCE) === 0 ? values[i] : mirror.find(values[i]))
  }
}

/** Removes what would be told of an object. */
function clear(object: object): void {
  try {
    const keys = ownKeys(object)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as PropertyKey
      if (getOwnPropertyDescriptor(object, key)?.enumerable === true) deleteProperty(object, key)
    }
  } catch {
    // A trap refuses.
  }
}

function writeProperty(mirror: Mirror, object: object, twin: Twin, key: PropertyKey, flag: number, value: unknown): void {
  const slots = twin.slots as NonNullable<Twin['slots']>
  // Whoever awaits its owner would call it. A function of this side's that comes home is a reference.
  if (key === THEN && (typeof value === 'function' ? (flag & FLAG_REFERENCE) === 0 : (flag & FLAG_ACCESSOR) !== 0)) throw wrong()
  const kept = flag & (FLAG_HIDDEN | FLAG_READ_ONLY | FLAG_ACCESSOR)
  try {
    if ((flag & FLAG_DELETED) !== 0) {
      const isGone = twin.id === 0 ? mirror.side.deleteOfRoot(key) : deleteProperty(object, key)
      if (isGone) mapDelete(slots, key)
      else if (setProperty(object, key, undefined))
        mapSet(slots, key, { flags: FLAG_DELETED, value: undefined, setter: undefined, seen: 0 })
      return
    }
    if ((flag & FLAG_ACCESSOR) !== 0) {
      if (!isArray(value)) throw wrong()
      const get = value[0] as (() => unknown) | undefined
      const set = value[1] as ((value: unknown) => void) | undefined
      const isDefined = defineProperty(object, key, {
        __proto__: null,
        get,
        set,
        enumerable: (flag & FLAG_HIDDEN) === 0,
        configurable: (flag & FLAG_LOCKED) === 0,
      } as PropertyDescriptor)
      if (isDefined) mapSet(slots, key, { flags: kept, value: get, setter: set, seen: 0 })
      return
    }
    const present = getOwnPropertyDescriptor(object, key)
    const setter = present !== undefined && hasOwn(present, 'set') ? present.set : undefined
    if (setter !== undefined && mirror.side.callsSetters) {
      apply(setter, object, [value])
      return
    }
    const isDefined = defineProperty(object, key, present?.configurable === false ? valueOnly(value) : whole(value, flag))
    if (isDefined) mapSet(slots, key, { flags: kept, value, setter: undefined, seen: 0 })
  } catch (error) {
    if (CodecError.is(error)) throw error
    // A trap or a setter refuses.
  }
}

/** What a property that cannot be configured may get: a `var` of a realm is one. */
const valueOnly = (value: unknown): PropertyDescriptor => ({ __proto__: null, value }) as PropertyDescriptor

const whole = (value: unknown, flag: number): PropertyDescriptor =>
  ({
    __proto__: null,
    value,
    writable: (flag & FLAG_READ_ONLY) === 0,
    enumerable: (flag & FLAG_HIDDEN) === 0,
    configurable: (flag & FLAG_LOCKED) === 0,
  }) as PropertyDescriptor
