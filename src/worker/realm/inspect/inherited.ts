import { getPrototypeOf, hasOwn, ownKeys } from '../../../protocol/msgpack/intrinsics.ts'
import { isGlobalName } from './built-in-names.ts'
import type { Inspection } from './inspection.ts'
import { includes, type List, list } from './list.ts'
import { ownData } from './own-data.ts'
import { showProperty } from './property.ts'

/** Prototypes that are looked at. */
const MAX_LAYERS = 3

/** The data and accessors of the guest's own classes, as far as the object does not hide them. */
export function showInherited(inspection: Inspection, value: object, depth: number): List<string> {
  const { around, budget } = inspection
  const entries: List<string> = list()
  const above: List<string | symbol> = list()
  around[around.length] = value
  let at = getPrototypeOf(value)
  for (let layer = 0; layer < MAX_LAYERS && at !== null && !isBuiltIn(at); layer++) {
    const keys = ownKeys(at)
    for (let i = 0; i < keys.length && budget.left > 0; i++) {
      const key = keys[i] as string | symbol
      if (key === 'constructor' || hasOwn(value, key) || includes(above, key)) continue
      if (typeof ownData(at, key) !== 'function') entries[entries.length] = showProperty(inspection, at, key, depth)
      above[above.length] = key
    }
    at = getPrototypeOf(at)
  }
  around.length--
  return entries
}

function isBuiltIn(prototype: object): boolean {
  const constructor = ownData(prototype, 'constructor')
  if (typeof constructor !== 'function') return false
  const name = ownData(constructor, 'name')
  return typeof name === 'string' && isGlobalName(name)
}
