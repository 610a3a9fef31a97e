import { expect, test } from 'vitest'
import { CodecError } from '../../src/protocol/msgpack/codec-error.ts'
import { MsgpackReader } from '../../src/protocol/msgpack/reader.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack/writer.ts'
import { ValueDecoder } from '../../src/protocol/values/value-decoder.ts'
import { ValueEncoder } from '../../src/protocol/values/value-encoder.ts'
import { decode, encode, hex, unhex } from '../support/codec.ts'
import { difference } from '../support/same-graph.ts'

const count = (bytes: Uint8Array): number => hex(bytes).match(/(?:d40[6]..|d506....|d606........)/g)?.length ?? 0
const many = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i))
const list = (n: number): unknown => (n === 0 ? null : { value: n, next: list(n - 1) })
const tree = (n: number): unknown => (n === 0 ? null : { left: tree(n - 1), right: tree(n - 1) })
const same = { x: [1], y: 2 }

/** How many of the objects are written as records. */
test.each<[what: string, value: unknown, records: number]>([
  [
    'objects of the same keys',
    [
      { a: 1, b: 2 },
      { a: 'x', b: [3] },
      { a: { a: 4, b: 5 }, b: undefined },
    ],
    3,
  ],
  ['one object twice', [same, { x: 1, y: 2 }, same], 1],
  ['objects of one key', [{ a: 1 }, { a: 2 }], 0],
  ['empty objects', [{}, {}], 0],
  [
    'another order',
    [
      { a: 1, b: 2 },
      { b: 3, a: 4 },
    ],
    0,
  ],
  [
    'fewer keys, and more',
    [
      { a: 1, b: 2, c: 3 },
      { a: 4, b: 5 },
      { a: 6, b: 7, c: 8, d: 9 },
      { a: 10, b: 11 },
    ],
    1,
  ],
  ['two kinds in turn', many(10, (i) => (i % 2 ? { id: i, name: 'n' } : { id: i, tags: [], x: 0 })), 8],
  ['a chain, each within the one before', list(50), 0],
  ['a tree', tree(5), 26],
  ['keys that prototypes have', many(3, (i) => JSON.parse(`{"__proto__":${i},"toString":1,"constructor":[]}`) as unknown), 2],
  ['keys that are indices', many(3, (i) => ({ 0: i, 1: i })), 0],
  ['keys that are no identifiers', many(3, (i) => ({ é: i, '': 1, '\ud800': 2, ['k'.repeat(300)]: 3 })), 2],
  ['64 keys', many(3, (i) => Object.fromEntries(many(64, (n) => [`k${n}`, i]))), 2],
  ['65 keys', many(3, (i) => Object.fromEntries(many(65, (n) => [`k${n}`, i]))), 0],
  ['15 and 16 keys, whose headers differ', [15, 15, 16, 16].map((n) => Object.fromEntries(many(n, (k) => [`k${k}`, k]))), 2],
  ['an object that is number 300', [many(299, () => []), { a: 1, b: 2 }, { a: 3, b: 4 }], 1],
  ['an object that is number 70,000', [many(70_000, () => []), { a: 1, b: 2 }, { a: 3, b: 4 }], 1],
  ['more kinds than are kept', [...many(900, (i) => ({ [`a${i}`]: 1, [`b${i}`]: 2 })), { x: 1, y: 2 }, { x: 1, y: 2 }], 0],
])('%s', (_, value, records) => {
  const bytes = encode(value)
  expect(count(bytes)).toBe(records)
  expect(difference(value, decode(bytes))).toBe(undefined)
})

test('instances of a class are maps', () => {
  class Point {
    x = 1
    y = 2
  }
  const bytes = encode([new Point(), new Point(), { x: 3, y: 4 }])
  expect(count(bytes)).toBe(0)
  expect(decode(bytes)).toStrictEqual([
    { x: 1, y: 2 },
    { x: 1, y: 2 },
    { x: 3, y: 4 },
  ])
})

test('nothing of one message is left for the next, whatever was met before', () => {
  const encoder = new ValueEncoder()
  const decoder = new ValueDecoder()
  for (const value of [
    [{ a: 1, b: 2 }],
    [[], { a: 1, b: 2 }, { a: 3, b: 4 }],
    many(2000, (i) => ({ a: i, [`b${i}`]: 1 })),
    [{ a: 1, b: 2 }, [], { a: 3, b: 4 }],
  ]) {
    const writer = new MsgpackWriter()
    encoder.write(writer, value)
    expect(difference(value, decoder.read(new MsgpackReader(writer.view())))).toBe(undefined)
  }
})

