import { runInNewContext, runInThisContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { CodecError } from '../../src/protocol/msgpack/codec-error.ts'
import { MsgpackReader } from '../../src/protocol/msgpack/reader.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack/writer.ts'
import { ValueEncoder } from '../../src/protocol/values/value-encoder.ts'
import type { RemoteObject } from '../../src/protocol/values/value-options.ts'
import { THEN } from '../../src/protocol/values/value-options.ts'
import { VIEW_NAMES } from '../../src/protocol/values/wire-kinds.ts'
import { decode, encode, hex, unhex } from '../support/codec.ts'
import { difference } from '../support/same-graph.ts'

const withSelf = <T extends object>(value: T, link: (value: T) => void): T => {
  link(value)
  return value
}
const holes = (length: number): unknown[] => Object.assign([], { length })
const buffer = new ArrayBuffer(16)
new Uint8Array(buffer).set([1, 2, 3, 4, 5, 6, 7, 8, 9])
const resizable = new ArrayBuffer(8, { maxByteLength: 64 })
const full = new ArrayBuffer(8, { maxByteLength: 8 })
new Uint8Array(full).set([1, 2, 3, 4, 5, 6, 7, 8])
const shared = { a: 1 }
class Custom extends TypeError {
  override name = 'Custom'
  extra = { deep: [1] }
}
interface View {
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): ArrayBufferView
  readonly BYTES_PER_ELEMENT?: number
}
const global = globalThis as unknown as Record<string, View | undefined>
const views = VIEW_NAMES.map((name) => global[name]).filter((view) => view !== undefined)

