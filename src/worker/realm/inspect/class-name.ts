import { getOwnPropertyDescriptor, getPrototypeOf, typedArrayName } from '../../../protocol/msgpack/intrinsics.ts'
import { inherits } from '../../../protocol/values/brand.ts'
import { clip } from './budget.ts'
import { isGlobalName } from './built-in-names.ts'
import { type Inspection, newInspection } from './inspection.ts'
import { lastIndexOf, min, slice, toStringTag } from './intrinsics.ts'
import { builtInName, type Kind, kindName } from './kind.ts'
import { holderOf, LONGEST_CHAIN, ownData } from './own-data.ts'

/** Prototypes that are named where there is no class, as in `Object <Array>`. */
const MAX_NAMED_PROTOTYPES = 2
const SHALLOW = { depth: -1, hidden: false, maxItems: 100, lineWidth: 80 }

export interface ClassOf {
  /** Null if the object has no prototype. */
  readonly name: string | null
  /** Whether the prototypes may hold data of the guest's making. */
  readonly custom: boolean
}

/** The name of a class that has `value` among its instances: the nearest `constructor` that says so. No getter runs, and no `Symbol.hasInstance`. */
export function classOf(
  inspection: Inspection,
  value: object,
  kind: Kind,
  depth: number,
  last = min(inspection.depth, depth + MAX_NAMED_PROTOTYPES),
): ClassOf {
  const proto = getPrototypeOf(value)
  let at: object | null = value
  for (let i = 0; at !== null && i < LONGEST_CHAIN; i++) {
    const builtIn = at === value ? undefined : builtInName(at)
    if (builtIn !== undefined) return { name: builtIn, custom: at !== proto }
    const constructor = ownData(at, 'constructor')
    if (typeof constructor === 'function') {
      const name = ownData(constructor, 'name')
      if (typeof name === 'string' && name !== '' && isInstance(value, constructor)) {
        return { name: clip(inspection.budget, name), custom: at !== proto || !isGlobalName(name) }
      }
    }
    at = getPrototypeOf(at)
  }
  if (proto === null) return { name: null, custom: false }
  const fallback = kindName(kind, value)
  if (depth > last) return { name: `${fallback} <Complex prototype>`, custom: false }
  const { name } = classOf(inspection, proto, 'object', depth + 1, last)
  if (name !== null) return { name: `${fallback} <${name}>`, custom: false }
  const shallow = newInspection(inspection.show, SHALLOW, inspection.budget)
  return { name: `${fallback} <${inspection.show(shallow, proto, 0)}>`, custom: false }
}

function isInstance(value: object, constructor: object): boolean {
  const prototype = ownData(constructor, 'prototype')
  return typeof prototype === 'object' && prototype !== null && inherits(value, prototype)
}

/** The text of `Symbol.toStringTag`; empty if it shows among the properties anyway. Of getters only that of typed arrays is asked. */
export function tagOf(inspection: Inspection, value: object): string {
  const holder = holderOf(value, toStringTag)
  if (holder === undefined) return ''
  if (holder === value && (inspection.hidden || getOwnPropertyDescriptor(value, toStringTag)?.enumerable === true)) return ''
  const tag = typedArrayName(value) ?? ownData(holder, toStringTag)
  return typeof tag === 'string' ? clip(inspection.budget, tag) : ''
}

/** What stands before the bracket, with a space after it. `size` is the number of items in parentheses, for what has some. */
export function prefixOf(name: string | null, tag: string, fallback: string, size = ''): string {
  if (name === null) return `[${fallback}${size}: null prototype] ${tag !== '' && tag !== fallback ? `[${tag}] ` : ''}`
  if (tag === '') return `${name}${size} `
  const dot = lastIndexOf(tag, '.')
  return name === (dot >= 1 ? slice(tag, dot + 1) : tag) ? `${tag}${size} ` : `${name}${size} [${tag}] `
}

/** The prefix of an object that is of no special kind. */
export function plainPrefix(value: object, kind: Kind, name: string | null, tag: string): string {
  const fallback = name === null ? kindName(kind, value) : ''
  return prefixOf(name, tag, fallback === tag ? 'Object' : fallback)
}
