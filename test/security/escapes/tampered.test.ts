import { type Attack, attack, type Step } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'
import { TAMPER } from '../support/tamper.ts'

const VALUES: readonly Step[] = [
  `({ a: [1, 'x', { b: null }], m: new Map([[1, new Set([2])]]), d: new Date(3), r: /x/g, u: new Uint8Array(3), e: new TypeError('m', {
      cause: {} }), o: Object(1n), n: 2n ** 70n, s: Symbol.iterator })`,
  { set: 'given', to: { a: [1, { b: new Map([[1, new Set([2])]]) }], e: new RangeError('x'), u: new Uint16Array(3), d: new Date(4) } },
  'given',
  { get: 'given' },
  { get: 'given.a' },
  { globals: true },
  { call: 'f', with: [{ a: [1] }, 'text'] },
  { call: 'o.m', with: [[]] },
  '(async () => { await null; return { late: [] } })()',
  '({ then(resolve) { resolve([]) } })',
  'throw new TypeError("m")',
  'throw { a: 1 }',
  'Promise.reject(new Error("r"))',
  'null.x',
  'new Error("s").stack',
  'import("x")',
  { get: 'lexical' },
  { delete: 'given' },
  'Symbol("x")',
  '() => 0',
  { set: 'large', to: 'x'.repeat(3000) },
  'new Promise(() => {}); 0',
]
const PREPARE = 'var f = (...args) => [args.length], o = { m: (x) => ({}) }; let lexical = { a: 1 }; 0'
const tampered = (title: string, control: Attack['control'], holders: string): Attack =>
  attack(`${title}, before`, control, TAMPER, PREPARE, `for (const holder of [${holders}]) tamper(holder); 0`, ...VALUES)

