import { type Attack, attack, ofHost, type Step } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

const START = `var tell = (act) => { try { return judge(act()) } catch (error) { judge(error); judge(error?.stack); return error } }
var trap = new Proxy({}, { get(target, key) { judge(key); return (...args) => { judge(args); return Reflect[key](...args) } } })
function sloppy() { judge(this); judge(arguments); judge(sloppy.caller); judge(new.target); for (const each of arguments) { judge(each); tell(() => each.constructor.constructor('return this')()) } return [this === globalThis] }
function strict(...args) { 'use strict'; judge(this); judge(args); return { args } } judge([]);`
/** A function, and each way in which a host calls it. */
const called = (title: string, control: Attack['control'], functions: string, ...steps: readonly Step[]): Attack =>
  ofHost(
    attack(
      title,
      control,
      START,
      `var list = ${functions}; var one = (...args) => list[0](...args); var shift = () => { list.shift(); return list.length }; var all = async (...args) => { for (const fn of list) { try { judge(await host.call(fn, ...args)) } catch (error) { judge(error); judge(error?.stack) } tell(() => host.fire(fn, ...args)) } }; 0`,
      'all({ a: [1] }, new Map([[1, {}]]), host.echo, all, new Error("m"))',
      'list',
      { invoke: 'list[0]', with: [{ a: 1 }, [new Map()], 'text'] },
      { call: 'list.0', with: [{ a: 1 }] },
      { call: 'one', with: [[]] },
      'shift()',
      { invoke: 'list[0]', with: [{ b: 2 }] },
      ...steps,
      { idle: 500 },
      'judge(new Error("after").stack); 0',
    ),
  )

