import { ArrayOf, MapOf, setPrototypeOf } from '../msgpack/intrinsics.ts'

/** A property as both sides know it. */
export interface Slot {
  /** FLAG_LOCKED is not compared: a realm cannot take back a `var`. */
  readonly flags: number
  /** The value, or the getter of an accessor. */
  readonly value: unknown
  /** The setter of an accessor. */
  readonly setter: unknown
  /** The walk that met it last. */
  seen: number
}

/** What one side knows of an object that both sides have. */
export interface Twin {
  readonly id: number
  kind: number
  /** The walk, or what was applied after it, in which it was part of what is kept in step. */
  seen: number
  /** As the other side has it, as far as that has said so. Undefined: it may know nothing. */
  slots: Map<PropertyKey, Slot> | undefined
  items: readonly unknown[] | undefined
  /** The other side has a copy of it, and does not write back. */
  readonly isFixed: boolean
  /** Of a stand-in: what it stands for. */
  what: string
}

export function newTwin(id: number, kind: number, isFixed: boolean): Twin {
  return { id, kind, seen: 0, slots: undefined, items: undefined, isFixed, what: '' }
}

/** An array that no guest's Array.prototype has a say in. */
export const newList = <Item = unknown>(): Item[] => setPrototypeOf(new ArrayOf<Item>(), null)

export const newSlots = (): Map<PropertyKey, Slot> => new MapOf<PropertyKey, Slot>()

/** Something that the other side is told, and knows once it has said so. */
export interface Change {
  readonly twin: Twin
  /** Of a property; undefined if it is of the items. */
  readonly key: PropertyKey | undefined
  /** Undefined if the property is gone. */
  readonly slot: Slot | undefined
  readonly items: readonly unknown[] | undefined
}
