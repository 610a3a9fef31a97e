import * as fc from 'fast-check'

/** Small instructions that build a graph: the objects made so far can be used again, so shared references and cycles are common. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'length', '0', '1000', '\ud800', 'é'),
)
const primitive = fc.oneof(
  text,
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.constantFrom<unknown>(undefined, null, true, false, -0, Number.NaN, Symbol.for('s'), Symbol.iterator),
)
const leaf = fc.oneof(
  fc.date({ noInvalidDate: false }),
  fc
    .constantFrom('a', '[b]', '(?<n>c)')
    .chain((source) => fc.constantFrom('', 'gi', 'dmsuy', 'v').map((flags) => new RegExp(source, flags))),
  fc.uint8Array().map((bytes) => Uint8Array.from(bytes).buffer),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => {
    const buffer = new ArrayBuffer(bytes.length, { maxByteLength: 64 })
    new Uint8Array(buffer).set(bytes)
    return buffer
  }),
  fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.bigInt()).map((value) => Object(value) as object),
)
const container = fc.constantFrom('object', 'row', 'row', 'array', 'map', 'set', 'null', 'error', 'sparse', 'view')
const step = fc.record({
  kind: container,
  leaf,
  keys: fc.array(text, { maxLength: 6 }),
  values: fc.array(primitive, { maxLength: 6 }),
  links: fc.array(fc.nat(), { maxLength: 6 }),
})

export const arbitraryValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 1, arbitrary: primitive },
  { weight: 9, arbitrary: fc.array(step, { minLength: 1, maxLength: 8 }).map(build) },
)

/** Keys that objects have in common. */
const ROWS = [
  ['id', 'name', 'tags'],
  ['id', 'toString', 'é', 'x'],
  ['id', 'name'],
  ['__proto__', 'y'],
]

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function build(steps: Step[]): unknown {
  const objects = steps.map(make)
  const all: object[] = [...objects, ...steps.map(({ leaf: value }) => value)]
  for (const [i, { kind, keys: own, values, links }] of steps.entries()) {
    const target = objects[i]!
    const keys = kind === 'row' ? ROWS[links.length % ROWS.length]! : own
    const items = [...values, ...links.map((link) => all[link % all.length])]
    for (const [j, item] of items.entries()) {
      const key = keys[j] ?? String(j)
      if (ArrayBuffer.isView(target)) continue
      if (target instanceof Map) target.set(j % 3 ? key : item, item)
      else if (target instanceof Set) target.add(item)
      else if (Array.isArray(target) && j % 5) target.push(item)
      else if (!(Array.isArray(target) && key === 'length') && !(target instanceof Error && ['name', 'message', 'stack'].includes(key)))
        Object.defineProperty(target, key, { value: item, writable: true, enumerable: true, configurable: true })
    }
  }
  return objects[0]
}

const holes = (length: number): unknown[] => Object.assign([], { length })

function make({ kind, keys, leaf: value, links }: Step): object {
  switch (kind) {
    case 'array':
      return []
    case 'sparse':
      return holes((links[0] ?? 7) % 5000)
    case 'map':
      return new Map()
    case 'set':
      return new Set()
    case 'null':
      return Object.create(null) as object
    case 'error':
      return new (links.length % 2 ? TypeError : Error)(keys[0], links.length > 2 ? { cause: value } : undefined)
    case 'view':
      return value instanceof ArrayBuffer ? viewOf(value, links) : new Float64Array([1.5, -0])
    case 'object':
    default:
      return {}
  }
}

interface ViewClass {
  new (buffer: ArrayBuffer, offset?: number, length?: number): ArrayBufferView
  readonly BYTES_PER_ELEMENT?: number
}

const VIEW_CLASSES: readonly ViewClass[] = [
  Uint8Array,
  DataView,
  Int8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float16Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
]

/** Some view of a buffer: any class, anywhere in it, of a length that is its own or its buffer's. */
function viewOf(buffer: ArrayBuffer, [kind = 0, from = 0, many = 0, follow = 0]: readonly number[]): ArrayBufferView {
  const View = VIEW_CLASSES[kind % VIEW_CLASSES.length]!
  const size = View.BYTES_PER_ELEMENT ?? 1
  const offset = size * (from % (Math.floor(buffer.byteLength / size) + 1))
  if (buffer.resizable && follow % 2) return new View(buffer, offset)
  return new View(buffer, offset, many % (Math.floor((buffer.byteLength - offset) / size) + 1))
}
