import { type Attack, attack, ofHost, reachingMoat, type Step } from '../support/attack.ts'
import { SITES } from '../support/call-sites.ts'
import { describeEscapes } from '../support/escapes.ts'

/** Reasons that judge whoever looks at them. */
const REASONS = `var trap = new Proxy({}, { get(target, key) { judge(key); return (...args) => { judge(args); return Reflect[key](...args) } } })
var revoked = (() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()
var hostile = { __proto__: { get inherited() { judge(this); return [] } }, get message() { judge(this); throw {} }, get stack() { judge(this); return {} }, get name() { judge(this); return judge }, toString() { judge(this); throw judge }, [Symbol.toPrimitive]() { judge(this); return {} } }
var reasons = () => [new Proxy({}, trap), new Proxy(function () {}, trap), new Proxy(new Error('m'), trap), revoked, hostile, Object.freeze(new Error('frozen')), Symbol('s'), () => 0, class {}, null, undefined, 1n,
  Object.defineProperty(new Error(), 'stack', { get() { judge(this); return judge } }), new AggregateError([hostile]), Object.assign(new Error('m'), { cause: hostile, then() { judge(this) } }), { then(f) { judge(f) } }, globalThis, judge, Promise.resolve(1), new WeakMap(), new Error('x'.repeat(1e5))]
judge([])`
const rejected = (title: string, control: Attack['control'], ...steps: readonly Step[]): Attack =>
  ofHost(attack(title, control, REASONS, ...steps, { idle: 1_000 }, 'judge(new Error("after")); 0'))

describeEscapes('rejections and errors that nobody handles', [
  rejected('hostile reasons', 'escapes', 'for (const reason of reasons()) Promise.reject(reason); 0'),
  rejected(
    'the same from every place that rejects',
    'escapes',
    `for (const reason of reasons()) { (async () => { throw reason })(); (async function* () { throw reason })().next(); new Promise((f, r) => r(reason)); Promise.resolve({ then(f, r) { r(reason) } }); Promise.resolve().then(() => { throw reason })
      Promise.all([Promise.reject(reason)]); Promise.any([Promise.reject(reason)]); (async () => { for await (const x of [Promise.reject(reason)]); })(); queueMicrotask(() => { throw reason }); setTimeout(() => { throw reason }); setImmediate(() => { throw reason }) } 0`,
    'import(hostile); import("x"); import(Symbol()); (async () => { await import("y") })(); WebAssembly.compile(hostile); WebAssembly.instantiate(new Uint8Array(4)); host.failLater("m"); host.call(() => { throw hostile }); 0',
  ),
  rejected(
    'reasons that do more while they are read',
    'escapes',
    `Promise.reject({ get a() { Promise.reject({ get b() { judge(this); return host.give([]) } }); return host.echo({}) }, get c() { setTimeout(() => judge([])); throw host.give({}) }, d: host.echo, get e() { return Promise.reject(hostile) } })
    setTimeout(() => { throw { get message() { console.log(this); return host.give('m') }, get f() { return () => 0 } } }); 0`,
  ),
  rejected(
    'promises with species, constructors and a then of their own',
    'crashes',
    `class Own extends Promise { constructor(executor) { judge(executor); super((f, r) => { judge(f); judge(r); executor(f, r) }); judge(this) } static get [Symbol.species]() { return function (executor) { judge(executor); judge(new.target); executor(judge, judge) } } then(f, r) { judge(f); judge(r); return super.then(f, r) } }
    Own.reject({}); Own.reject(hostile).finally(() => 0); new Own((f, r) => r({})); const odd = Promise.reject([]); odd.constructor = { get [Symbol.species]() { return Own } }; odd.then(() => 0); Object.setPrototypeOf(Promise.reject({}), null); Object.setPrototypeOf(Promise.reject({}), trap)
    Object.defineProperty(Promise.reject({}), 'constructor', { get() { judge(this); throw {} } }); 0`,
    'Object.defineProperty(Promise.prototype, "constructor", { configurable: true, get() { judge(this); return Own } }); Promise.reject({}); (async () => { throw {} })(); 0',
    'Promise.prototype.then = function (...args) { judge(this); judge(args); return this }; Promise.prototype.catch = Promise.prototype.then; Promise.reject({}); (async () => { throw {} })(); 0',
  ),
  rejected(
    'events of every kind: handled late, twice, after the end',
    'escapes',
    `var late = []; for (let i = 0; i < 300; i++) late.push(Promise.reject({ i })); setTimeout(() => { for (const p of late) p.catch(judge) }, 2); new Promise((f, r) => { f(1); r({}); r({}); f({}) }); new Promise((f, r) => { r({}); throw {} })
    const p = Promise.reject({}); p.catch(judge); p.then(judge); late = late.concat(p); 0`,
    '(async () => { try { await late[0] } catch (error) { judge(error) } })()',
    'late = null; 0',
  ),
  rejected(
    'a flood in microtasks',
    'escapes',
    `var n = 0; (function flood() { Promise.reject({ n }); if (n++ < 2e4) Promise.resolve().then(flood) })(); 0`,
  ),
  rejected(
    'tampered before they are told',
    'escapes',
    `Promise.reject({ a: [1] }); setTimeout(() => { throw new TypeError('m') }); for (const holder of [Object.prototype, Array.prototype, Error.prototype, Promise.prototype, Function.prototype, Map.prototype])
      for (const key of ['then', 'constructor', 'promise', 'reason', 'next', 'length', 'payload', 'type', 'context', 'rejection', 'code', 'fields', 'pack', '0', '1', 'name', 'stack', 'message', 'writable'])
        { try { Object.defineProperty(holder, key, { __proto__: null, configurable: true, get() { judge(this); return undefined }, set(value) { judge(this); judge(value) } }) } catch {} } 0`,
    'Promise.reject({ b: 1 }); 0',
    'Object.freeze(Error.prototype); Object.freeze(Object.prototype); Promise.reject({ get a() { throw null } }); setTimeout(() => { throw { f() {}, s: Symbol() } }); 0',
    'throw { get a() { throw 1 }, s: Symbol() }',
  ),
  ofHost(
    reachingMoat(
      'stacks while they are noted and told',
      'escapes',
      SITES,
      `Error.prepareStackTrace = prepare; Promise.reject(new Error('m')); setTimeout(() => { throw new Error('n') }); Promise.reject({ get a() { if (!preparing) judge(new Error('in').stack); return 1 } }); (async () => { await 0; throw new Error('o') })(); import('x'); queueMicrotask(() => { throw new Error('p') }); 0`,
      { idle: 1_000 },
      'judge([]); 0',
    ),
  ),
])
