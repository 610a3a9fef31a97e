import { mapSize, objectKeys } from '../../../protocol/msgpack/intrinsics.ts'
import { arrayIndex } from '../../../protocol/values/array-index.ts'
import { setSize } from '../../../protocol/values/brand.ts'
import { spend } from './budget.ts'
import { type Inspection, remaining } from './inspection.ts'
import { mapEntries, mapNext, min, setNext, setValues } from './intrinsics.ts'
import { type List, list } from './list.ts'
import { ownData } from './own-data.ts'
import { describe, showDescribed } from './property.ts'

/** A Proxy around an array may claim any length. */
export function lengthOf(array: object): number {
  const length = ownData(array, 'length')
  return typeof length === 'number' && length > 0 ? length : 0
}

export function showArray(inspection: Inspection, array: object, depth: number): List<string> {
  const { budget } = inspection
  const length = lengthOf(array)
  const count = min(inspection.maxItems, length)
  const entries: List<string> = list()
  for (let i = 0; i < count && budget.left > 0; i++) {
    const described = describe(array, i)
    if (described === undefined) return showSparse(inspection, array, depth, entries, i, length)
    entries[i] = showDescribed(inspection, described, depth)
  }
  if (length > count) entries[entries.length] = remaining(length - count)
  return entries
}

/** From the first hole on. A run of holes counts as one item. */
function showSparse(
  inspection: Inspection,
  array: object,
  depth: number,
  entries: List<string>,
  firstHole: number,
  length: number,
): List<string> {
  const { budget } = inspection
  const maxItems = min(inspection.maxItems, length)
  const keys = objectKeys(array)
  let index = firstHole
  for (let i = firstHole; i < keys.length && entries.length < maxItems && budget.left > 0; i++) {
    const next = arrayIndex(keys[i] as string)
    if (next < 0) break
    if (next !== index) {
      entries[entries.length] = holes(inspection, next - index)
      index = next
      if (entries.length === maxItems) break
    }
    entries[entries.length] = showDescribed(inspection, describe(array, next), depth)
    index++
  }
  const left = length - index
  if (left > 0) entries[entries.length] = entries.length === maxItems ? remaining(left) : holes(inspection, left)
  return entries
}

const holes = ({ budget }: Inspection, count: number): string => spend(budget, `<${count} empty item${count > 1 ? 's' : ''}>`)

export function showMap(inspection: Inspection, map: object, depth: number): List<string> {
  const size = mapSize(map)
  const count = min(inspection.maxItems, size)
  const iterator = mapEntries(map)
  const entries: List<string> = list()
  inspection.indentation += 2
  for (let i = 0; i < count && inspection.budget.left > 0; i++) {
    const { value: entry, done } = mapNext(iterator)
    // A Proxy inside may have taken entries out meanwhile.
    if (done) break
    const key = inspection.show(inspection, entry[0], depth)
    entries[i] = `${key} => ${inspection.show(inspection, entry[1], depth)}`
  }
  inspection.indentation -= 2
  if (size > count) entries[entries.length] = remaining(size - count)
  return entries
}

export function showSet(inspection: Inspection, set: object, depth: number): List<string> {
  const size = setSize(set)
  const count = min(inspection.maxItems, size)
  const iterator = setValues(set)
  const entries: List<string> = list()
  inspection.indentation += 2
  for (let i = 0; i < count && inspection.budget.left > 0; i++) {
    const { value, done } = setNext(iterator)
    if (done) break
    entries[i] = inspection.show(inspection, value, depth)
  }
  inspection.indentation -= 2
  if (size > count) entries[entries.length] = remaining(size - count)
  return entries
}
