import { CodecError, malformed } from '../msgpack/codec-error.ts'
import {
  deref,
  isArray,
  mapDelete,
  mapForEach,
  mapGet,
  MapOf,
  mapSet,
  mapSize,
  WeakMapOf,
  weakMapGet,
  WeakRefOf,
  weakMapSet,
} from '../msgpack/intrinsics.ts'
import { applyNodes } from './apply.ts'
import { type Delta, NODE_OBJECT, NODE_STAND_IN } from './mirror-format.ts'
import type { MirrorSide } from './mirror-side.ts'
import { type Change, newList, newSlots, newTwin, type Twin } from './twin.ts'
import { Walk } from './walk.ts'

/** Ids of collected objects are swept when there are this many, or twice as many as were left the last time. */
const SWEEP_AT = 1_024

/** What was told in a delta, until the other side says that it has it. */
interface Told {
  readonly number: number
  readonly changes: readonly Change[]
}

/**
 * Keeps an object, and all that can be reached from it through plain objects, arrays, Maps and Sets, in step with one of another realm. Both sides have a mirror. Each tells in a delta what has changed
 * since the other was last told; what both have changed at the same time is as the delta says that comes last. Identity is kept: an object that is changed is changed in place.
 *
 * Objects are known by ids on both sides, weakly. What was in step at the last delta is held, so that the other side may speak of it.
 */
export class Mirror {
  readonly side: MirrorSide
  readonly #twins = new WeakMapOf<object, Twin>()
  readonly #byId = new MapOf<number, WeakRef<object>>()
  #nextId: number
  #sweepAt = SWEEP_AT
  /** Walks so far. */
  walks = 0
  /** The other side may not know what it was told: all is told again. */
  #tellsAll = true
  #told: Told | undefined
  #number = 0
  /** Number of the last delta of the other side that was applied. */
  #applied = 0
  /** What was met in this walk and in the one before, and what came since. */
  #held: readonly unknown[] = []
  #heldSince: unknown[] = newList()
  #thrower: object | undefined

  constructor(side: MirrorSide) {
    this.side = side
    this.#nextId = side.firstId
    this.adopt(side.root, 0, NODE_OBJECT, false)
  }

  /** A delta that tells nothing: its answer says what has arrived. */
  ask(): Delta {
    return [this.#applied, 0, [], false, undefined]
  }

  /** What the other side should know, and a value besides. What it was told counts as known once a delta of its own says so. */
  tell(value: unknown): Delta {
    this.forgetTold()
    const number = ++this.#number
    this.walks++
    const walk = new Walk(this, this.#tellsAll)
    // If the walk comes to no end, what it has met looks as if the other side knew it.
    this.#tellsAll = true
    const delta = walk.tell(this.#applied, number, value)
    this.#told = { number, changes: walk.changes }
    this.#tellsAll = false
    this.#held = [walk.met, this.#held[0]]
    this.#heldSince = newList()
    return delta
  }

  /** What was told last has not arrived, or may not have. */
  forgetTold(): void {
    if (this.#told !== undefined) this.#tellsAll = true
    this.#told = undefined
  }

  /** Whatever was told last has arrived: the other side acts upon it. */
  assumeKnown(): void {
    this.#commit()
  }

  /** Brings this side in step, and returns the value that came with the delta. HOSTILE at the client: throws a CodecError for what is no delta. */
  hear(given: unknown): unknown {
    const delta = given as Delta
    if (!isArray(delta) || delta.length !== 5 || typeof delta[0] !== 'number' || typeof delta[1] !== 'number' || !isArray(delta[2]))
      throw malformed('a delta that is none')
    const told = this.#told
    if (told !== undefined) {
      if (delta[0] >= told.number) this.#commit()
      else this.forgetTold()
    }
    if (delta[1] !== 0) this.#applied = delta[1]
    applyNodes(this, delta[2])
    this.#held = [this.#held[0]]
    return delta[3] === true ? this.find(delta[4]) : delta[4]
  }

  #commit(): void {
    const told = this.#told
    this.#told = undefined
    if (told === undefined) return
    const { changes } = told
    for (let i = 0; i < changes.length; i++) {
      const { twin, key, slot, items } = changes[i] as Change
      if (key === undefined) twin.items = items
      else {
        twin.slots ??= newSlots()
        if (slot === undefined) mapDelete(twin.slots, key)
        else mapSet(twin.slots, key, slot)
      }
    }
  }

  twinOf(value: unknown): Twin | undefined {
    return weakMapGet(this.#twins, value as object)
  }

  /** What stands for the value of an accessor that throws. */
  thrower(): object {
    if (this.#thrower === undefined) {
      this.#thrower = {}
      this.enrol(this.#thrower, NODE_STAND_IN, true).what = 'the value of an accessor that throws'
    }
    return this.#thrower
  }

  /** Gives an object of this side an id. */
  enrol(value: unknown, kind: number, isFixed: boolean): Twin {
    const id = this.#nextId
    this.#nextId += 2
    return this.adopt(value, id, kind, isFixed)
  }

  /** An object that stands for the one with this id. */
  adopt(value: unknown, id: number, kind: number, isFixed: boolean): Twin {
    const twin = newTwin(id, kind, isFixed)
    weakMapSet(this.#twins, value as object, twin)
    mapSet(this.#byId, id, new WeakRefOf(value as object))
    if (mapSize(this.#byId) > this.#sweepAt) this.#sweep()
    return twin
  }

  /** The object with an id. */
  find(id: unknown): object {
    const found = this.lookUp(id)
    if (found === undefined) throw new CodecError('ERR_MALFORMED', 'a delta speaks of an object that there is not')
    return found
  }

  lookUp(id: unknown): object | undefined {
    const ref = mapGet(this.#byId, id as number)
    return ref === undefined ? undefined : deref(ref)
  }

  /** Keeps what came in a delta until the next walk. */
  hold(value: unknown): void {
    this.#heldSince[this.#heldSince.length] = value
  }

  #sweep(): void {
    mapForEach(this.#byId, (ref, id) => {
      if (deref(ref as WeakRef<object>) === undefined) mapDelete(this.#byId, id as number)
    })
    this.#sweepAt = SWEEP_AT + 2 * mapSize(this.#byId)
  }
}
