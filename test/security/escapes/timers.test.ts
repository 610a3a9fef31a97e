import { type Attack, attack, ofHost, type Step } from '../support/attack.ts'
import { collecting } from '../support/collecting.ts'
import { describeEscapes } from '../support/escapes.ts'

const START = `var tell = (act) => { try { return judge(act()) } catch (error) { judge(error); judge(error?.stack); return error } }
var trap = new Proxy({}, { get(target, key) { judge(key); return (...args) => { judge(args); return Reflect[key](...args) } } })
var odd = { valueOf() { judge(this); judge(arguments); return 1 }, toString() { judge(this); return 'judge([])' }, [Symbol.toPrimitive](hint) { judge(this); return hint === 'number' ? 2 : 'judge({})' } }
function strict() { 'use strict'; judge(this); judge(arguments) } function sloppy() { judge(this); judge(arguments); judge(sloppy.caller); try { judge(arguments.callee.caller) } catch (error) { judge(error) } } judge([]);`
const timers = (title: string, control: Attack['control'], ...steps: readonly Step[]): Attack =>
  ofHost(attack(title, control, START, ...steps, { idle: 1_000 }, 'judge(new Error("after").stack); 0'))

describeEscapes('timers, microtasks and what V8 queues by itself', [
  timers(
    'handlers of every kind',
    'escapes',
    `for (const set of [setTimeout, setInterval, setImmediate, queueMicrotask]) for (const handler of [strict, sloppy, () => judge([]), new Proxy(sloppy, {}), new Proxy(strict, trap), (() => { const { proxy, revoke } = Proxy.revocable(strict, {}); revoke(); return proxy })(),
      class {}, async () => { throw {} }, function* () {}, async function* () {}, strict.bind({}, []), host.echo, host.fail, host.later, host.make, Promise.reject, Function, eval, odd, 'judge(this)', null, undefined, 5, {}, [], Symbol('s'), judge, setTimeout, globalThis])
      judge([tell(() => set(handler, 1, {}, judge))]); for (let id = 1; id < 400; id++) if (id % 2) clearInterval(id); 0`,
    { idle: 50 },
    'for (let id = 1; id < 1000; id++) clearTimeout(id); 0',
  ),
  timers(
    'hostile delays, numbers and arguments',
    'escapes',
    `for (const delay of [odd, { valueOf() { host.give({}); return 1 } }, { valueOf() { setTimeout(strict); return 1 } }, { valueOf() { throw {} } }, Symbol('s'), 1n, NaN, -1, Infinity, '5', [3], null, new Date(5), new Proxy({}, trap), { [Symbol.toPrimitive]: host.give }, () => 1])
      { tell(() => setTimeout(strict, delay)); tell(() => clearTimeout(delay)); tell(() => setInterval(strict, delay)); tell(() => clearInterval(delay)); tell(() => setImmediate(strict, delay)) }
    tell(() => setTimeout()); tell(() => new setTimeout(strict)); tell(() => setTimeout.call(odd, sloppy, 0)); tell(() => Reflect.apply(setTimeout, odd, { length: 3, 0: strict, get 1() { judge(this); return 0 }, 2: {} })); tell(() => queueMicrotask()); for (let id = 1; id < 200; id++) clearTimeout(id); 0`,
  ),
  timers(
    'the functions themselves',
    'escapes',
    `for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask']) { const fn = globalThis[name]; judge(fn); judge(Object.getPrototypeOf(fn)); judge(Object.getOwnPropertyDescriptors(fn)); judge(fn + '')
      for (const key of ['caller', 'arguments', 'prototype', 'constructor']) tell(() => fn[key]); for (const C of [Object, Map, Error, Promise, Function]) tell(() => Reflect.construct(C, [strict], fn)); tell(() => class extends fn {}); tell(() => fn.bind(odd)(strict, 1)) } 0`,
  ),
  timers(
    'in the middle of a host call, and a host call in the middle of one',
    'escapes',
    `host.echo({ get a() { setTimeout(() => tell(() => host.echo({ get b() { queueMicrotask(strict); return host.give([]) } }))); return 1 } }); setTimeout(() => host.call(() => setTimeout(strict)).then(judge)); setInterval(function () { clearInterval(1); tell(() => host.fail('m')); throw host.give({}) }, 1)
    setImmediate(() => { for (const x of [1, 2]) Promise.resolve(host.later(x)).then(judge) }); queueMicrotask(() => { tell(() => host.give([])); throw { get message() { return host.give('m') } } }); 0`,
    { idle: 100 },
    'for (let id = 1; id < 100; id++) clearTimeout(id); 0',
  ),
  timers(
    'with the clock, promises and numbers tampered with',
    'escapes',
    `const later = () => { for (const set of [setTimeout, setImmediate, queueMicrotask]) tell(() => set(() => judge([]), 1)) }; later(); Date.now = () => odd; globalThis.Date = function () { judge(new.target); return odd }; Math.max = Math.ceil = Math.floor = () => odd; later()
    Object.defineProperty(Promise.prototype, 'constructor', { configurable: true, get() { judge(this); return { [Symbol.species]: function (executor) { judge(executor); executor(judge, judge) } } } }); later(); Promise.prototype.then = function (...args) { judge(this); judge(args); return this }; Promise.resolve = () => odd; later()
    for (const key of ['due', 'order', 'run', 'id', 'intervalMs', 'callback', 'held', 'next', 'length', '0', '1', 'value', 'done', 'then']) for (const holder of [Object.prototype, Array.prototype]) Object.defineProperty(holder, key, { __proto__: null, configurable: true, get() { judge(this); return odd }, set(value) { judge(this); judge(value) } })
    later(); clearTimeout(1); setInterval(later, 1); 0`,
    { idle: 50 },
    'for (let id = 1; id < 1000; id++) clearTimeout(id); 0',
  ),
  timers(
    'loops that the budget ends, and what is left of them',
    'hangs',
    `var caught = []; setTimeout(() => { try { for (;;); } catch (error) { caught.push(error) } finally { caught.push({}); } }); setTimeout(() => { try { host.echo({ get a() { for (;;); } }) } finally { caught.push([]) } }, 1); setImmediate(() => judge([])); 0`,
    { idle: 4_000 },
    'judge(caught); for (const each of caught) judge(each); tell(() => host.echo({ a: 1 })); 0',
  ),
  timers(
    'registries: newTarget, species, and their callbacks',
    'escapes',
    `for (const callback of [strict, sloppy, new Proxy(strict, trap), host.echo, host.fail, class {}, async () => {}]) { tell(() => new FinalizationRegistry(callback)); tell(() => Reflect.construct(FinalizationRegistry, [callback], new Proxy(function () {}, { get(t, key, r) { judge(t); judge(r); judge(new Error().stack); return Map.prototype } })))
      tell(() => Reflect.construct(FinalizationRegistry, [callback], host.echo)); tell(() => Reflect.construct(Object, [], FinalizationRegistry)); tell(() => FinalizationRegistry(callback)); tell(() => new (class extends FinalizationRegistry { constructor() { super(callback); judge(this); judge(new.target) } })()) }
    for (const no of [null, {}, undefined, odd]) tell(() => new FinalizationRegistry(no)); tell(() => Object.getOwnPropertyDescriptors(FinalizationRegistry)); tell(() => FinalizationRegistry.prototype.constructor === FinalizationRegistry); judge(FinalizationRegistry); FinalizationRegistry.prototype.register = function (...args) { judge(this); judge(args) }; 0`,
    `var ran = 0; { const { register } = Object.getPrototypeOf(new WeakRef({})).constructor ?? {}; delete FinalizationRegistry.prototype.register } ran = 1; 0`,
    { idle: 20 },
  ),
  timers(
    'registries: what their callbacks can do',
    'escapes',
    `var ran = 0; var registry = new FinalizationRegistry(function (held) { ran++; judge(this); judge(arguments); judge(held); tell(() => host.echo({ held })); setTimeout(() => judge([])); Promise.reject({ get a() { return host.give([]) } }); throw { get message() { judge(this); return 'm' } } }); for (let i = 0; i < 20; i++) registry.register({}, { i }); 0`,
    collecting('ran > 0'),
  ),
  timers(
    'what is settled from outside, with everything about promises tampered with',
    'escapes',
    `const words = () => new Int32Array(new SharedArrayBuffer(4)); const all = () => { for (const act of [() => WebAssembly.compile(new Uint8Array(8)), () => WebAssembly.instantiate(odd), () => Atomics.waitAsync(words(), 0, 0, 1), () => Atomics.waitAsync(words(), 0, 0, 0), () => Atomics.waitAsync(odd), () => WebAssembly.compile.call(odd, odd)]) { const got = tell(act); Promise.prototype.then.call(got instanceof Object ? got.value ?? got : Promise.resolve(), judge, judge) } }
    for (const fn of [WebAssembly.compile, WebAssembly.instantiate, Atomics.waitAsync]) { judge(fn); judge(fn + ''); for (const key of ['caller', 'arguments', 'prototype', 'constructor', 'name']) tell(() => fn[key]); tell(() => new fn()); tell(() => Reflect.construct(Map, [], fn)); tell(() => Object.getOwnPropertyDescriptors(fn)) } tell(all)
    Object.defineProperty(Promise, Symbol.hasInstance, { configurable: true, value(value) { judge(this); judge(value); return true } }); tell(all); Object.defineProperty(Promise.prototype, 'constructor', { configurable: true, get() { judge(this); return { [Symbol.species]: function (executor) { judge(executor); executor(judge, judge) } } } }); tell(all)
    Object.defineProperty(Object.prototype, 'value', { configurable: true, get() { judge(this); return Promise.resolve({}) } }); tell(all); Promise[Symbol.hasInstance] = () => { throw {} }; tell(all); 0`,
    { idle: 50 },
  ),
  timers(
    'the console with hostile arguments',
    'escapes',
    `console.log(new Proxy({}, trap), new Proxy(function () {}, trap), odd, { get a() { judge(this); throw {} } }, { get [Symbol.toStringTag]() { judge(this); return host.give('x') } }, Object.create(new Proxy({}, trap)), Object.create({ get constructor() { judge(this); return { name: odd } } }), host, host.echo, globalThis)
    console.log('%s %d %i %f %j %o %O %c', odd, odd, odd, odd, { toJSON() { judge(this); return host.give({}) } }, odd, odd, odd, { toString: host.echo }); console.table([{ get a() { return host.give({}) } }, new Proxy([], trap)]); console.table(new Map([[odd, odd]]), [odd]); console.dir(odd, { get depth() { judge(this); return odd }, get colors() { judge(this); return true } })
    console.assert(false, odd); console.count(odd); console.countReset(odd); console.time(odd); console.timeLog(odd, odd); console.timeEnd(odd); console.group(odd); console.groupEnd(odd); console.trace(odd, new Error('m')); console.error(Object.assign(new Error('m'), { stack: odd, name: odd, cause: odd })); tell(() => new console.log()); tell(() => console.log.call(odd, [])); judge(console)
    for (const fn of Object.values(console)) { judge(fn); judge(fn.constructor); tell(() => fn.caller) } console.log({ get a() { console.log({ get b() { return host.echo({ get c() { console.log('in'); return 1 } }) } }); return 1 } }); 0`,
    `for (const holder of [Object.prototype, Array.prototype, String.prototype, Map.prototype, Function.prototype, RegExp.prototype, Symbol.prototype]) for (const key of ['0', 'length', 'toString', 'join', 'push', 'test', 'exec', 'replace', 'slice', 'has', 'colors', 'depth', 'maxDepth', 'level', 'text', 'args', 'constructor', 'name', 'then', 'inspect'])
      { try { Object.defineProperty(holder, key, { __proto__: null, configurable: true, get() { judge(this); return odd }, set(value) { judge(this); judge(value) } }) } catch {} } tell(() => console.log({ a: [1] }, 'x', [new Map([[1, 2]])], new Error('m'))); tell(() => console.table([{ a: 1 }])); tell(() => console.trace('t')); tell(() => console.dir({})); 0`,
  ),
])
