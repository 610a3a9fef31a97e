import { ArrayOf, objectKeys, objectPrototype, setPrototypeOf } from '../msgpack/intrinsics.ts'
import { type Shape, Shapes } from './shapes.ts'
import type { ValueEncoder } from './value-encoder.ts'
import { STEP_KEY } from './value-path.ts'
import { EXT_RECORD } from './wire-kinds.ts'

const noKeys: string[] = setPrototypeOf(new ArrayOf<string>(), null)

/** Writes the objects whose prototype is Object.prototype, and that have their number already. */
export class PlainObjects {
  readonly #shapes = new Shapes()
  /** Number of the message, so that what is known of shapes holds for one only. */
  #message = 0
  /** Whether all that `for in` finds in an object is its own; looked up once a message. */
  #inheritsNothing: boolean | undefined

  /** At the start of each message. */
  begin(): void {
    this.#message++
    this.#shapes.begin()
    this.#inheritsNothing = undefined
  }

  /**
   * An object whose prototype is Object.prototype: a record if an earlier one has the same keys, or else a map. Two passes over its keys, the first of which reads no values: only a
   * getter or a trap can have the second find others.
   */
  write(encoder: ValueEncoder, value: object, depth: number): void {
    if (!(this.#inheritsNothing ??= hasNothingEnumerable())) {
      encoder.properties(value, objectKeys(value), 0, depth)
      return
    }
    const shapes = this.#shapes
    let shape: Shape | undefined = shapes.root
    let count = 0
    for (const key in value) {
      count++
      if (shape !== undefined) shape = shape.key === key ? shape.next : shapes.step(shape, key)
    }
    encoder.count(count, depth)
    // A record of one value is no shorter than a map.
    if (shape === undefined || count < 2) this.#map(encoder, value, noKeys, count, depth)
    else if (shape.message === this.#message) this.#record(encoder, value, shape, count, depth)
    else {
      const number = encoder.latest
      if (!this.#map(encoder, value, shape.keys, count, depth)) return
      shape.message = this.#message
      shape.owner = number
    }
  }

  /** Returns whether the keys were `keys`. */
  #map(encoder: ValueEncoder, value: object, keys: string[], count: number, depth: number): boolean {
    const writer = encoder.writer
    writer.mapHeader(count)
    const start = writer.position
    let same = true
    let i = 0
    for (const key in value) {
      if (i === count) break
      if (key !== keys[i]) same = false
      i++
      writer.string(key)
      const item = (value as Record<string, unknown>)[key]
      if (typeof item === 'string') writer.string(item)
      else if (typeof item === 'number') writer.number(item)
      else encoder.child(item, depth, STEP_KEY, key)
    }
    if (i === count) return same
    writer.fewer(start, count, i)
    return false
  }

  #record(encoder: ValueEncoder, value: object, shape: Shape, count: number, depth: number): void {
    const writer = encoder.writer
    writer.arrayHeader(count + 1)
    encoder.number(EXT_RECORD, shape.owner)
    const keys = shape.keys
    let i = 0
    for (const key in value) {
      if (i === count || key !== keys[i]) break
      i++
      const item = (value as Record<string, unknown>)[key]
      if (typeof item === 'string') writer.string(item)
      else if (typeof item === 'number') writer.number(item)
      else encoder.child(item, depth, STEP_KEY, key)
    }
    for (; i < count; i++) encoder.child((value as Record<string, unknown>)[keys[i] as string], depth, STEP_KEY, keys[i])
  }
}

/** A guest may have put enumerable properties on Object.prototype. */
function hasNothingEnumerable(): boolean {
  for (const _ in objectPrototype) return false
  return true
}
