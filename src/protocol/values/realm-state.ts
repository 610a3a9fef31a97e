import { arrayPrototype, getPrototypeOf, objectPrototype, ownKeys } from '../msgpack/intrinsics.ts'

const pristine = ownKeys(objectPrototype)
const pristineCount = pristine.length

/**
 * Whether no property was added to Object.prototype or Array.prototype at which an assignment to a fresh object or array could run foreign
 * code: Object.prototype has the names it was born with (those are always defined, not assigned), and Array.prototype has no elements
 * (its length shows that) and its old prototype.
 */
export function isPristine(): boolean {
  if (arrayPrototype.length !== 0 || getPrototypeOf(arrayPrototype) !== objectPrototype) return false
  const now = ownKeys(objectPrototype)
  if (now.length !== pristineCount) return false
  for (let i = 0; i < pristineCount; i++) if (now[i] !== pristine[i]) return false
  return true
}

/** Names of Object.prototype when this realm was new. */
export function isPristineName(key: string): boolean {
  for (let i = 0; i < pristineCount; i++) if (pristine[i] === key) return true
  return false
}
