import { inspect, types } from 'node:util'

/**
 * Says where two values differ, or undefined if they are the same graph: same kinds, same prototypes, same own properties in the same order, same holes, same identities, views that
 * follow their buffer or do not. Objects are paired one to one, so a shared object must stay shared and two equal objects must stay two. What arrived, on the right, must consist
 * of plain data properties.
 */
export function difference(left: unknown, right: unknown): string | undefined {
  return compare(left, right, 'value', new Map(), new Map())
}

function compare(a: unknown, b: unknown, path: string, there: Map<unknown, unknown>, back: Map<unknown, unknown>): string | undefined {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null)
    return Object.is(a, b) ? undefined : `${path}: ${show(a)} became ${show(b)}`
  if (there.has(a) || back.has(b)) return there.get(a) === b && back.get(b) === a ? undefined : `${path}: identity was lost`
  there.set(a, b)
  back.set(b, a)
  const kind = kindOf(a)
  if (kind !== kindOf(b)) return `${path}: ${kind} became ${kindOf(b)}`
  if (prototypeOf(a) !== prototypeOf(b)) return `${path}: ${kind} has another prototype`
  const inner = (x: unknown, y: unknown, step: string) => compare(x, y, path + step, there, back)

  if (types.isDate(a)) return inner(a.getTime(), (b as Date).getTime(), '.getTime()')
  if (types.isRegExp(a)) return inner(String(a), `${b as RegExp}`, '.toString()') ?? inner(0, (b as RegExp).lastIndex, '.lastIndex')
  if (types.isBoxedPrimitive(a)) return inner(a.valueOf(), b.valueOf(), '.valueOf()')
  if (types.isArrayBuffer(a)) {
    const other = b as ArrayBuffer
    return (
      inner(a.resizable, other.resizable, '.resizable') ??
      inner(a.maxByteLength, other.maxByteLength, '.maxByteLength') ??
      inner(Buffer.from(a).toString('hex'), Buffer.from(other).toString('hex'), '.bytes')
    )
  }
  if (ArrayBuffer.isView(a)) {
    const other = b as ArrayBufferView
    return (
      inner(a.byteOffset, other.byteOffset, '.byteOffset') ??
      inner(a.byteLength, other.byteLength, '.byteLength') ??
      inner(a.buffer, other.buffer, '.buffer') ??
      inner(followsBuffer(a), followsBuffer(other), ' (follows its buffer)')
    )
  }
  if (types.isMap(a)) {
    const entries = [...a]
    const others = [...(b as Map<unknown, unknown>)]
    if (entries.length !== others.length) return `${path}: a map of ${entries.length} became one of ${others.length}`
    for (const [i, [key, value]] of entries.entries()) {
      const found = inner(key, others[i]![0], `.keys()[${i}]`) ?? inner(value, others[i]![1], `.values()[${i}]`)
      if (found) return found
    }
    return undefined
  }
  if (types.isSet(a)) {
    const items = [...a]
    const others = [...(b as Set<unknown>)]
    if (items.length !== others.length) return `${path}: a set of ${items.length} became one of ${others.length}`
    for (const [i, item] of items.entries()) {
      const found = inner(item, others[i], `.values()[${i}]`)
      if (found) return found
    }
    return undefined
  }
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return `${path}: length ${a.length} became ${(b as unknown[]).length}`
  if (types.isNativeError(a)) {
    for (const key of ['name', 'message', 'stack', 'cause', 'errors', 'error', 'suppressed']) {
      // A name that a subclass has on its prototype arrives as the error's own.
      const owned = key === 'name' ? undefined : inner(Object.hasOwn(a, key), Object.hasOwn(b, key), `.${key} (own)`)
      const found = owned ?? inner((a as never)[key], (b as never)[key], `.${key}`)
      if (found) return found
    }
  }
  const keys = Object.keys(a)
  const others = Object.keys(b)
  if (keys.join('\0') !== others.join('\0')) return `${path}: keys ${keys.join()} became ${others.join()}`
  for (const key of keys) {
    const { value, writable, configurable } = Object.getOwnPropertyDescriptor(b, key)!
    if (!writable || !configurable) return `${path}.${key}: not an ordinary property`
    const found = inner((a as never)[key], value, `.${key}`)
    if (found) return found
  }
  return undefined
}

function kindOf(value: object): string {
  if (types.isNativeError(value)) return 'Error'
  const proto = Object.getPrototypeOf(value) as object | null
  return proto === null ? 'null-prototype object' : Object.prototype.toString.call(value)
}

/** Of an error, the language's class nearest to its own. */
function prototypeOf(value: object): unknown {
  let proto = Object.getPrototypeOf(value) as object | null
  if (types.isNativeError(value))
    while (proto !== null && !(proto.constructor.name in globalThis)) proto = Object.getPrototypeOf(proto) as object | null
  return proto
}

/** Whether the length of a view changes with that of its buffer, which is put back as it was. */
function followsBuffer(view: ArrayBufferView): boolean {
  const { buffer, byteLength } = view
  if (!(buffer instanceof ArrayBuffer) || !buffer.resizable || buffer.maxByteLength - buffer.byteLength < 8) return false
  const size = buffer.byteLength
  buffer.resize(size + 8)
  const follows = view.byteLength !== byteLength
  buffer.resize(size)
  return follows
}

function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) return kindOf(value)
  return typeof value === 'string' || Object.is(value, -0) ? inspect(value) : String(value)
}