test.each<[string, unknown]>([
  ['null', null],
  ['undefined', undefined],
  ['booleans', [true, false]],
  ['small integers', [0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 60]],
  ['negative integers', [-1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53) + 1, -(2 ** 53)]],
  ['-0', -0],
  ['floats', [1.5, -1.5, 5e-324, 1.7976931348623157e308, 0.1]],
  ['NaN and infinities', [Number.NaN, Infinity, -Infinity]],
  ['bigints', [0n, 1n, -1n, 255n, 256n, 2n ** 64n, -(2n ** 64n) + 1n, 12345678901234567890n ** 20n]],
  [
    'strings around the header sizes',
    [0, 1, 23, 24, 25, 31, 32, 47, 48, 49, 255, 256, 511, 512, 513, 65535, 65536].map((n) => 'x'.repeat(n)),
  ],
  [
    'strings that are not ASCII',
    [
      'é',
      'aé',
      '€',
      '😀',
      'é'.repeat(15),
      'é'.repeat(16),
      'é'.repeat(200),
      '€'.repeat(30000),
      '😀'.repeat(600),
      '\u0000\u007f\u0080\u07ff\u0800\uffff',
    ],
  ],
  ['lone surrogates', ['\ud800', '\udc00a', 'a\ud83d', '\udc00\ud800', `${'x'.repeat(600)}\ud800`]],
  ['registered symbol', Symbol.for('glovebox.test')],
  ['well-known symbol', [Symbol.iterator, Symbol.asyncIterator]],
  ['date', new Date(1234567890123)],
  ['invalid date', new Date(Number.NaN)],
  ['date before 1970', new Date(-1)],
  ['regexp', [/a\/b[/]/dgimsuy, /[\p{L}--a]/v, new RegExp(''), /\n/]],
  [
    'map',
    new Map<unknown, unknown>([
      [1, 'one'],
      ['two', { x: 1 }],
      [{ k: 1 }, new Map()],
      [Number.NaN, undefined],
      [null, null],
    ]),
  ],
  ['set', new Set([1, 'x', null, undefined, new Set([1])])],
  ['empty containers', [[], {}, new Map(), new Set(), '']],
  ['arrays around the header sizes', [15, 16, 65535, 65536].map((n) => Array.from({ length: n }, (_, i) => i))],
  ['object of 70000 properties', Object.fromEntries(Array.from({ length: 70000 }, (_, i) => [`k${i}`, i]))],
  ['sparse array', [1, , 3, ,]], // oxlint-disable-line no-sparse-arrays
  ['array of holes', holes(5)],
  [
    'huge sparse array',
    withSelf(holes(4294967295), (a) => {
      a[4294967294] = 'end'
      a[7] = 'x'
    }),
  ],
  ['array with properties', Object.assign([1, 2], { x: 1, 'a b': [] })],
  ['sparse array with properties', withSelf([1, , 2] as unknown[], (a) => Object.assign(a, { self: a }))], // oxlint-disable-line no-sparse-arrays
  ['result of a match', 'abc'.match(/b(?<g>x)?/)],
  ['key order', { z: 1, a: 2, 10: 3, 9: 4, '': 5, m: 6 }],
  [
    'keys of Object.prototype',
    JSON.parse('{"__proto__":{"x":1},"constructor":1,"toString":2,"hasOwnProperty":3,"valueOf":null,"__defineGetter__":4}'),
  ],
  ['index-like keys', { 0: 'a', 31: 'b', 32: 'c', 1000: 'd', 1001: 'e', 4294967294: 'f', 4294967295: 'g', '01': 'h', '-1': 'i' }],
  ['odd keys', { é: 1, '\ud800': 2, ['k'.repeat(24)]: 3, ['k'.repeat(25)]: 4, ['k'.repeat(300)]: 5, length: 6 }],
  ['null-prototype object', Object.assign(Object.create(null) as object, { a: 1, toString: 2 })],
  [
    'null-prototype object with __proto__',
    withSelf(Object.create(null) as Record<string, unknown>, (o) => {
      o['__proto__'] = { a: 1 }
    }),
  ],
  ['boxed primitives', [Object(1), Object(-0), Object('text'), Object(true), Object(false), Object(5n), Object(Symbol.for('s'))]],
  ['ArrayBuffer', buffer],
  ['empty ArrayBuffer', new ArrayBuffer(0)],
  ['resizable ArrayBuffer', resizable],
  ['every typed array', views.map((Type) => new Type(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer))],
  ['views of one buffer', [new Uint8Array(buffer, 2, 3), buffer, new DataView(buffer), new Float64Array(buffer, 8)]],
  ['view before its buffer', { view: new Int16Array(buffer, 4, 2), buffer }],
  ['error', new RangeError('out')],
  ['error without message', new Error()],
  ['error with an empty message', new Error('')],
  ['every error type', [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((Type) => new Type('m'))],
  ['error with cause', new Error('outer', { cause: new TypeError('inner', { cause: undefined }) })],
  [
    'error whose cause is itself',
    withSelf(new Error('x'), (e) => {
      e.cause = e
    }),
  ],
  ['AggregateError', new AggregateError([new Error('a'), 1], 'many', { cause: 'c' })],
  ['error with properties', Object.assign(new Error('x'), { code: 'ERR_X', detail: { a: [1] }, cause: 'enumerable' })],
  ['error subclass', new Custom('c')],
  [
    'cycle in an object',
    withSelf<Record<string, unknown>>({ a: 1 }, (o) => {
      o['self'] = o
    }),
  ],
  [
    'cycle in an array',
    withSelf([1] as unknown[], (a) => {
      a.push(a, { a })
    }),
  ],
  [
    'cycle through map and set',
    withSelf(new Map<unknown, unknown>(), (m) => {
      m.set(m, new Set([m]))
    }),
  ],
  ['repeated reference', [shared, { shared }, [shared]]],
  ['two equal objects stay two', [{ a: 1 }, { a: 1 }]],
  [
    '300 references',
    withSelf([] as unknown[], (a) => {
      for (let i = 0; i < 300; i++) a.push({ i })
      for (let i = 0; i < 300; i++) a.push(a[i])
    }),
  ],
])('%s comes out as it went in', (_, value) => {
  expect(difference(value, decode(encode(value)))).toBe(undefined)
})

