import { ArrayOf, MapOf, mapGet, mapSet, setPrototypeOf } from '../msgpack/intrinsics.ts'
import { arrayIndex } from './array-index.ts'

/** An object with more keys is written as a map: it is mostly a table, whose keys are its own. */
const MOST_KEYS = 64
/** Shapes that an encoder keeps, so that tables do not fill its memory. */
const MOST_SHAPES = 1024

/** Keys in their order, none of them an index: a way through a tree, one key a step. */
export class Shape {
  /** In the message of this number, the object that is numbered {@link Shape.owner} has exactly these keys. */
  message = 0
  owner = 0
  /** The step that was taken last, which is mostly the next one to be taken. */
  key: string | undefined
  next: Shape | undefined
  readonly #parent: Shape | undefined
  readonly #last: string
  readonly #count: number
  #keys: string[] | undefined
  /** All steps, once there are two. */
  #steps: Map<string, Shape> | undefined

  constructor(parent?: Shape, last = '') {
    this.#parent = parent
    this.#last = last
    this.#count = parent === undefined ? 0 : parent.#count + 1
  }

  get keys(): string[] {
    if (this.#keys === undefined) {
      this.#keys = setPrototypeOf(new ArrayOf<string>(this.#count), null)
      Shape.#list(this, this.#keys)
    }
    return this.#keys
  }

  /** The shape that has `key` too, made if `create` says so. `key` is not the one of the last step. */
  step(key: string, create: boolean): Shape | undefined {
    let next = this.#steps && mapGet(this.#steps, key)
    if (next === undefined) {
      // The order of indices among the keys is not that in which they were defined.
      if (!create || this.#count === MOST_KEYS || arrayIndex(key) >= 0) return undefined
      next = new Shape(this, key)
      if (this.next !== undefined) {
        if (this.#steps === undefined) {
          this.#steps = new MapOf<string, Shape>()
          mapSet(this.#steps, this.key as string, this.next)
        }
        mapSet(this.#steps, key, next)
      }
    }
    this.key = key
    this.next = next
    return next
  }

  static #list(shape: Shape, keys: string[]): void {
    let at = shape
    while (at.#parent !== undefined) {
      keys[at.#count - 1] = at.#last
      at = at.#parent
    }
  }
}

/** The shapes of the plain objects that an encoder has met. */
export class Shapes {
  root = new Shape()
  #count = 0

  /** At the start of a message: an encoder that has met its most starts over. */
  begin(): void {
    if (this.#count < MOST_SHAPES) return
    this.root = new Shape()
    this.#count = 0
  }

  /** From `shape` by a key that is not the one of its last step; undefined if that shape is not kept. */
  step(shape: Shape, key: string): Shape | undefined {
    const known = shape.step(key, false)
    if (known !== undefined || this.#count >= MOST_SHAPES) return known
    this.#count++
    return shape.step(key, true)
  }
}
