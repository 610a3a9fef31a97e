import { getOwnPropertyDescriptor, hasOwn } from '../../../protocol/msgpack/intrinsics.ts'
import { OBJECT_COST, spend } from './budget.ts'
import { type Inspection, UNREADABLE } from './inspection.ts'
import { showKey } from './text.ts'

/** One property, `key: value`. */
export function showProperty(inspection: Inspection, holder: object, key: string | symbol, depth: number): string {
  const described = describe(holder, key)
  const name = spend(inspection.budget, showKey(inspection.budget, key))
  inspection.budget.left -= OBJECT_COST
  const text = showDescribed(inspection, described, depth)
  return `${described?.enumerable === false ? `[${name}]` : name}: ${text}`
}

/** What a property holds; accessors are named, not called. */
export function showDescribed(inspection: Inspection, described: PropertyDescriptor | undefined, depth: number): string {
  if (described === undefined) return UNREADABLE
  const label = accessorLabel(described)
  if (label !== undefined) return label
  inspection.indentation += 2
  const text = inspection.show(inspection, described.value, depth)
  inspection.indentation -= 2
  return text
}

/** What stands for an accessor; undefined for data. */
export function accessorLabel(described: PropertyDescriptor): string | undefined {
  if (hasOwn(described, 'value')) return undefined
  if (described.get === undefined) return described.set === undefined ? 'undefined' : '[Setter]'
  return described.set === undefined ? '[Getter]' : '[Getter/Setter]'
}

/** Undefined if there is no such property or a Proxy does not tell. */
export function describe(holder: object, key: PropertyKey): PropertyDescriptor | undefined {
  try {
    return getOwnPropertyDescriptor(holder, key)
  } catch {
    return undefined
  }
}