test.each<[string, unknown, string]>([
  ['null', null, 'c0'],
  ['undefined', undefined, 'd4 00 00'],
  ['integer', 300, 'cd 012c'],
  ['integer beyond 32 bits', -(2 ** 40), 'd3 ffffff0000000000'],
  ['-0', -0, 'cb 8000000000000000'],
  ['string', 'hé', 'a3 68c3a9'],
  ['lone surrogate', 'a\ud800', 'd6 04 610000d8'],
  ['bigint', -256n, 'c7 03 05 01 0100'],
  ['array', [1, 'a'], '92 01 a161'],
  ['object', { a: null }, '81 a161 c0'],
  ['sparse array', [1, , 3], '94 d40101 03 91 01 81 02 03'], // oxlint-disable-line no-sparse-arrays
  ['null-prototype object', Object.create(null), '92 d40102 80'],
  ['map', new Map([[1, 2]]), '92 d40103 81 01 02'],
  ['set', new Set([1]), '92 d40104 91 01'],
  ['date', new Date(5), '92 d40105 05'],
  ['regexp', /a/g, '93 d40106 a161 a167'],
  [
    'error',
    withSelf(new TypeError('m'), (e) => {
      e.stack = 's'
    }),
    '97 d40107 05 c0 a16d a173 80 80',
  ],
  ['ArrayBuffer', new Uint8Array([1]).buffer, '92 d40108 c40101'],
  ['resizable ArrayBuffer', new ArrayBuffer(1, { maxByteLength: 4 }), '93 d40109 c40100 04'],
  ['view', new Uint8Array([1]), '95 d4010a 01 92d40108c40101 00 01'],
  ['boxed', Object(1), '92 d4010b 01'],
  ['registered symbol', Symbol.for('k'), '92 d4010c a16b'],
  ['well-known symbol', Symbol.iterator, '92 d4010d a8 6974657261746f72'],
  [
    'record',
    [
      { a: 1, b: 2 },
      { a: 3, b: 'x' },
    ],
    '92 82 a161 01 a162 02 93 d40601 03 a178',
  ],
  ['reference', withSelf([] as unknown[], (a) => a.push(a)), '91 d40200'],
])('the bytes of: %s', (_, value, bytes) => {
  expect(hex(encode(value))).toBe(bytes.replaceAll(' ', ''))
})

const f = async (): Promise<void> => undefined
test.each<[kind: string, value: object, remote: RemoteObject, bytes: string]>([
  ['async iterable', (async function* () {})(), { kind: 15, parts: [f] }, '92d4010f94d4010e0701a166'],
  ['iterable object literal', { data: 1, async *[Symbol.asyncIterator]() {} }, { kind: 15, parts: [f] }, '92d4010f94d4010e0701a166'],
  ['ReadableStream', new ReadableStream(), { kind: 16, parts: [f] }, '92d4011094d4010e0701a166'],
  ['AbortSignal', new AbortController().signal, { kind: 17, parts: [false, undefined, f] }, '94d40111c2d4000094d4010e0701a166'],
])('an object that stays where it is: %s', (_kind, value, remote, expected) => {
  const bytes = encode([value, value], {
    remoteOut: (object) => (object === value ? remote : undefined),
    functionOut: (_fn, isAsync) => ({ id: 7, isAsync, returns: false, name: 'f' }),
  })
  expect(hex(bytes)).toBe(`92${expected}d40201`)
  const made = {}
  const seen: unknown[] = []
  const options = {
    functionIn: () => f,
    remoteIn: (kind: number, parts: readonly unknown[]) => (seen.push([kind, ...Array.from(parts)]), made),
  }
  const back = decode(bytes, options) as unknown[]
  expect([back[0] === made, back[1] === made, seen]).toEqual([true, true, [[remote.kind, ...remote.parts]]])
  expect(() => encode({ items: [value] }, { remoteOut: () => 'a locked thing' })).toThrow('value.items[0]: a locked thing cannot cross')
  expect(() => decode(bytes, { functionIn: () => f })).toThrow(expect.objectContaining({ code: 'ERR_VALUE_UNSUPPORTED' }))
})

test('a function crosses as a handle', () => {
  const f = () => {}
  const g = async () => {}
  const ids = [f, g] as unknown[]
  const bytes = encode([f, { g }, f], { functionOut: (fn, isAsync) => ({ id: ids.indexOf(fn), isAsync, returns: fn === f, name: 'n' }) })
  expect(hex(bytes)).toBe('9394d4010e0002a16e81a16794d4010e0101a16e94d4010e0002a16e')
  const seen: unknown[] = []
  expect(decode(bytes, { functionIn: (handle) => (seen.push(handle), `fn${handle.id}`) })).toEqual(['fn0', { g: 'fn1' }, 'fn0'])
  expect(seen).toEqual([
    { id: 0, isAsync: false, returns: true, name: 'n' },
    { id: 1, isAsync: true, returns: false, name: 'n' },
    { id: 0, isAsync: false, returns: true, name: 'n' },
  ])
  expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'ERR_VALUE_UNSUPPORTED' }))
  const thrown = new Error('hook')
  expect(() =>
    decode(bytes, {
      functionIn: () => {
        throw thrown
      },
    }),
  ).toThrow(thrown) // oxlint-disable-line
})

