import { attack } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

describeEscapes('constructors, newTarget and species', [
  attack(
    'constructors of functions of every kind',
    'contained',
    `
    for (const f of [() => 0, function () {}, async () => 0, function* () {}, async function* () {}, class {}, { m() {} }.m, Math.max,
      Array, Proxy, (() => 0).bind()])
      { judge(f.constructor); judge(Object.getPrototypeOf(f)); try { judge(f.constructor('return this')()) } catch (error) {
      judge(error) } } 0`,
  ),
  attack(
    'a Proxy as newTarget of an injected value’s constructor',
    'contained',
    { set: 'given', to: new Map() },
    `
    const Target = new Proxy(function () {}, { get(target, key, receiver) { judge(target); judge(receiver); judge(new Error());
      return undefined } })
    judge(Reflect.construct(given.constructor, [], Target)); 0`,
  ),
  attack(
    'an injected value’s constructor as newTarget, without a prototype',
    'escapes',
    { set: 'given', to: [] },
    `
    const Bound = given.constructor.bind(); for (const Made of [Error, Object, Map, Promise, Function]) { try {
      judge(Reflect.construct(Made, [() => 0], Bound)) } catch (error) { judge(error) } } 0`,
  ),
  attack(
    'a Proxy around an injected value’s constructor',
    'escapes',
    { set: 'given', to: new Uint8Array(2) },
    `
    const P = new Proxy(given.constructor, { construct(target, args, newTarget) { judge(target); judge(args); judge(newTarget);
      return Reflect.construct(target, args, newTarget) } })
    judge(new P(2)); judge(P.from([1])); class Sub extends P {} judge(new Sub(1)); 0`,
  ),
  attack(
    'our FinalizationRegistry with a hostile newTarget',
    'contained',
    `
    const Target = new Proxy(function () {}, { get(target, key, receiver) { judge(target); judge(receiver); judge(new Error());
      judge(arguments); return {} } })
    judge(Reflect.construct(FinalizationRegistry, [() => 0], Target)); judge(new (class extends FinalizationRegistry {})(() => 0));
      judge(FinalizationRegistry.prototype.constructor)
    try { Reflect.construct(FinalizationRegistry, [Object.create(null)], Target) } catch (error) { judge(error) } 0`,
  ),
  attack(
    'our FinalizationRegistry with a revoked Proxy',
    'contained',
    `
    const { proxy, revoke } = Proxy.revocable(function () {}, { get() { revoke(); return undefined } })
    try { judge(Reflect.construct(FinalizationRegistry, [() => 0], proxy)) } catch (error) { judge(error) }
    try { judge(Reflect.construct(FinalizationRegistry, [() => 0], proxy)) } catch (error) { judge(error) } 0`,
  ),
  attack(
    'our FinalizationRegistry through tampered Proxy, Reflect and Object.prototype',
    'contained',
    `
    for (const trap of ['get', 'apply', 'construct', 'has', 'set', 'getPrototypeOf', 'ownKeys'])
      Object.defineProperty(Object.prototype, trap, { __proto__: null, configurable: true, value(...args) { judge(args); judge(this) } })
    Reflect.construct = judge; Reflect.apply = judge; judge([])
    try { judge(new FinalizationRegistry(() => 0)) } catch (error) { judge(error) } judge(FinalizationRegistry.name);
      judge(FinalizationRegistry.toString()); 0`,
  ),
  attack(
    'GetFunctionRealm by newTarget of bound, proxied and primitive kinds',
    'contained',
    `
    for (const Target of [function () {}.bind(), new Proxy(function () {}, {}), Object.assign(function () {}, { prototype: 1 })])
      for (const Base of [Error, TypeError, Array, ArrayBuffer, Promise, Date, RegExp, WeakRef, WebAssembly.Memory]) {
        try { judge(Reflect.construct(Base, [Base === Promise ? () => 0 : Base === WeakRef ? {} : Base === WebAssembly.Memory ? {
      initial: 0 } : 1], Target)) } catch (error) { judge(error) } } 0`,
  ),
  attack(
    'species of arrays, while a result is read',
    'contained',
    `
    class Rows extends Array { static get [Symbol.species]() { judge(this); judge(new Error()); return function () { judge(arguments);
      judge(new.target) } } } judge({})
    Rows.from([1, 2])`,
  ),
  attack(
    'species of buffers and typed arrays, while a result is read',
    'escapes',
    `
    const species = { configurable: true, get() { judge(this); return new Proxy(function () {}, { construct(target, args, newTarget) {
      judge(args); judge(newTarget); return {} } }) } }
    Object.defineProperty(ArrayBuffer, Symbol.species, species); Object.defineProperty(Object.getPrototypeOf(Uint8Array), Symbol.species,
      species)
    Object.defineProperty(Uint8Array.prototype, 'constructor', { get() { judge(this); return undefined } }); judge({});
    ({ bytes: new Uint8Array(8).subarray(2), buffer: new ArrayBuffer(8) })`,
    { set: 'given', to: new Uint8Array(3) },
    'judge(given); 0',
  ),
  attack(
    'species of RegExp and Promise, while a name is looked up',
    'contained',
    `
    for (const Holder of [RegExp, Promise, Map, Set]) Object.defineProperty(Holder, Symbol.species, { configurable: true, get() {
      judge(this); judge(new Error()); return judge } })
    RegExp.prototype.exec = function () { judge(this); judge(arguments); return null }; let lexical = {}; judge({}); 0`,
    { get: 'lexical' },
    { get: 'lexical.x' },
    '(async () => ({}))()',
  ),
  attack(
    'hasInstance and isConcatSpreadable',
    'contained',
    `
    for (const Holder of [Error, Map, Set, Date, Array, Promise, Uint8Array]) Object.defineProperty(Holder, Symbol.hasInstance, {
      value(x) { judge(x); judge(this); judge(arguments); return true } })
    Array.prototype[Symbol.isConcatSpreadable] = true; judge({}); ({ a: new Map(), b: [1], get c() { throw new Error() } })`,
  ),
  attack(
    'constructors of iterators, generators and intrinsics without a name',
    'contained',
    `
    const hidden = [[].values(), new Map().keys(), new Set().keys(), ''[Symbol.iterator](), 'a'.matchAll(/a/g), (function* () {})(),
      (async function* () {})(), [1].values().map((x) => x),
      Iterator.from({ next() {} }), new Intl.Segmenter().segment('a'), new Intl.Segmenter().segment('a')[Symbol.iterator](),
      (function () { return arguments })(),
      Object.getOwnPropertyDescriptor((function () { 'use strict'; return arguments })(), 'callee').get, async () => 0,
      Object.getPrototypeOf(Int8Array), /x/.exec('x'), (x => x)\`a\`]
    for (const each of hidden) for (let o = each; o !== null; o = Object.getPrototypeOf(o)) { judge(o); judge(o.constructor) } 0`,
  ),
])
