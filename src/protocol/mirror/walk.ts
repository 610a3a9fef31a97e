import { CodecError } from '../msgpack/codec-error.ts'
import { getOwnPropertyDescriptor, hasOwn, mapForEach, mapGet, mapSize, ownKeys, symbolKeyFor } from '../msgpack/intrinsics.ts'
import { MAX_MIRRORED_ITEMS, MAX_MIRRORED_OBJECTS } from '../limits.ts'
import { setSize } from '../values/brand.ts'
import { THEN } from '../values/value-options.ts'
import { wellKnownName } from '../values/exotic-encoder.ts'
import { fingerprint, isSame, isSamePrint, itemsOf, natureOf } from './content.ts'
import type { Mirror } from './mirror.ts'
import {
  type Delta,
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
  NODE_STAND_IN,
  NODE_SYMBOL,
  type NodeRecord,
} from './mirror-format.ts'
import { type Change, newList, newSlots, type Slot, type Twin } from './twin.ts'

const { is, getPrototypeOf } = Object
const descriptionOf = Object.getOwnPropertyDescriptor(Symbol.prototype, 'description')?.get as () => string | undefined
const { apply } = Reflect

/** A list that stays empty. */
const NONE: never[] = newList()

/** Whoever awaits the owner of a function named `then` would call it: none crosses. */
const THENABLE = { kind: NODE_STAND_IN, isInstance: false, what: "a function named 'then'" }

/** One look at all that is kept in step: what has changed since the other side was told. */
export class Walk {
  readonly changes: Change[] = newList()
  /** All objects that were met. */
  readonly met: unknown[] = newList()
  readonly #mirror: Mirror
  readonly #tellsAll: boolean
  readonly #nodes: NodeRecord[] = newList()
  #itemCount = 0

  constructor(mirror: Mirror, tellsAll: boolean) {
    this.#mirror = mirror
    this.#tellsAll = tellsAll
  }

  tell(ack: number, number: number, value: unknown): Delta {
    const { root } = this.#mirror.side
    this.#meet(root)
    const isReference = isNode(value)
    const told = isReference ? this.#meet(value).id : value
    for (let i = 0; i < this.met.length; i++) this.#look(this.met[i])
    const delta = newList()
    delta[0] = ack
    delta[1] = number
    delta[2] = this.#nodes
    delta[3] = isReference
    delta[4] = told
    return delta as unknown as Delta
  }

  /** Puts an object on the list, once. */
  #meet(value: unknown): Twin {
    const mirror = this.#mirror
    let twin = mirror.twinOf(value)
    if (twin === undefined) {
      if (typeof value === 'symbol') twin = mirror.enrol(value, NODE_SYMBOL, true)
      else {
        const { kind, isInstance, what } = typeof value === 'function' ? THENABLE : natureOf(value as object, mirror.side.isRemote)
        twin = mirror.enrol(value, kind, isInstance && !mirror.side.sharesInstances)
        twin.what = what
      }
    } else if (twin.seen === mirror.walks) return twin
    // What was out of step since the last walk is told as if it was new.
    if (twin.id !== 0 && (this.#tellsAll || twin.seen < mirror.walks - 1)) {
      twin.slots = undefined
      twin.items = undefined
    }
    twin.seen = mirror.walks
    if (this.met.length >= MAX_MIRRORED_OBJECTS)
      throw new CodecError('ERR_VALUE_TOO_LARGE', `more than the limit of ${MAX_MIRRORED_OBJECTS} objects can be reached from the globals`)
    this.met[this.met.length] = value
    return twin
  }