describe("no thenable crosses: a function is no property named 'then'", () => {
  const then = () => {}
  const having = <T extends object>(target: T, value: unknown = then): T => Object.assign(target, { [THEN]: value })
  const functionOut = () => ({ id: 1, isAsync: false, returns: false, name: '' })
  const functionIn = () => then
  test.each<[string, unknown, string]>([
    ['of an object', having({}), 'value.then'],
    ['of an object without a prototype', having(Object.create(null) as object), 'value.then'],
    ['of an object in a list', [1, { a: having({}) }], 'value[1].a.then'],
    ['of a list', having([1]), 'value.then'],
    ['of an error', having(new Error('m')), 'value.then'],
  ])('%s: refused', (_, value, path) => {
    const reason = `${path}: a function named 'then' makes a promise of its object, which cannot cross inside a value`
    expect(() => encode(value, { functionOut })).toThrow(expect.objectContaining({ code: 'ERR_VALUE_UNSUPPORTED', message: reason }))
  })

  test.each<[string, string]>([
    ['of an object', '81 a4 7468656e 94d4010e0100a0'],
    ['of an object without a prototype', '92 d40102 81 a4 7468656e 94d4010e0100a0'],
    ['of a list', '94 d40101 00 90 81 a4 7468656e 94d4010e0100a0'],
    ['of an error', '97 d40107 00 c0 c0 c0 80 81 a4 7468656e 94d4010e0100a0'],
  ])('%s: malformed', (_, bytes) => {
    expect(decode(unhex(bytes.replace('94d4010e0100a0', '07')), { functionIn })).toMatchObject(having({}, 7))
    expect(() => decode(unhex(bytes), { functionIn })).toThrow(expect.objectContaining({ code: 'ERR_MALFORMED', message: 'a thenable' }))
  })

  test('other functions and other values of that name do', () => {
    const value = { ...having({}, 'x'), a: having({}, [then]), next: then, map: new Map([['then', then]]) }
    expect(decode(encode(value, { functionOut }), { functionIn })).toEqual(value)
  })
})

describe('what an error shows is text', () => {
  const odd = (properties: object): Error => Object.assign(new TypeError('m'), properties)
  test.each<[string, Error, unknown]>([
    ['a name', odd({ name: { toString: null } }), { name: 'TypeError', message: 'm', keys: [] }],
    ['a message', odd({ message: { toString: () => 'said' }, a: 1 }), { name: 'TypeError', message: 'said', keys: ['a'] }],
    ['texts', odd({ name: 'N', message: 'M' }), { name: 'N', message: 'M', keys: ['name'] }],
    [
      'a getter that gives something else later',
      Object.defineProperty(odd({ times: 0 }), 'name', {
        enumerable: true,
        get(this: { times: number }) {
          return this.times++ === 0 ? 'once' : {}
        },
      }),
      { name: 'once', message: 'm', keys: ['name', 'times'] },
    ],
  ])('%s', (_, error, shown) => {
    const out = decode(encode(error)) as Error
    expect({ name: out.name, message: out.message, keys: Object.keys(out) }).toEqual(shown)
  })

  test.each(['name', 'message', 'stack'])('a %s that is none is malformed', (key) => {
    const bytes = `97 d40107 00 c0 c0 c0 80 81 ${hex(Uint8Array.from([0xa0 + key.length, ...Buffer.from(key)]))}`
    expect(decode(unhex(`${bytes} a178`))).toMatchObject({ [key]: 'x' })
    expect(() => decode(unhex(`${bytes} 07`))).toThrow(
      expect.objectContaining({ code: 'ERR_MALFORMED', message: `an error whose ${key} is no text` }),
    )
  })
})

const lengthOf = (view: ArrayBufferView): number => {
  try {
    return view.byteLength
  } catch {
    return 0
  }
}

test.each([
  ['with room to grow', resizable, [32, 8]],
  ['at its maximum', full, [4, 0]],
] as const)('views keep following a resizable buffer %s, and fixed ones do not', (_, source, lengths) => {
  const before = Buffer.from(source).toString('hex')
  for (const Type of views.filter((view) => (view.BYTES_PER_ELEMENT ?? 1) <= 4)) {
    const fixed = new Type(source, 0, 8 / (Type.BYTES_PER_ELEMENT ?? 1))
    const out = decode(encode([new Type(source), fixed])) as ArrayBufferView<ArrayBuffer>[]
    expect([Buffer.from(source).toString('hex'), source.byteLength]).toEqual([before, 8])
    expect(out[0]!.buffer).toBe(out[1]!.buffer)
    out[0]!.buffer.resize(lengths[0])
    expect(out.map(lengthOf)).toEqual(lengths)
  }
})

