import { type Attack, attack } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

/** A result whose every trap, getter or method tells what it was given. */
const WATCHED = `
  const tell = function () { judge(this); judge(arguments); judge(new.target); judge(new Error()) }
  const handler = new Proxy({}, { get: (_, name) => function (...args) { tell.apply(this, args); judge(args);
      return Reflect[name](...args) } })
  const watched = (target) => new Proxy(target, handler)
`
const proxied = (title: string, control: Attack['control'], target: string): Attack =>
  attack(
    `a Proxy of ${title}`,
    control,
    `{ ${WATCHED} judge({}); globalThis.held = watched(${target}) } 0`,
    'held',
    { get: 'held' },
    { globals: true },
    'Promise.resolve(held)',
    '({ held })',
    'throw held',
  )

describeEscapes('code run while a result is read', [
  proxied('an object', 'contained', '{ a: {} }'),
  proxied('an array', 'contained', '[{}, [], 3]'),
  proxied('a Map', 'contained', 'new Map([[1, {}]])'),
  proxied('an error', 'contained', 'new Error("m", { cause: {} })'),
  proxied('a function', 'contained', 'function () {}'),
  proxied('a promise', 'contained', 'Promise.resolve({})'),
  proxied('a typed array', 'contained', 'new Uint8Array(3)'),
  proxied('a Date', 'contained', 'new Date(3)'),
  proxied('a Proxy', 'contained', 'watched({})'),
  attack(
    'a Proxy whose handler is a Proxy that throws',
    'contained',
    `
    new Proxy({}, new Proxy({}, { get(target, trap, receiver) { judge(target); judge(receiver); judge(arguments);
      throw judge(new Error(trap)) } }))`,
  ),
  attack(
    'a revoked Proxy, and one revoked while it is read',
    'contained',
    `
    judge({}); const { proxy, revoke } = Proxy.revocable({}, { ownKeys(target) { judge(target); revoke(); return ['a'] } }); [proxy]`,
    'const r = Proxy.revocable([], {}); r.revoke(); r.proxy',
  ),
  attack(
    'getters, on objects, arrays and errors',
    'contained',
    `{ const get = function () { judge(this); judge(arguments);
      judge(new Error()); return { get deeper() { judge(this); throw this } } }
    globalThis.held = [Object.defineProperty({}, 'a', { get, enumerable: true }), Object.defineProperty([], 0, { get,
      enumerable: true }), Object.defineProperty(new Error('m'), 'message', { get }),
      Object.defineProperty(new Error('m'), 'name', { get }), Object.defineProperty(new Error('m'), 'cause', { get }),
      Object.defineProperty(new AggregateError([]), 'errors', { get })] } 0`,
    'held[0]',
    'held[1]',
    'held[2]',
    'held[3]',
    'held[4]',
    'held[5]',
    'throw held[2]',
    'throw held[3]',
    { get: 'held' },
  ),
  attack(
    'toJSON',
    'contained',
    `({ toJSON() { judge(this); judge(arguments); judge(new Error()); return this }, own: judge([]) })`,
    `Date.prototype.toJSON = BigInt.prototype.toJSON = function () { judge(this); judge(arguments); return {} }; [new Date(), { b: 1n }]`,
  ),
  attack(
    'toPrimitive, toString and valueOf',
    'contained',
    `{ const tell = function (hint) { judge(this); judge(arguments); return hint === 'number' ? 1 : 'x' }
    globalThis.held = { [Symbol.toPrimitive]: tell, a: judge({}) } ; globalThis.other = Object.assign(new Date(3), { toString: tell,
      valueOf: tell, toISOString: tell, getTime: tell }) } 0`,
    'held',
    'other',
    '[held, other]',
    'throw held',
    '({ [Symbol.toStringTag]: held })',
    `
    for (const Box of [String, Number, Boolean, BigInt,
      Symbol]) Box.prototype.valueOf = Box.prototype.toString = Box.prototype[Symbol.toPrimitive] = function () { judge(Object(this));
      judge(arguments); return 1 }
    [Object('a'), Object(1), Object(true), Object(1n)]`,
  ),
  attack(
    'subclasses that override what a reader would call',
    'contained',
    `{ const tell = function () { judge(this); judge(arguments); return [][Symbol.iterator]() }
    const names = [Symbol.iterator, 'entries', 'forEach', 'keys', 'values', 'get', 'has', 'next', 'at', 'slice', 'toString', 'exec',
      'getTime']
    const hostile = (value) => { for (const name of names) Object.defineProperty(value, name, { value: tell });
      for (const name of ['size', 'length', 'byteLength', 'buffer', 'source', 'flags', 'lastIndex'])
      try { Object.defineProperty(value, name, { get: tell }) } catch (error) { judge(error) } return value }
    globalThis.held = [new Map([[1, 2]]), new Set([1]), new Uint8Array(2), new ArrayBuffer(2), new DataView(new ArrayBuffer(1)), /x/g,
      new Date(1), new (class extends Map {})([[{}, {}]])].map(hostile) } 0`,
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `held[${i}]`),
    { get: 'held' },
  ),
  attack(
    'iterators of Map and Set that the guest replaced',
    'contained',
    `
    for (const Iterator of [new Map().entries(), new Set().values(), [].values()]) { const prototype = Object.getPrototypeOf(Iterator), {
      next } = prototype
      prototype.next = function () { judge(this); judge(arguments); const step = next.call(this); judge(step); return step } } judge({});
      0`,
    'new Map([[{}, {}]])',
    'new Set([{}])',
    '[[{}]]',
    { set: 'given', to: new Map([[1, 2]]) },
  ),
  attack(
    'a value that changes while it is read',
    'contained',
    `
    const list = [1, { get grow() { judge(this); list.length = 0; list.push({}, judge); map.clear(); map.set({}, list); return map } },
      3]; const map = new Map([[1, list], [2, 3]]); ({ list, map })`,
    `const bytes = new Uint8Array(new ArrayBuffer(8, { maxByteLength: 64 })); [{ get a() { bytes.buffer.resize(0); judge(bytes);
      return 1 } }, bytes, { get b() { bytes.buffer.transfer(); judge(bytes) } }, bytes]`,
  ),
  attack(
    'a getter that comes back to what reads it',
    'contained',
    `
    const error = new Error('m'); Object.defineProperty(error, 'stack', { get() { judge(this); judge(new Error()); return { get again() {
      judge(error); return error } } } }); [error, { error }]`,
    'globalThis.loop = { get loop() { judge(this); return globalThis.loop } }; loop',
    { get: 'loop.loop.loop' },
  ),
  attack(
    'a getter that awaits, yields or imports',
    'escapes',
    `
    ({ get a() { const p = import('x'); judge(p); return p }, get b() { return (async () => { judge(await null); throw judge({}) })() },
      get c() { return (async function* () {})() } })`,
  ),
  attack(
    'symbols, well-known and not',
    'contained',
    `judge([]); ({ [Symbol.iterator]: undefined, get [Symbol.toStringTag]() {
      judge(this); return 'x' }, a: Symbol.for('a'), b: Object(Symbol('b')) })`,
    'Symbol("unregistered")',
    'Symbol.keyFor = function () { judge(arguments); return {} }; Symbol.for("x")',
    'Object.defineProperty(Symbol.prototype, "description", { get() { judge(Object(this)) } }); Symbol("x")',
  ),
])