/** Each makes a new value, because reading it changes it. */
test.each<[what: string, make: () => unknown, arrives: unknown]>([
  [
    'the first takes a key away',
    () => [
      {
        get a() {
          delete (this as { b?: unknown }).b
          return 1
        },
        b: 2,
        c: 3,
      },
      { a: 4, b: 5, c: 6 },
      { a: 7, c: 8 },
    ],
    [
      { a: 1, c: 3 },
      { a: 4, b: 5, c: 6 },
      { a: 7, c: 8 },
    ],
  ],
  [
    'the first gains a key',
    () => [
      {
        get a() {
          return ((this as { d?: unknown }).d = 1)
        },
        b: 2,
      },
      { a: 4, b: 5 },
      { a: 7, b: 8, d: 9 },
    ],
    [
      { a: 1, b: 2 },
      { a: 4, b: 5 },
      { a: 7, b: 8, d: 9 },
    ],
  ],
  [
    'a later one takes a key away',
    () => [
      { a: 1, b: 2, c: 3 },
      {
        get a() {
          delete (this as { b?: unknown }).b
          return 4
        },
        b: 5,
        c: 6,
      },
      { a: 7, b: 8, c: 9 },
    ],
    [
      { a: 1, b: 2, c: 3 },
      { a: 4, b: undefined, c: 6 },
      { a: 7, b: 8, c: 9 },
    ],
  ],
  [
    'the keys of a Proxy are others each time',
    () => {
      let n = 0
      const handler: ProxyHandler<object> = {
        ownKeys: () => (n++ % 2 ? ['c', 'd'] : ['a', 'b']),
        getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
        get: () => n,
      }
      return [new Proxy({}, handler), { a: 3, b: 4 }, { c: 5, d: 6 }, { c: 7, d: 8 }]
    },
    [
      { c: 2, d: 2 },
      { a: 3, b: 4 },
      { c: 5, d: 6 },
      { c: 7, d: 8 },
    ],
  ],
  [
    'the keys of a Proxy come in an order of their own',
    () => [
      new Proxy({ b: 1, 1: 2, a: 3 }, { ownKeys: () => ['b', '1', 'a'] }),
      new Proxy({ b: 4, 1: 5, a: 6 }, { ownKeys: () => ['b', '1', 'a'] }),
    ],
    [
      { 1: 2, b: 1, a: 3 },
      { 1: 5, b: 4, a: 6 },
    ],
  ],
])('%s while it is read', (_, make, arrives) => {
  expect(difference(arrives, decode(encode(make())))).toBe(undefined)
})

test('what Object.prototype was given is not taken for an own property', () => {
  const value = [
    { a: 1, b: 2 },
    { a: 3, b: 4 },
  ]
  Object.defineProperty(Object.prototype, 'given', { value: 1, enumerable: true, configurable: true }) // oxlint-disable-line no-extend-native
  let bytes: Uint8Array
  try {
    bytes = encode(value)
  } finally {
    delete (Object.prototype as { given?: unknown }).given
  }
  expect(decode(bytes)).toStrictEqual(value)
})

test.each<[string, string]>([
  ['the keys of nothing', '92 82 a161 01 a162 02 93 d40605 03 04'],
  ['the keys of itself', '91 92 d40601 01'],
  ['the keys of the list that it is in', '92 82 a161 01 a162 02 93 d40600 03 04'],
  ['the keys of an object that is not complete', '82 a161 01 a162 93 d40600 03 04'],
  ['fewer values than keys', '92 82 a161 01 a162 02 92 d40601 03'],
  ['more values than keys', '92 82 a161 01 a162 02 94 d40601 03 04 05'],
  ['fewer values than it announces', '92 82 a161 01 a162 02 93 d40601 03'],
  ['a number of eight bytes', '92 82 a161 01 a162 02 93 d7060000000000000001 03 04'],
  ['a number of no bytes', '92 82 a161 01 a162 02 93 c70006 03 04'],
  ['the keys of a Map', '92 92 d40103 82 01 01 02 02 93 d40601 03 04'],
  ['the keys of a Date', '92 92 d40105 05 91 d40601'],
  ['the keys of an object without a prototype', '92 92 d40102 81 a161 01 92 d40601 03'],
  ['keys that are indices', '92 82 a131 01 a132 02 93 d40601 03 04'],
  ['a record for a value', '91 d40600'],
])('a record is malformed: %s', (_, bytes) => {
  expect(() => decode(unhex(bytes))).toThrow(expect.objectContaining({ code: 'ERR_MALFORMED' }))
})

test('a record counts as what it is', () => {
  const value = [
    { a: 1, b: 2 },
    { a: [], b: 4 },
  ]
  const bytes = encode(value, { maxItems: 6, maxDepth: 3 })
  expect(decode(bytes, { maxItems: 6, maxDepth: 3 })).toStrictEqual(value)
  for (const [limits, code] of [
    [{ maxItems: 5 }, 'ERR_VALUE_TOO_LARGE'],
    [{ maxDepth: 2 }, 'ERR_VALUE_TOO_DEEP'],
  ] as const) {
    expect(() => encode(value, limits)).toThrow(expect.objectContaining({ code }))
    expect(() => decode(bytes, limits)).toThrow(expect.objectContaining({ code }))
  }
  expect(() =>
    encode([
      { a: 1, b: 2 },
      { a: 1, b: { c: Symbol('s') } },
    ]),
  ).toThrow('value[1].b.c: a symbol')
  expect(() =>
    encode([
      { a: 1, b: 2 },
      { a: 1, b: { c: Symbol('s') } },
    ]),
  ).toThrow(CodecError)
})