test('a Node Buffer crosses as its own bytes, not with the pool that it lies in', () => {
  const secret = Buffer.from('secret')
  const [bytes, words] = decode(encode([Buffer.from('abc'), new (class Words extends Uint16Array {})(secret.buffer, 8, 2)])) as [
    Uint8Array,
    Uint16Array,
  ]
  expect(bytes).toEqual(new Uint8Array([97, 98, 99]))
  expect(bytes.buffer.byteLength).toBe(3)
  expect([words.length, words.buffer.byteLength]).toEqual([2, 4])
})

test('what JavaScript adds is left out, as in structuredClone', () => {
  class Point {
    x = 1
    #y = 2
    get z() {
      return this.#y
    }
  }
  expect(decode(encode(new Point()))).toStrictEqual({ x: 1 })
  expect(decode(encode({ [Symbol('s')]: 1, a: 1 }))).toStrictEqual({ a: 1 })
  expect(
    decode(
      encode({
        get a() {
          return 7
        },
      }),
    ),
  ).toStrictEqual({ a: 7 })
  expect(decode(encode(Object.defineProperty({ a: 1 }, 'hidden', { value: 2 })))).toStrictEqual({ a: 1 })
  expect(decode(encode(new Proxy({ a: 1 }, {})))).toStrictEqual({ a: 1 })
  expect(decode(encode(new Proxy([1, 2], {})))).toStrictEqual([1, 2])
  expect(decode(encode(new Proxy(new Map([[1, 2]]), {})))).toStrictEqual({})
  expect(
    decode(
      encode(
        withSelf(/x/g, (r) => {
          r.lastIndex = 5
        }),
      ),
    ),
  ).toMatchObject({ lastIndex: 0 })
})

test('objects of another realm come out as objects of this one', () => {
  const source = runInNewContext(`({ a: [1, , 2], m: new Map([[1, new Set([2])]]), d: new Date(5), r: /x/g, e: new RangeError('m'),
    b: new ArrayBuffer(2), v: new Uint16Array(2), n: Object(1), c: new (class X { y = 1 }), w: Object.create(null) })`) as Record<
    string,
    unknown
  >
  const value = decode(encode(source)) as Record<string, unknown>
  for (const [key, type] of Object.entries({
    a: Array,
    m: Map,
    d: Date,
    r: RegExp,
    e: RangeError,
    b: ArrayBuffer,
    v: Uint16Array,
    n: Number,
    c: Object,
  }))
    expect(value[key]).toBeInstanceOf(type)
  expect((value['v'] as Uint16Array).buffer.byteLength).toBe(4)
})