  #look(value: unknown): void {
    const twin = this.#mirror.twinOf(value) as Twin
    if (twin.kind === NODE_SYMBOL) {
      if (twin.items === undefined) this.#once(twin, apply(descriptionOf, value, []))
      return
    }
    if (twin.kind === NODE_STAND_IN) {
      if (twin.items === undefined) this.#once(twin, twin.what)
      return
    }
    if (twin.kind === NODE_COPY) this.#copy(value as object, twin)
    else if (twin.id === 0 || twin.kind === NODE_OBJECT) this.#object(value as object, twin)
    else this.#items(value as object, twin)
  }

  /** What never changes. */
  #once(twin: Twin, content: unknown): void {
    this.#changed(twin, undefined, undefined, newList())
    this.#node(twin, content)
  }

  #copy(value: object, twin: Twin): void {
    const print = fingerprint(value)
    if (twin.items !== undefined && isSamePrint(twin.items, print)) return
    try {
      if (!this.#mirror.side.isRemote(value)) this.#mirror.side.tryCopy(value)
    } catch (error) {
      if (!CodecError.is(error)) throw error
      twin.kind = NODE_STAND_IN
      twin.what = `an object (${error.reason})`
      this.#once(twin, twin.what)
      return
    }
    this.#changed(twin, undefined, undefined, print)
    this.#node(twin, value)
  }

  #items(value: object, twin: Twin): void {
    this.#count(value, twin.kind)
    const { kind } = natureOf(value, this.#mirror.side.isRemote)
    const known = twin.kind === kind ? twin.items : undefined
    if (known !== undefined && kind === NODE_ARRAY && isSame(known, value as readonly unknown[])) {
      for (let i = 0; i < known.length; i++) if (isNode(known[i])) this.#meet(known[i])
      return
    }
    twin.kind = kind
    const items = itemsOf(value, kind)
    if (known !== undefined && isSame(known, items)) {
      for (let i = 0; i < items.length; i++) if (isNode(items[i])) this.#meet(items[i])
      return
    }
    const values = newList()
    const references = newList<number>()
    for (let i = 0; i < items.length; i++) {
      const item = items[i]
      if (isNode(item)) {
        references[references.length] = i
        values[i] = this.#meet(item).id
      } else values[i] = item
    }
    this.#changed(twin, undefined, undefined, items)
    this.#node(twin, values, references)
  }

  /** Bounds what it takes to look at arrays, Maps and Sets: no signal ends the engine's own functions that list what is in them. */
  #count(value: object, kind: number): void {
    this.#itemCount += kind === NODE_MAP ? mapSize(value) : kind === NODE_SET ? setSize(value) : (value as readonly unknown[]).length
    if (this.#itemCount > MAX_MIRRORED_ITEMS)
      throw new CodecError('ERR_VALUE_TOO_LARGE', `more than the limit of ${MAX_MIRRORED_ITEMS} items are in what the globals hold`)
  }

  #object(object: object, twin: Twin): void {
    const { side, walks } = this.#mirror
    const isWhole = twin.slots === undefined
    const slots = (twin.slots ??= newSlots())
    // Most objects are as they were, and a list takes longer to make than a property to look at.
    let keys: unknown[] | undefined
    let flags: number[] = NONE
    let values: unknown[] = NONE
    let known = 0
    const add = (key: PropertyKey, flag: number, value: unknown): void => {
      if (keys === undefined) {
        keys = newList()
        flags = newList()
        values = newList()
      }
      const at = keys.length
      const isTwinKey = isNode(key)
      keys[at] = isTwinKey ? this.#meet(key).id : key
      flags[at] = flag
      values[at] = value
    }
    const property = (key: PropertyKey, described: PropertyDescriptor): void => {
      let flag = described.enumerable === true ? 0 : FLAG_HIDDEN
      let value: unknown
      let setter: unknown
      // Own ones only: there may be others on a guest's Object.prototype.
      if (hasOwn(described, 'get')) {
        const pair = side.accessorOf(object, described)
        if (pair === undefined) value = this.#read(object, described)
        else {
          flag |= FLAG_ACCESSOR
          value = pair.get
          setter = pair.set
        }
      } else {
        ;({ value } = described)
        if (described.writable !== true) flag |= FLAG_READ_ONLY
      }
      const slot = mapGet(slots, key)
      if (slot !== undefined) {
        slot.seen = walks
        known++
        // What could not be deleted is undefined, and counts as gone.
        if (
          (slot.flags & FLAG_DELETED) !== 0 ? value === undefined : slot.flags === flag && is(slot.value, value) && slot.setter === setter
        ) {
          if (isNode(value)) this.#meet(value)
          return
        }
      }
      this.#changed(twin, key, { flags: flag, value, setter, seen: walks }, undefined)
      const locked = described.configurable === true || (twin.id === 0 && !side.locksRoot) ? 0 : FLAG_LOCKED
      if ((flag & FLAG_ACCESSOR) !== 0) {
        const pair = newList()
        pair[0] = value
        pair[1] = setter
        add(key, flag | locked, pair)
        return
      }
      if (isNode(value) || (key === THEN && typeof value === 'function')) add(key, flag | locked | FLAG_REFERENCE, this.#meet(value).id)
      else add(key, flag | locked, value)
    }
    if (twin.id === 0) side.eachOfRoot(property)
    else {
      const own = ownKeys(object)
      for (let i = 0; i < own.length; i++) {
        const described = getOwnPropertyDescriptor(object, own[i] as PropertyKey)
        if (described?.enumerable === true) property(own[i] as PropertyKey, described)
      }
    }
    if (known !== mapSize(slots)) {
      mapForEach(slots, (slot, key) => {
        if ((slot as Slot).seen === walks || ((slot as Slot).flags & FLAG_DELETED) !== 0) return
        this.#changed(twin, key as PropertyKey, undefined, undefined)
        add(key as PropertyKey, FLAG_DELETED, undefined)
      })
    }
    if (keys === undefined && !isWhole) return
    const node = this.#node(twin, isWhole)
    node[3] = getPrototypeOf(object) !== null
    node[4] = keys ?? NONE
    node[5] = flags
    node[6] = values
  }

  /** An accessor's value, as it is now. What it throws stands in its place. */
  #read(object: object, { get }: PropertyDescriptor): unknown {
    if (get === undefined) return undefined
    try {
      return apply(get, object, [])
    } catch {
      return this.#mirror.thrower()
    }
  }

  #changed(twin: Twin, key: PropertyKey | undefined, slot: Slot | undefined, items: readonly unknown[] | undefined): void {
    this.changes[this.changes.length] = { twin, key, slot, items }
  }

  #node(twin: Twin, content: unknown, more?: unknown): unknown[] {
    const node = newList()
    node[0] = twin.id
    node[1] = twin.kind
    node[2] = content
    if (more !== undefined) node[3] = more
    this.#nodes[this.#nodes.length] = node
    return node
  }
}

/** Whether a value crosses as the id of a node. */
function isNode(value: unknown): value is object | symbol {
  switch (typeof value) {
    case 'object':
      return value !== null
    case 'symbol':
      return symbolKeyFor(value) === undefined && wellKnownName(value) === undefined
    default:
      return false
  }
}
