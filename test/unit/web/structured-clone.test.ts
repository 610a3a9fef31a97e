import { expect, test } from 'vitest'
import { throws, valueInNode, WebGuest } from '../../support/web-guest.ts'

const guest = new WebGuest()
const REFUSED = throws('DataCloneError')

/** After the web-platform tests' html/webappapis/structured-clone. `node: false` where Node 26 does something else than the standard. */
const CASES: readonly { readonly what: string; readonly body: string; readonly expected: unknown; readonly node?: false }[] = [
  {
    what: 'primitives',
    body: `return [undefined, null, true, 'x', '\ud800', -0, NaN, Infinity, 12345678901234567890n].map((v) => structuredClone(v))`,
    expected: ['undefined', null, true, 'x', '\ud800', '-0', 'NaN', 'Infinity', '12345678901234567890n'],
  },
  {
    what: 'boxed primitives',
    body: `return [new Boolean(false), new Number(-0), new String('s'), Object(1n)].map((v) => { const c = structuredClone(v); return [typeof c, Object.prototype.toString.call(c), c.valueOf()] })`,
    expected: [
      ['object', '[object Boolean]', false],
      ['object', '[object Number]', '-0'],
      ['object', '[object String]', 's'],
      ['object', '[object BigInt]', '1n'],
    ],
  },
  {
    what: 'dates',
    body: `const d = new Date(5); d.x = 1; const c = structuredClone(d); return [c instanceof Date, c.getTime(), c.x, structuredClone(new Date(NaN)).getTime()]`,
    expected: [true, 5, 'undefined', 'NaN'],
  },
  {
    what: 'regular expressions',
    body: `const r = /a\\/b/giy; r.lastIndex = 3; const c = structuredClone(r); return [c.source, c.flags, c.lastIndex]`,
    expected: ['a\\/b', 'giy', 0],
  },
  {
    what: 'objects',
    body: `const o = { b: 1, a: { c: [2] }, 2: 'x', ['__proto__']: 5, constructor: 6, [Symbol('s')]: 7 }; Object.defineProperty(o, 'hidden', { value: 1 }); const c = structuredClone(o); return [Object.keys(c), Object.getOwnPropertyDescriptor(c, '__proto__').value, c.a.c, c.a === o.a, Object.getOwnPropertySymbols(c).length]`,
    expected: [['2', 'b', 'a', '__proto__', 'constructor'], 5, [2], false, 0],
  },
  {
    what: 'objects without prototype become plain',
    body: `return Object.getPrototypeOf(structuredClone(Object.create(null))) === Object.prototype`,
    expected: true,
  },
  {
    what: 'instances of classes become plain',
    body: `class A { #p = 1; x = 2; get y() { return 3 } }; const c = structuredClone(new A()); return [Object.getPrototypeOf(c) === Object.prototype, c]`,
    expected: [true, { x: 2 }],
  },
  {
    what: 'getters are read',
    body: `let n = 0; const c = structuredClone({ get a() { return ++n } }); return [c, Object.getOwnPropertyDescriptor(c, 'a').writable]`,
    expected: [{ a: 1 }, true],
  },
  { what: 'a getter that throws', body: `structuredClone({ get a() { throw new RangeError() } })`, expected: throws('RangeError') },
  {
    what: 'a property that a getter takes away',
    body: `const o = { get a() { delete o.b; o.c = 1; return 0 }, b: 2 }; return structuredClone(o)`,
    expected: { a: 0 },
  },
  {
    what: 'arrays',
    body: `const a = [1, , 3]; a.x = 4; const c = structuredClone(a); return [c.length, 1 in c, c.x, Array.isArray(c), Object.keys(c)]`,
    expected: [3, false, 4, true, ['0', '2', 'x']],
  },
  {
    what: 'a sparse array',
    body: `const a = []; a[4e9] = 1; a.length = 4294967295; const c = structuredClone(a); return [c.length, c[4e9], Object.keys(c)]`,
    expected: [4294967295, 1, ['4000000000']],
  },
  {
    what: 'maps',
    body: `const k = {}, m = new Map([[k, 1], [NaN, k]]); m.x = 1; const c = structuredClone(m); return [c.size, [...c.keys()][0] === c.get(NaN), c.get(NaN) === k, c.x]`,
    expected: [2, true, false, 'undefined'],
  },
  {
    what: 'sets',
    body: `const s = new Set([1, 'a']); s.add(s); const c = structuredClone(s); return [c.size, c.has(c), c.has(s)]`,
    expected: [3, true, false],
  },
  {
    what: 'a map that changes while it is read',
    body: `const m = new Map([[{ get a() { m.set('late', 1); return 0 } }, 1]]); return structuredClone(m).size`,
    expected: 1,
  },
  {
    what: 'cycles and identity',
    body: `const o = { list: [] }; o.self = o; o.list.push(o, o.list); const c = structuredClone(o); return [c.self === c, c.list[0] === c, c.list[1] === c.list]`,
    expected: [true, true, true],
  },
  {
    what: 'errors',
    body: `const e = new RangeError('m', { cause: { a: 1 } }); e.own = 1; const c = structuredClone(e); return [c instanceof RangeError, c.name, c.message, c.cause, c.own, c.stack === e.stack, Object.keys(c)]`,
    expected: [true, 'RangeError', 'm', { a: 1 }, 'undefined', true, []],
  },
  {
    what: 'errors of other names',
    body: `class Mine extends TypeError { name = 'Mine' } const c = structuredClone(new Mine('m')); const d = structuredClone(new AggregateError([1], 'm')); return [Object.getPrototypeOf(c) === Error.prototype, c.name, c.message, Object.getPrototypeOf(d) === Error.prototype, 'errors' in d]`,
    expected: [true, 'Error', 'm', true, false],
  },
  { what: 'an error without message', body: `return Object.hasOwn(structuredClone(new Error()), 'message')`, expected: false },
  {
    what: 'an error whose message is a getter',
    body: `const e = new Error('m'); Object.defineProperty(e, 'message', { get() { return 'got' } }); return structuredClone(e).message`,
    expected: '',
  },
  {
    what: 'an error in a cycle',
    body: `const e = new Error('m'); e.cause = e; const c = structuredClone(e); return c.cause === c`,
    expected: true,
  },
  {
    what: 'DOMException',
    body: `const e = new DOMException('m', 'DataCloneError'), c = structuredClone(e); return [c instanceof DOMException, c !== e, c.name, c.message, c.code, c.stack === e.stack]`,
    expected: [true, true, 'DataCloneError', 'm', 25, true],
  },
  {
    what: 'QuotaExceededError',
    body: `const c = structuredClone(new QuotaExceededError('m', { quota: 1, requested: 2 })); return [c instanceof QuotaExceededError, c.quota, c.requested]`,
    expected: [true, 1, 2],
    node: false,
  },
  {
    what: 'buffers',
    body: `const b = new Uint8Array([1, 2, 3]).buffer, c = structuredClone(b); return [c instanceof ArrayBuffer, c === b, [...new Uint8Array(c)], b.byteLength]`,
    expected: [true, false, [1, 2, 3], 3],
  },
  {
    what: 'resizable buffers',
    body: `const b = new ArrayBuffer(2, { maxByteLength: 8 }), c = structuredClone({ b, v: new Uint8Array(b), w: new Uint8Array(b, 0, 2), d: new DataView(b) }); c.b.resize(4); return [c.b.maxByteLength, c.v.length, c.w.length, c.d.byteLength]`,
    expected: [8, 4, 2, 4],
  },
  {
    what: 'views of one buffer',
    body: `const b = new ArrayBuffer(16), c = structuredClone([new Uint8Array(b, 1, 2), new Float64Array(b, 8), new DataView(b, 3), b]); return [c[0].buffer === c[3] && c[1].buffer === c[3] && c[2].buffer === c[3], c[0].byteOffset, c[0].length, c[1].length, c[2].byteOffset, c[2].byteLength]`,
    expected: [true, 1, 2, 1, 3, 13],
  },
  {
    what: 'all kinds of views',
    body: `return [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float16Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView].map((View) => structuredClone(new View(new ArrayBuffer(8))).constructor === View)`,
    expected: Array<boolean>(13).fill(true),
  },
  {
    what: 'a view of a subclass',
    body: `class Mine extends Uint8Array {} const c = structuredClone(new Mine([1, 2])); return [Object.getPrototypeOf(c) === Uint8Array.prototype, c]`,
    expected: [true, [1, 2]],
  },
  { what: 'a detached buffer', body: `const b = new ArrayBuffer(1); b.transfer(); structuredClone(b)`, expected: REFUSED },
  { what: 'a view of a detached buffer', body: `const v = new Uint8Array(1); v.buffer.transfer(); structuredClone(v)`, expected: REFUSED },
  {
    what: 'a view outside of its buffer',
    body: `const b = new ArrayBuffer(8, { maxByteLength: 8 }), v = new Uint8Array(b, 4, 4); b.resize(2); structuredClone(v)`,
    expected: REFUSED,
  },
  { what: 'a shared buffer, where no agent may share', body: `structuredClone(new SharedArrayBuffer(1))`, expected: REFUSED, node: false },
  // What has no clone
  ...[
    `() => {}`,
    `class {}`,
    `Symbol('x')`,
    `Symbol.for('x')`,
    `Object(Symbol('x'))`,
    `[{ a: () => {} }]`,
    `new Map([[Symbol(), 1]])`,
    `Promise.resolve()`,
    `new WeakMap()`,
    `new WeakSet()`,
    `new WeakRef({})`,
    `(function* () {})()`,
    `[].values()`,
    `new Error('m', { cause: () => {} })`,
    `new WebAssembly.Memory({ initial: 1 })`,
    `globalThis.structuredClone`,
    `new ReadableStream()`,
    `new EventTarget()`,
    `new AbortController()`,
    `new AbortController().signal`,
    `new TextDecoder()`,
  ].map((value) => ({ what: value, body: `structuredClone(${value})`, expected: REFUSED, node: false as const })),
  ...['new URL("a:b")', 'new URLSearchParams()', 'new Event("x")', 'new TransformStream()', 'performance', 'crypto'].map((value) => ({
    what: value,
    body: `structuredClone(${value})`,
    expected: REFUSED,
    node: false as const,
  })),
  // Transfer
  {
    what: 'a buffer is moved',
    body: `const b = new Uint8Array([1, 2]).buffer, c = structuredClone({ b, again: b }, { transfer: [b] }); return [b.detached, c.b === c.again, [...new Uint8Array(c.b)]]`,
    expected: [true, true, [1, 2]],
  },
  {
    what: 'with its views',
    body: `const b = new ArrayBuffer(8, { maxByteLength: 16 }), v = new Uint8Array(b), w = new Uint16Array(b, 2, 1); v[2] = 7; const c = structuredClone([v, w, new Set([v])], { transfer: [b] }); c[0].buffer.resize(16); return [v.length, c[0].length, c[1].length, c[1][0], c[0].buffer === c[1].buffer, c[2].has(c[0])]`,
    expected: [0, 16, 1, 7, true, true],
  },
  {
    what: 'one that does not occur in the value',
    body: `const b = new ArrayBuffer(1); structuredClone(1, { transfer: [b] }); return b.detached`,
    expected: true,
  },
  {
    what: 'beside others',
    body: `const a = new ArrayBuffer(1), b = new ArrayBuffer(2), c = structuredClone({ a, b, e: new Error('x'), d: new Date(3), m: new Map([[a, b]]) }, { transfer: [a] }); return [a.detached, b.detached, c.m.get(c.a) === c.b, c.e.message, c.d.getTime()]`,
    expected: [true, false, true, 'x', 3],
  },
  {
    what: 'nothing is moved if something cannot be cloned',
    body: `const b = new ArrayBuffer(1); try { structuredClone({ b, f() {} }, { transfer: [b] }) } catch {} return b.detached`,
    expected: false,
  },
  {
    what: 'nothing is moved if a getter throws',
    body: `const b = new ArrayBuffer(1); try { structuredClone({ b, get a() { throw 1 } }, { transfer: [b] }) } catch {} return b.detached`,
    expected: false,
  },
  {
    what: 'an iterable',
    body: `const b = new ArrayBuffer(1); structuredClone(1, { transfer: new Set([b]) }); return b.detached`,
    expected: true,
  },
  { what: 'the same twice', body: `const b = new ArrayBuffer(1); structuredClone(1, { transfer: [b, b] })`, expected: REFUSED },
  { what: 'a detached one', body: `const b = new ArrayBuffer(1); b.transfer(); structuredClone(1, { transfer: [b] })`, expected: REFUSED },
  { what: 'a view', body: `structuredClone(1, { transfer: [new Uint8Array(1)] })`, expected: REFUSED },
  { what: 'a shared buffer', body: `structuredClone(1, { transfer: [new SharedArrayBuffer(1)] })`, expected: REFUSED },
  { what: 'a primitive', body: `structuredClone(1, { transfer: [1] })`, expected: throws('TypeError') },
  { what: 'no iterable', body: `structuredClone(1, { transfer: {} })`, expected: throws('TypeError') },
  { what: 'options that are no object', body: `structuredClone(1, 2)`, expected: throws('TypeError') },
  { what: 'null as options', body: `return structuredClone(1, null)`, expected: 1 },
  { what: 'no argument', body: `structuredClone()`, expected: throws('TypeError') },
  { what: 'name and length', body: `return [structuredClone.name, structuredClone.length]`, expected: ['structuredClone', 1], node: false },
]

test.each(CASES)('$what', ({ body, expected }) => {
  expect(guest.value(body)).toEqual(expected)
})

test.each(CASES.filter(({ node }) => node !== false))('$what in Node', async ({ body, expected }) => {
  expect(await valueInNode(body)).toEqual(expected)
})

test('what is refused is a DOMException of the realm with the code of the standard', () => {
  expect(
    guest.value(
      `try { structuredClone(() => {}) } catch (error) { return [error instanceof DOMException, error.constructor === DOMException, error.code] }`,
    ),
  ).toEqual([true, true, 25])
})

test('nesting is bounded by the stack only', () => {
  expect(
    guest.value(
      `let deep = {}; for (let i = 0; i < 1000; i++) deep = { deep }; let n = 0; for (let c = structuredClone(deep); c; c = c.deep) n++; return n`,
    ),
  ).toBe(1001)
  expect(guest.value(`let deep = {}; for (let i = 0; i < 1e6; i++) deep = { deep }; structuredClone(deep)`)).toEqual(throws('RangeError'))
})