const items = [0, 1, 2, { fn: () => {} }]
test.each<[string, unknown, string]>([
  ['function', () => {}, 'value: a function cannot cross here'],
  ['function in an object in an array', { items }, 'value.items[3].fn: a function cannot cross here'],
  [
    'odd key',
    { 'a b': { '1x': { $_: Symbol('s') } } },
    'value["a b"]["1x"].$_: a symbol that is not registered with Symbol.for cannot cross',
  ],
  ['quotes and control characters', { 'a"\\\n': items[3] }, 'value["a\\"\\\\\ufffd"].fn: a function cannot cross here'],
  ['map value', new Map([['k', Promise.resolve()]]), 'value.get("k"): a Promise cannot cross'],
  ['map value by number', new Map([[5, { a: new WeakMap() }]]), 'value.get(5).a: a WeakMap cannot cross'],
  ['map value by object', new Map([[{}, new WeakSet()]]), 'value.get(…): a WeakSet cannot cross'],
  [
    'map key',
    new Map([
      [1, 1],
      [new WeakRef({}), 2],
    ] as [unknown, unknown][]),
    'value.keys()[1]: a WeakRef cannot cross',
  ],
  ['set item', new Set([1, (function* () {})()]), 'value.values()[1]: a generator cannot cross'],
  ['async generator', [(async function* () {})()], 'value[0]: an async generator cannot cross'],
  ['iterator', [[].values()], 'value[0]: an iterator cannot cross'],
  ['error cause', new Error('x', { cause: items[3] }), 'value.cause.fn: a function cannot cross here'],
  [
    'aggregated error',
    new AggregateError([1, Symbol('x')]),
    'value.errors[1]: a symbol that is not registered with Symbol.for cannot cross',
  ],
  ['property of an error', Object.assign(new Error('x'), { p: items }), 'value.p[3].fn: a function cannot cross here'],
  ['property of an array', Object.assign([1], { p: items }), 'value.p[3].fn: a function cannot cross here'],
  ['after a hole', [1, , { fn() {} }], 'value[2].fn: a function cannot cross here'], // oxlint-disable-line no-sparse-arrays
  ['SharedArrayBuffer', { s: new SharedArrayBuffer(1) }, 'value.s: a SharedArrayBuffer cannot cross'],
  ['view of a SharedArrayBuffer', [new Uint8Array(new SharedArrayBuffer(1))], 'value[0]: a view of a SharedArrayBuffer cannot cross'],
  [
    'detached buffer',
    withSelf({ b: new ArrayBuffer(1) }, ({ b }) => structuredClone(b, { transfer: [b] })),
    'value.b: a detached ArrayBuffer cannot cross',
  ],
  [
    'view of a detached buffer',
    withSelf([new Uint8Array(1)], ([b]) => structuredClone(b!.buffer, { transfer: [b!.buffer] })),
    'value[0]: a view of a detached ArrayBuffer cannot cross',
  ],
  [
    'view outside of its buffer',
    withSelf([new Uint8Array(new ArrayBuffer(8, { maxByteLength: 8 }), 4, 4)], ([v]) => v!.buffer.resize(2)),
    'value[0]: a view that lies outside of its buffer cannot cross',
  ],
  ['Temporal', { d: runInThisContext('Temporal.PlainDate.from("2024-02-29")') }, 'value.d: a Temporal.PlainDate cannot cross'],
  [
    'view beyond what was written of its buffer',
    withSelf([new ArrayBuffer(8, { maxByteLength: 16 })] as unknown[], (a) => {
      const grown = a[0] as ArrayBuffer
      a[1] = {
        get view() {
          grown.resize(16)
          return new Uint8Array(grown, 8, 8)
        },
      }
    }),
    'value[1].view: a view of an ArrayBuffer that was resized while the value was read cannot cross',
  ],
  ['WebAssembly', [runInThisContext('new WebAssembly.Memory({ initial: 0 })')], 'value[0]: a WebAssembly.Memory cannot cross'],
])('%s cannot cross, and the error says where', (_, value, message) => {
  const thrown = caught(() => encode(value))
  expect(thrown).toBeInstanceOf(CodecError)
  expect(thrown).toMatchObject({ code: 'ERR_VALUE_UNSUPPORTED', message, path: message.slice(0, message.indexOf(': ')) })
})

const caught = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const nested = (depth: number): unknown => {
  let value: unknown = []
  for (let i = 1; i < depth; i++) value = [value]
  return value
}

test.each([1, 5, 100, 1000])('a depth limit of %i', (maxDepth) => {
  const bytes = encode(nested(maxDepth), { maxDepth })
  expect(difference(nested(maxDepth), decode(bytes, { maxDepth }))).toBe(undefined)
  expect(caught(() => encode(nested(maxDepth + 1), { maxDepth }))).toMatchObject({
    code: 'ERR_VALUE_TOO_DEEP',
    path: `value${'[0]'.repeat(maxDepth)}`,
  })
  expect(caught(() => decode(new Uint8Array(maxDepth + 2).fill(0x91), { maxDepth }))).toMatchObject({ code: 'ERR_VALUE_TOO_DEEP' })
})

test.each<[string, unknown, number]>([
  ['a primitive', 1, 0],
  ['a symbol', Symbol.for('s'), 0],
  ['an object', {}, 1],
  ['a boxed symbol', Object(Symbol.for('s')), 1],
  ['an error', new Error('x'), 1],
  ['a buffer', buffer, 1],
  ['a view, whose buffer is a level of its own', new Uint8Array(buffer), 2],
  ['a view of a subclass', new (class extends Int8Array {})(2), 2],
  ['a Node Buffer', Buffer.from('x'), 1],
  ['a map in a map', new Map([[new Map(), 1]]), 2],
])('both sides agree on the depth of %s', (_, value, depth) => {
  expect(() => decode(encode([value], { maxDepth: depth + 1 }), { maxDepth: depth + 1 })).not.toThrow()
  if (depth === 0) return
  expect(caught(() => encode([value], { maxDepth: depth }))).toMatchObject({ code: 'ERR_VALUE_TOO_DEEP' })
  expect(caught(() => decode(encode([value]), { maxDepth: depth }))).toMatchObject({ code: 'ERR_VALUE_TOO_DEEP' })
})

