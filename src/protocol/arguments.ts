import { MAX_ARGUMENTS } from './limits.ts'
import { isArray } from './msgpack/intrinsics.ts'

/**
 * Whether a value that a peer sent can be the arguments of a call. Not by what it weighs: an array of holes has a few bytes, and whoever applies a function to a hundred million of
 * them is ended by V8.
 */
export function isArgumentList(value: unknown): value is unknown[] {
  return isArray(value) && value.length <= MAX_ARGUMENTS
}
