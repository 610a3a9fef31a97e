import { arrayIndex } from './array-index.ts'
import { isPristineName } from './realm-state.ts'

/** What has to be known about a key before it is given to a fresh object. */
export const ORDINARY = 0
/** A name that Object.prototype has: defined, never assigned. */
export const INHERITED = 1
/** An index so far out that the engine would reserve a store of thousands of elements for a few bytes of input. */
export const FAR_INDEX = 2

const FIRST_FAR_INDEX = 32

export function natureOf(key: string): number {
  if (arrayIndex(key) >= FIRST_FAR_INDEX) return FAR_INDEX
  return isPristineName(key) ? INHERITED : ORDINARY
}