test('a regular expression must not be too long, and must compile where it arrives', () => {
  const longest = new RegExp('€'.repeat(65536))
  expect(difference(longest, decode(encode(longest)))).toBe(undefined)
  expect(caught(() => encode([new RegExp('x'.repeat(65537))]))).toMatchObject({ code: 'ERR_VALUE_TOO_LARGE', path: 'value[0]' })
  expect(caught(() => decode(unhex('93 d40106 a128 a0')))).toMatchObject({ code: 'ERR_VALUE_UNSUPPORTED' })
})

test('a depth beyond 1000 is not taken', () => {
  expect(caught(() => encode(nested(1001), { maxDepth: 1e9 }))).toMatchObject({ code: 'ERR_VALUE_TOO_DEEP' })
})

test.each([1, 10, 300, 1024, 5000, 100_000])('a size limit of %i bytes', (maxBytes) => {
  for (const make of [
    (n: number) => Array.from({ length: n }, () => 1),
    (n: number) => 'x'.repeat(n),
    (n: number) => new Uint8Array(n).buffer,
    (n: number) => 'é'.repeat(n >> 1),
  ]) {
    // The largest that fits, found from above.
    let size = maxBytes
    while (size > 0 && encode(make(size)).length > maxBytes) size--
    if (encode(make(size)).length > maxBytes) continue
    expect(encode(make(size), { maxBytes }).length).toBeLessThanOrEqual(maxBytes)
    expect(caught(() => encode(make(maxBytes + 1), { maxBytes }))).toMatchObject({ code: 'ERR_VALUE_TOO_LARGE' })
  }
})

test('an item limit', () => {
  const value = [{ a: 1, b: 2 }, new Set([1])]
  expect(decode(encode(value, { maxItems: 5 }), { maxItems: 5 })).toEqual(value)
  expect(caught(() => encode(value, { maxItems: 4 }))).toMatchObject({ code: 'ERR_VALUE_TOO_LARGE', path: 'value[1]' })
  expect(caught(() => decode(encode(value), { maxItems: 4 }))).toMatchObject({ code: 'ERR_VALUE_TOO_LARGE' })
})

test('a bigint limit', () => {
  const largest = 2n ** (8n * 65536n) - 1n
  expect(decode(encode(largest))).toBe(largest)
  expect(caught(() => encode([largest + 1n]))).toMatchObject({ code: 'ERR_VALUE_TOO_LARGE', path: 'value[0]' })
})

test('a limit on what resizable buffers reserve', () => {
  const of = (maxByteLength: number) => new ArrayBuffer(0, { maxByteLength })
  expect(difference([of(2 ** 27), of(2 ** 27)], decode(encode([of(2 ** 27), of(2 ** 27)])))).toBe(undefined)
  expect(caught(() => encode([of(2 ** 27), of(2 ** 27 + 1)]))).toMatchObject({ code: 'ERR_VALUE_TOO_LARGE', path: 'value[1]' })
  expect(caught(() => decode(unhex('93 d40109 c400 cf 0000000100000000')))).toMatchObject({ code: 'ERR_VALUE_TOO_LARGE' })
})

test('what a getter throws is passed on, and the writer is where it was', () => {
  const writer = new MsgpackWriter()
  const encoder = new ValueEncoder()
  writer.string('before')
  const thrown = new Error('of the getter')
  expect(
    caught(() =>
      encoder.write(writer, [
        1,
        {
          get x() {
            throw thrown
          },
        },
      ]),
    ),
  ).toBe(thrown) // oxlint-disable-line
  expect(writer.position).toBe(7)
  encoder.write(writer, { ok: [1] })
  const reader = new MsgpackReader(writer.bytes, 0, writer.position)
  expect(reader.string()).toBe('before')
  expect(hex(reader.bytes.subarray(7, writer.position))).toBe('81a26f6b9101')
})

test('a getter cannot write with the encoder or the writer that reads it', () => {
  const writer = new MsgpackWriter()
  const encoder = new ValueEncoder()
  const errors: unknown[] = []
  encoder.write(writer, {
    get a() {
      errors.push(caught(() => encoder.write(new MsgpackWriter(), 1)))
      return 1
    },
    get b() {
      errors.push(caught(() => new ValueEncoder().write(writer, 1)))
      return 2
    },
    get c() {
      errors.push(caught(() => writer.reset()))
      return 3
    },
  })
  expect(errors).toMatchObject([{ code: 'ERR_REENTRANT' }, { code: 'ERR_REENTRANT' }, { code: 'ERR_REENTRANT' }])
  expect(hex(writer.view())).toBe('83a16101a16202a16303')
})