describeEscapes('tampered prototypes', [
  tampered('Object and its prototype', 'contained', 'Object.prototype, Object'),
  tampered('Array, its prototype and its iterator', 'escapes', 'Object.getPrototypeOf([].values()), Array.prototype, Array'),
  tampered('Promise and its prototype', 'escapes', 'Promise.prototype, Promise'),
  tampered(
    'Map, Set, their prototypes and iterators',
    'contained',
    `...[Map, Set, WeakMap, WeakSet].flatMap((C) => [C, C.prototype]),
      Object.getPrototypeOf(new Map().keys()), Object.getPrototypeOf(new Set().keys())`,
  ),
  tampered('Function.prototype', 'contained', 'Function.prototype'),
  tampered(
    'errors and their prototypes',
    'contained',
    '...[Error, TypeError, RangeError, AggregateError].flatMap((C) => [C, C.prototype])',
  ),
  tampered(
    'RegExp and String',
    'contained',
    `...[RegExp, String].flatMap((C) => [C, C.prototype]),
      Object.getPrototypeOf("".matchAll(/x/g)), Object.getPrototypeOf(""[Symbol.iterator]())`,
  ),
  tampered(
    'buffers and typed arrays',
    'contained',
    `...[Uint8Array, Object.getPrototypeOf(Uint8Array), ArrayBuffer, SharedArrayBuffer,
      DataView, Float64Array].flatMap((C) => [C, C.prototype])`,
  ),
  tampered('Reflect, JSON, Math, Atomics, Intl and Proxy', 'contained', 'Reflect, JSON, Math, Atomics, Intl, Proxy'),
  tampered(
    'Date, Number, BigInt, Boolean and Symbol',
    'contained',
    '...[Date, Number, BigInt, Boolean, Symbol].flatMap((C) => [C, C.prototype])',
  ),
  tampered(
    'iterators and generators of every kind',
    'contained',
    `...[(function* () {})(), (async function* () {})(),
      [].values().map((x) => x), Iterator.from({ next() {} })].flatMap((o) => { const all = []; for (let p = Object.getPrototypeOf(o);
      p && p !== Object.prototype; p = Object.getPrototypeOf(p)) all.push(p); return all }), Iterator`,
  ),
  tampered(
    'FinalizationRegistry, WeakRef, WebAssembly and console',
    'contained',
    'FinalizationRegistry.prototype, WeakRef.prototype, WebAssembly, WebAssembly.Module.prototype, console',
  ),
  attack(
    'every global constructor replaced',
    'contained',
    TAMPER,
    PREPARE,
    `for (const name of own.ownKeys(globalThis)) {
      const described = own.describe(globalThis, name)
    if (typeof described.value === 'function' && described.value.prototype && described.configurable && !['Function', 'own', 'wrap',
      'tamper', 'f'].includes(name)) { const original = described.value
      own.define(globalThis, name, { __proto__: null, value: new Proxy(original, { __proto__: null, construct(target, args, newTarget) {
      count++; judge(args); judge(newTarget); return own.construct(target, args, newTarget) }, apply(target, self, args) { count++;
      judge(self); judge(args); return own.apply(target, self, args) }, get(target, key, receiver) { judge(receiver); return target[key] }
      }), configurable: true, writable: true }) } } 0`,
    ...VALUES,
  ),
  attack(
    'accessors on Object.prototype for the names that a bridge uses',
    'contained',
    PREPARE,
    `
    for (const name of ['value', 'get', 'set', 'done', 'next', 'then', 'op', 'status', 'length', 'code', 'message', 'run', 'name',
      'output', 'input', 'settled', 'fulfilled', 'first', 'busy', 'position', 'maxBytes', 'maxDepth', 'functionOut', 'errorStacks',
      'maxItems', 'record', 'hooks', 'formatStack', 'importModule', 'prepareStackTrace', 'stack', 'cause', 'filename', 'timeout',
      'breakOnSigint', 'displayErrors', 'writable', 'enumerable', 'configurable', 'byteLength', 'buffer', 'construct', 'apply', '0', '1'])
      if (!Object.hasOwn(Object.prototype, name)) Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true,
      get() { judge(this); return undefined }, set(value) { judge(value); judge(this); Reflect.defineProperty(this, name, {
      __proto__: null, value, writable: true, enumerable: true, configurable: true }) } }); judge([]); 0`,
    ...VALUES,
  ),
  attack(
    'tampering while a result is read',
    'escapes',
    TAMPER,
    PREPARE,
    `({ get a() { for (const holder of [Object.prototype,
      Array.prototype, Map.prototype, Promise.prototype, Function.prototype, Error.prototype, Reflect]) tamper(holder);
      return [new Map([[1, {}]])] }, b: [{ c: new Error('m') }], m: new Map([[{}, []]]) })`,
    ...VALUES,
  ),
  attack(
    'tampering by a setter, in the middle of decoding',
    'escapes',
    TAMPER,
    PREPARE,
    `Object.defineProperty(globalThis, 'slot', {
      configurable: true, set(value) { judge(value); for (const holder of [Object, Object.prototype, Array.prototype, Map.prototype,
      Promise.prototype, Function.prototype, Reflect]) tamper(holder) } }); 0`,
    { set: 'slot', to: [new Map([[1, {}]])] },
    ...VALUES,
  ),
  attack(
    'tampering after a run, before its promise settles',
    'escapes',
    TAMPER,
    PREPARE,
    `var open; var gate = new Promise((resolve) => {
      open = resolve }); 0`,
    `(async () => { await null; for (const holder of [Promise, Promise.prototype, Object.prototype,
      Array.prototype, Function.prototype, Map.prototype]) tamper(holder); await null; return { late: [new Map()] } })()`,
    'open([{}]); gate',
    ...VALUES,
  ),
  attack(
    'prototypes swapped under values',
    'contained',
    TAMPER,
    PREPARE,
    `const shift = (value, prototype) => { try {
      return Object.setPrototypeOf(value, prototype) } catch (error) { return judge(error) } }
    const trap = new Proxy({}, { get(target, key, receiver) { judge(target); judge(receiver); return Reflect.get(target, key) },
      getPrototypeOf(target) { judge(target); return null }, has() { judge(arguments); return false } })
    globalThis.shifted = [shift([], trap), shift(new Map([[1, 2]]), Array.prototype), shift(new Uint8Array(2), Map.prototype),
      shift(new Error('m'), trap), shift({}, Promise.prototype), shift(new Date(1), null), shift(() => 0, trap), shift(Promise.resolve(1),
      null), shift(Promise.resolve(1), trap)]; for (const C of [Map, Error, Uint8Array, Array]) shift(C.prototype, trap); 0`,
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => `shifted[${i}]`),
    'throw shifted[3]',
    ...VALUES,
  ),
  attack(
    'everything frozen',
    'contained',
    PREPARE,
    `for (const key of Reflect.ownKeys(globalThis)) { const value = globalThis[key];
      if (Object(value) === value && value !== globalThis) { Object.freeze(value); if (value.prototype) Object.freeze(value.prototype) } }
      judge([]); judge(new Error('m')); 0`,
    ...VALUES,
  ),
  attack(
    'everything deleted',
    'contained',
    PREPARE,
    `const { ownKeys, deleteProperty } = Reflect; const held = [Object.prototype,
      Array.prototype, Promise.prototype, Map.prototype, Function.prototype, Error.prototype, Symbol, Object, Promise, Error, globalThis]
    for (let i = 0; i < held.length; i++) { const keys = ownKeys(held[i]); for (let k = 0; k < keys.length;
      k++) if (!(i === 10 && (keys[k] === 'f' || keys[k] === 'o'))) deleteProperty(held[i], keys[k]) } judge([]); 0`,
    ...VALUES,
    'try { null.x } catch (error) { judge(error) } 0',
  ),
])
