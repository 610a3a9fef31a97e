import { defineProperty } from '../msgpack/intrinsics.ts'

/** Defined and deleted again, it makes the engine store elements in a hash table. */
const FARTHEST_INDEX = 4294967293

/** Gives an own data property, whatever setters the prototypes have. */
export function define(target: object, key: PropertyKey, value: unknown, enumerable = true): void {
  // Without a prototype: a `get` on Object.prototype would count as part of the descriptor.
  defineProperty(target, key, { __proto__: null, value, writable: true, enumerable, configurable: true } as PropertyDescriptor)
}

/** Has the engine store the elements of a fresh object one by one, however far apart they are. */
export function makeSparse(target: object): void {
  define(target, FARTHEST_INDEX, 0)
  delete (target as Record<number, unknown>)[FARTHEST_INDEX]
}