test('a value that changes while it is read is still well formed', () => {
  const list: unknown[] = [
    1,
    {
      get x() {
        list.length = 1
        return 1
      },
    },
    3,
    4,
  ]
  expect(decode(encode(list))).toEqual([1, { x: 1 }, undefined, undefined])
  const grows: unknown[] = [
    {
      get x() {
        grows.push(9)
        return 1
      },
    },
  ]
  expect(decode(encode(grows))).toEqual([{ x: 1 }])
  const map = new Map<unknown, unknown>([
    [
      1,
      {
        get x() {
          map.clear()
          return 1
        },
      },
    ],
    [2, 2],
  ])
  expect(decode(encode(map))).toEqual(
    new Map<unknown, unknown>([
      [1, { x: 1 }],
      [2, 2],
    ]),
  )
  const bag: Record<string, unknown> = {
    get a() {
      delete bag['b']
      bag['c'] = 1
      return 1
    },
    b: 2,
  }
  expect(decode(encode(bag))).toStrictEqual({ a: 1 })
  const bytes = new Uint8Array(4)
  expect(
    caught(() =>
      encode([
        {
          get x() {
            structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
            return 1
          },
        },
        bytes,
      ]),
    ),
  ).toMatchObject({ code: 'ERR_VALUE_UNSUPPORTED' })
})

test.each<[string, string]>([
  ['nothing', ''],
  ['an array that ends early', '92 01'],
  ['a map that ends early', '81 a161'],
  ['a count beyond the input', 'dd ffffffff'],
  ['counts that only fit one by one', '94 01 93 01 01'],
  ['a string beyond the input', 'db ffffffff 61'],
  ['bytes beyond the input', 'c6 ffffffff 61'],
  ['the unused type byte', 'c1'],
  ['a reference to nothing', 'd4 02 00'],
  ['a reference to what is being made', '92 d4010b d40200'],
  ['a view of itself', '95 d4010a 01 d40200 00 00'],
  ['a view of an object', '95 d4010a 01 80 00 00'],
  ['a view beyond its buffer', '95 d4010a 01 92d40108c40101 00 02'],
  ['a view at an odd place', '95 d4010a 04 93d40108c4020102 01 00'],
  ['a view of an unknown type', '95 d4010a 63 92d40108c40101 00 01'],
  ['a tracking view of a fixed buffer', '95 d4010a 01 92d40108c40101 00 c0'],
  ['a resizable buffer beyond its maximum', '93 d40109 c4020000 01'],
  ['an unknown kind', '92 d40163 01'],
  ['too many fields', '93 d40105 05 05'],
  ['a kind without fields', '91 d40105'],
  ['a kind out of place', '92 01 d40105'],
  ['an unknown extension', 'd4 63 00'],
  ['a date out of range', '92 d40105 cb 7ff0000000000000'],
  ['an unknown error type', '97 d40107 63 c0 c0 c0 80 80'],
  ['an unknown hidden property', '97 d40107 00 c0 c0 c0 81 a161 01 80'],
  ['an index beyond the length', '94 d40101 02 90 81 02 01'],
  ['a prefix beyond the length', '94 d40101 01 92 01 01 80'],
  ['an index as a string', '94 d40101 05 90 81 a131 01'],
  ['the length as a property', '94 d40101 05 90 81 a66c656e677468 01'],
  ['a key that is no string', '81 01 01'],
  ['a boxed object', '92 d4010b 80'],
  ['half a code unit', 'c7 03 04 610000'],
  ['a bigint with an odd sign', 'd5 05 02 01'],
  ['an unknown well-known symbol', '92 d4010d a178'],
])('%s is malformed', (_, bytes) => {
  expect(caught(() => decode(unhex(bytes)))).toMatchObject({ code: 'ERR_MALFORMED' })
})

test('integers of other languages beyond 2^53 come out as bigints', () => {
  expect(decode(unhex('cf ffffffffffffffff'))).toBe(2n ** 64n - 1n)
  expect(decode(unhex('d3 8000000000000000'))).toBe(-(2n ** 63n))
  expect(decode(unhex('cf 001fffffffffffff'))).toBe(2 ** 53 - 1)
  expect(decode(unhex('d3 ffe0000000000001'))).toBe(-(2 ** 53) + 1)
  expect(decode(unhex('d3 ffe0000000000000'))).toBe(-(2n ** 53n))
})

test('stacks can be kept back', () => {
  const error = decode(encode(new TypeError('m'), { errorStacks: false })) as Error
  expect(error.stack).toBe('TypeError: m')
})
