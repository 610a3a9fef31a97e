import { mapGet, MapOf, mapSet } from '../../protocol/msgpack/intrinsics.ts'
import { type Budget, NOT_SHOWN, OBJECT_COST, spend } from './inspect/budget.ts'
import { showBuffer, showDataView, showTypedArray } from './inspect/buffers.ts'
import { classOf, plainPrefix, tagOf } from './inspect/class-name.ts'
import { showInherited } from './inspect/inherited.ts'
import { type Inspection, type InspectOptions, newInspection, UNREADABLE } from './inspect/inspection.ts'
import { slice } from './inspect/intrinsics.ts'
import { showArray, showMap, showSet } from './inspect/items.ts'
import { isRevoked, type Kind, kindOf } from './inspect/kind.ts'
import { layOut } from './inspect/layout.ts'
import { type List, list } from './inspect/list.ts'
import { outlineOf } from './inspect/outline.ts'
import { showProperty } from './inspect/property.ts'
import { showPrimitive } from './inspect/text.ts'

/**
 * A value as Node's `util.inspect` shows it. Never throws. Calls neither getters nor methods of the guest, nor its custom inspection; only the traps of a Proxy
 * run, since nothing in the language tells one from an object.
 */
export function inspect(value: unknown, options: InspectOptions, budget: Budget): string {
  return show(newInspection(show, options, budget), value, 0)
}

/** `depth` is the level of the value; `inView` says that a buffer's bytes were shown already. */
function show(inspection: Inspection, value: unknown, depth: number, inView = false): string {
  const { around, budget, indentation } = inspection
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return spend(budget, showPrimitive(inspection, value))
  if (budget.left <= 0) return NOT_SHOWN
  budget.left -= OBJECT_COST
  const outside = around.length
  for (let i = 0; i < outside; i++) if (around[i] === value) return circular(inspection, value)
  try {
    return showObject(inspection, value, depth, inView)
  } catch {
    around.length = outside
    inspection.indentation = indentation
    return isRevoked(value) ? '<Revoked Proxy>' : UNREADABLE
  }
}

function circular(inspection: Inspection, value: object): string {
  const references = (inspection.references ??= new MapOf<object, number>())
  let number = mapGet(references, value)
  if (number === undefined) {
    number = ++inspection.referenceCount
    mapSet(references, value, number)
  }
  return spend(inspection.budget, `[Circular *${number}]`)
}

function showObject(inspection: Inspection, value: object, depth: number, inView: boolean): string {
  const { around, budget } = inspection
  const kind = kindOf(value)
  const { name, custom } = classOf(inspection, value, kind, depth)
  const tag = tagOf(inspection, value)
  const tooDeep = depth > inspection.depth
  const inherited = inspection.hidden && custom && !tooDeep ? showInherited(inspection, value, depth) : undefined
  const { keys, base, open, close, bare } = outlineOf(inspection, value, kind, name, tag, inView)
  const plain = keys.length === 0 && (inherited === undefined || inherited.length === 0)
  if (bare !== undefined && (plain || (tooDeep && kind === 'regexp'))) return spend(budget, bare)
  if (tooDeep) {
    const prefix = plainPrefix(value, kind, name, tag)
    const title = slice(prefix, 0, prefix.length - 1)
    return spend(budget, name === null ? title : `[${title}]`)
  }
  budget.left -= base.length + open.length - 1

  const level = depth + 1
  around[around.length] = value
  inspection.entered = level
  const entries = showParts(inspection, value, kind, level)
  for (let i = 0; i < keys.length && budget.left > 0; i++) {
    entries[entries.length] = showProperty(inspection, value, keys[i] as string | symbol, level)
  }
  if (inherited !== undefined) for (let i = 0; i < inherited.length; i++) entries[entries.length] = inherited[i] as string
  around.length--

  const reference = inspection.references === undefined ? undefined : mapGet(inspection.references, value)
  const start = reference === undefined ? base : `<ref *${reference}>${base === '' ? '' : ` ${base}`}`
  const items = kind === 'array' || kind === 'typed array' ? value : undefined
  return layOut(inspection, entries, start, open, close, level, items)
}

/** What an object holds besides properties. */
function showParts(inspection: Inspection, value: object, kind: Kind, depth: number): List<string> {
  if (kind === 'array') return showArray(inspection, value, depth)
  if (kind === 'map') return showMap(inspection, value, depth)
  if (kind === 'set') return showSet(inspection, value, depth)
  if (kind === 'typed array') return showTypedArray(inspection, value, depth)
  if (kind === 'data view') return showDataView(inspection, value, depth)
  if (kind === 'buffer' || kind === 'shared buffer') return showBuffer(inspection, value, kind)
  const entries: List<string> = list()
  // Nothing in the language tells what these hold.
  if (kind === 'promise') entries[0] = '<state unknown>'
  if (kind === 'weak map' || kind === 'weak set') entries[0] = '<items unknown>'
  return entries
}