describeEscapes('functions that the host calls', [
  called(
    'plain ones',
    'escapes',
    '[sloppy, strict, (...args) => judge(args), async (...args) => judge(args), function* () { yield judge(arguments) }, async function* () { yield judge(arguments) }, { method() { return judge(this) } }.method]',
  ),
  called(
    'that are not what they seem',
    'escapes',
    '[new Proxy(sloppy, trap), sloppy.bind({ own: 1 }, []), new Proxy(async () => ({}), trap), class { constructor() { judge(new.target) } }, new Proxy(class {}, trap), Function, eval, Reflect.apply, Symbol, Proxy, judge, setTimeout, FinalizationRegistry]',
  ),
  called(
    'that are revoked, or that throw',
    'escapes',
    `[(() => { const { proxy, revoke } = Proxy.revocable(sloppy, {}); revoke(); return proxy })(), () => { throw judge(new Error('m')) }, () => { throw new Proxy({}, trap) }, async () => { throw { get message() { return judge(this) } } }, () => null.x, () => { throw null }, () => { throw host.echo }]`,
  ),
  called(
    'that give thenables',
    'escapes',
    `[() => ({ then(f, r) { judge(this); judge(arguments); judge(f); f({}); f([]); r({}); } }), () => ({ then(f) { f({ then(g) { judge(g); g({ then(h) { h(1) } }) } }) } }), () => ({ get then() { judge(this); throw {} } }), () => { let n = 0; return { get then() { return n++ ? (f) => { judge(f); f(1) } : undefined } } },
      () => { let n = 0; return { get then() { return n++ ? undefined : (f) => { judge(f); f(1) } } } }, () => new Proxy({}, { get(t, key) { judge(key); return key === 'then' ? (f) => f([]) : undefined } }), () => Object.assign(() => 0, { then(f) { judge(f); f({}) } }), () => Object.assign(Promise.resolve({}), { then(f, r) { judge(f); judge(r); setTimeout(f, 1, {}); setTimeout(r, 1, {}) } }),
      () => ({ then: host.fire }), () => ({ then: host.fail }), () => ({ then: Promise.prototype.then }), () => Promise.reject({ then(f) { judge(f) } }), async () => ({ then(f) { f({}) } })]`,
  ),
  called(
    'with promises tampered with',
    'escapes',
    '[async () => ({}), () => Promise.resolve({}), async () => { await 0; await host.later(1); throw {} }, () => new (class extends Promise { static get [Symbol.species]() { judge(this); return function (executor) { judge(executor); executor(judge, judge) } } })((f) => f({}))]',
    `Promise.prototype.then = function (...args) { judge(this); judge(args); return this }; Object.defineProperty(Promise.prototype, 'constructor', { configurable: true, get() { judge(this); return { [Symbol.species]: function (executor) { judge(executor); executor(judge, judge) } } } }); 0`,
    { run: '(async () => ({}))()', timeout: 50 },
    { run: 'host.call(async () => ({})).then(judge)', timeout: 50 },
    { run: 'host.fire(() => Promise.reject({})); host.fire(async () => ({})); all({})', timeout: 50 },
    { invoke: 'strict', with: [{}] },
    'Promise.resolve = Promise.reject = Promise.withResolvers = () => { throw {} }; Object.defineProperty(Object.prototype, "then", { configurable: true, get() { judge(this); return undefined } }); 0',
    { run: '(async () => ({}))()', timeout: 50 },
    { invoke: 'strict', with: [[1]] },
    'delete Object.prototype.then; delete Promise.prototype.constructor; 0',
  ),
  called(
    'whose results run code while they are read',
    'escapes',
    '[() => ({ get a() { return tell(() => host.echo({ get b() { return host.call(sloppy, 1) } })) }, get c() { throw {} } }), () => ({ [Symbol.toPrimitive]: judge, toString: judge, valueOf: judge, toJSON: judge }), () => new Proxy([1, 2], trap), () => [host.echo, sloppy, () => 0, [strict]], () => new Map([[sloppy, host.give]])]',
  ),
  called(
    'whose names and lengths are hostile',
    'escapes',
    `[Object.defineProperty(() => 0, 'name', { get() { judge(this); return { toString() { judge(this); return 'n' } } } }), Object.defineProperty(() => 0, 'name', { value: '__proto__' }), Object.defineProperty(() => 0, 'name', { value: 'x'.repeat(1e6) }), Object.defineProperty(() => 0, 'name', { value: '\\ud800' }),
      Object.defineProperty(() => 0, 'name', { get() { return host.echo(list) } }), Object.setPrototypeOf(() => 0, new Proxy(function () {}, trap)), Object.setPrototypeOf(() => 0, null), Object.freeze(sloppy), Object.assign(strict, { apply: judge, call: judge, bind: judge, constructor: judge, then: judge, toJSON: judge })]`,
  ),
  called(
    'that change the world under their callers',
    'escapes',
    `[() => { Reflect.apply = () => { throw {} }; Function.prototype.apply = Function.prototype.call = function (...args) { judge(this); judge(args) }; Array.prototype[Symbol.iterator] = function () { judge(this); return { next: () => ({ done: true }) } }; return {} }, () => { for (const C of [Map, WeakMap, WeakRef, FinalizationRegistry, Promise, Reflect]) for (const key of Reflect.ownKeys(C.prototype ?? C)) { try { (C.prototype ?? C)[key] = function (...args) { judge(this); judge(args); return this } } catch {} } return [] }, () => ({ a: [1] })]`,
  ),
  ofHost(
    attack(
      'handles: sent, sent back, sent again, collected',
      'escapes',
      START,
      'var many = Array.from({ length: 300 }, (_, i) => () => ({ i })); judge(host.echo(many)); judge(host.echo(many, many)); many.map((fn) => host.give(fn) === fn)',
      'many',
      { set: 'given', to: [1] },
      'many = null; host.echo(() => 0, () => 1); 0',
      { invoke: '() => host.echo(() => host.give(strict))', with: [{ a: [1] }] },
      { call: 'sloppy', with: [[{}], 'text'] },
      'judge(new Error("after").stack); 0',
    ),
  ),
])
