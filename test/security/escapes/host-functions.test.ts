import { type Attack, attack, ofHost, type Step } from '../support/attack.ts'
import { SITES } from '../support/call-sites.ts'
import { describeEscapes } from '../support/escapes.ts'

/** `    tell(act)` judges what an act gives or throws. */
const TELL =
  'var tell = (act) => { try { return judge(act()) } catch (error) { judge(error); judge(error?.stack); return error } }; judge([]);'
const host = (title: string, control: Attack['control'], ...steps: readonly Step[]): Attack =>
  ofHost(attack(title, control, TELL, ...steps))

describeEscapes('functions of the host', [
  host(
    'the functions, and all that they give and throw',
    'escapes',
    `for (const fn of Object.values(host)) { judge(fn); judge(Object.getPrototypeOf(fn)); judge(fn.constructor) }
    tell(() => host.echo({}, [], new Map([[{}, []]]), new Error('m'), new Uint8Array(3), 1n)); tell(() => host.give(new Date())); tell(() => host.make({})())
    tell(() => host.make({})); tell(() => host.large(5000)); tell(() => host.fail('m')); tell(() => host.throwBack({})); tell(() => host.throwBack(tell))
    tell(() => host.fail({ toString() { judge(this); return 'm' } })); tell(() => host.give(host.echo)([])); tell(() => host.echo(host.make(host.fail)))`,
    `(async () => { for (const start of [() => host.later({}), () => host.promise([]), () => host.failLater('m'), () => host.soon({}), () => host.call(() => ({})),
      () => host.call(() => { throw new Error('m') }), () => host.later(host.later), () => host.list(3)]) { const got = start(); judge(got); try { judge(await got) } catch (error) { judge(error); judge(error.stack) } } })()`,
    'host',
    { get: 'host' },
    { get: 'host.echo' },
    { globals: true },
    { call: 'host.echo', with: [{ a: [1] }] },
    { call: 'host.later', with: [[]] },
    { invoke: 'host.echo', with: [{ a: 1 }] },
  ),
  host(
    'newTarget, subclasses, instances',
    'escapes',
    `const traps = new Proxy({}, { get(target, key) { judge(key); return (...args) => { judge(args); return Reflect[key](...args) } } })
    for (const fn of [...Object.values(host), setTimeout, queueMicrotask, clearTimeout]) { tell(() => new fn({})); tell(() => class extends fn {}); tell(() => fn.bind({}, [])()); tell(() => new (new Proxy(fn, traps))())
      for (const C of [Object, Map, Error, Promise, Array, Uint8Array, Function, FinalizationRegistry, Date, Proxy, WeakRef]) { tell(() => Reflect.construct(C, [() => 0], fn));
        tell(() => Reflect.construct(C, [() => 0], new Proxy(fn, traps))); tell(() => Reflect.construct(C, [() => 0], new Proxy(function () {}, { get(t, k, r) { judge(r); return fn } }))) }
      tell(() => ({}) instanceof fn); tell(() => Function.prototype.toString.call(fn)); tell(() => Object.getOwnPropertyDescriptors(fn)); tell(() => structuredClone?.(fn)) } 0`,
  ),
  host(
    'in the place of every callback',
    'escapes',
    `for (const fn of [host.echo, host.give, host.fail, host.later, host.make]) { for (const act of [() => [1, {}].map(fn), () => [2, 1].sort(fn), () => 'x'.replace(/x/g, fn), () => JSON.parse('[{}]', fn),
      () => JSON.stringify({ toJSON: fn }), () => JSON.stringify([{}], fn), () => Array.from([1], fn), () => Array.from({ length: 2, get 0() { return fn({}) } }), () => new Promise(fn), () => Promise.resolve(1).then(fn, fn),
      () => Promise.resolve({ then: fn }), () => Promise.reject({}).catch(fn), () => Promise.resolve().finally(fn), () => ({ [Symbol.toPrimitive]: fn }) + '', () => ({ toString: fn }) + '', () => ({}) instanceof ({ [Symbol.hasInstance]: fn }),
      () => fn\`a\${{}}b\`, () => Reflect.apply(fn, globalThis, [{}]), () => fn.call(judge, judge), () => fn.apply(null, { length: 3, 0: [] }), () => Object.defineProperty({}, 'x', { get: fn, set: fn }).x,
      () => { Object.defineProperty({}, 'x', { set: fn }).x = {} }, () => [...{ [Symbol.iterator]: fn }], () => [...{ [Symbol.iterator]: () => ({ next: (x) => ({ done: true, value: fn(x) }) }) }], () => new (class { static { fn(this) } })(), () => [1].values().map(fn).toArray(),
      () => new Map([[1, fn]]).getOrInsertComputed?.(2, fn), () => Object.groupBy([1, 2], fn), () => new DisposableStack().defer(fn), () => { using x = { [Symbol.dispose]: fn } }, () => 'a-b'.split({ [Symbol.split]: fn }),
      () => Object.fromEntries({ [Symbol.iterator]: fn }), () => new FinalizationRegistry(fn), () => new (class extends Array { static get [Symbol.species]() { return fn } })(3).map((x) => x), () => queueMicrotask(fn), () => setTimeout(fn, 0, {}, fn), () => setImmediate(fn)])
        tell(act) } 0`,
    { idle: 2_000 },
    '({ get a() { return host.give([1]) }, toJSON: host.echo })',
    '({ then: host.fire })',
    'throw { get message() { return host.give("m") }, get name() { throw host.give({}) } }',
    { set: 'slot', to: [1] },
  ),
  host(
    'as traps of a Proxy',
    'escapes',
    `for (const fn of [host.give, host.fail, host.echo]) { for (const name of Reflect.ownKeys(Reflect)) if (typeof name === 'string' && Reflect[name].length > 0)
      for (const act of [(p) => p.x, (p) => delete p.x, (p) => 'x' in p, (p) => Object.keys(p), (p) => Object.isExtensible(p), (p) => Object.getPrototypeOf(p), (p) => host.give(p)]) tell(() => act(new Proxy({ x: 1 }, { [name]: fn })))
      for (const name of ['apply', 'construct']) tell(() => { const p = new Proxy(function () {}, { [name]: fn }); return name === 'apply' ? p({}) : new p({}) }) } 0`,
    'var calls = 0; const looking = new Proxy(function () {}, { get(target, key, receiver) { judge(key); return calls++ < 50 ? host.give(receiver) : undefined } }); tell(() => host.give(looking)); 0',
  ),
  host(
    'as functions of the language’s own workings',
    'escapes',
    `const was = [Promise.prototype.then, Error.prepareStackTrace, Array.prototype[Symbol.iterator]]
    Error.prepareStackTrace = host.echo; tell(() => new Error('m').stack); Error.prepareStackTrace = host.fail; tell(() => new Error('m').stack); Error.prepareStackTrace = host.later; tell(() => new Error('m').stack); delete Error.prepareStackTrace
    Object.defineProperty(Error, 'prepareStackTrace', { configurable: true, get: host.echo }); tell(() => new Error('m').stack); delete Error.prepareStackTrace
    Promise.prototype.then = host.fire; tell(() => Promise.resolve({}).then(() => 0)); Promise.prototype.then = was[0]
    Object.defineProperty(Object.prototype, 'then', { configurable: true, get: host.echo }); 0`,
    '[1]',
    '(async () => ({}))()',
    'delete Object.prototype.then; Object.defineProperty(Promise.prototype, "constructor", { configurable: true, get: host.make }); tell(() => host.later([])); tell(() => Promise.resolve(host.promise({}))); 0',
    '(async () => [await host.later({})])()',
    'delete Promise.prototype.constructor; Symbol.hasInstance in Promise; Object.defineProperty(Promise, Symbol.hasInstance, { value: host.give }); Object.defineProperty(Promise, Symbol.species, { get: host.echo }); tell(() => Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)); 0',
    'WebAssembly.compile(new Uint8Array(8))',
  ),
  host(
    'as imports of WebAssembly',
    'escapes',
    `const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 2, 7, 1, 1, 109, 1, 102, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 103, 0, 1, 10, 6, 1, 4, 0, 16, 0, 11])
    for (const f of [host.echo, host.fail, host.give, host.later, host.make, () => host.give({ valueOf() { judge(this); return 1 } })]) tell(() => new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { f } }).exports.g()); 0`,
    'WebAssembly.instantiate(bytes, { m: { f: host.fail } }).then(({ instance }) => tell(() => instance.exports.g()))',
  ),
  host(
    'caller and arguments while a call is under way',
    'escapes',
    `function sloppy(value) { tell(() => sloppy.caller); tell(() => sloppy.arguments); tell(() => arguments.callee.caller); tell(() => sloppy.caller?.caller); tell(() => Object.getOwnPropertyDescriptor(Function.prototype, 'caller').get.call(sloppy)); return value }
    tell(() => host.echo({ get a() { return sloppy(1) }, get b() { return [sloppy].map((f) => f(2)) } })); tell(() => host.give(new Proxy([], { get: sloppy, ownKeys: sloppy, getOwnPropertyDescriptor: sloppy })))
    setTimeout(sloppy); queueMicrotask(sloppy); host.call(sloppy, 3); new FinalizationRegistry(sloppy); 0`,
    { idle: 2_000 },
    { invoke: 'sloppy', with: [{}] },
    { call: 'sloppy', with: [1] },
  ),
  host(
    'stacks from inside a call, and of what it throws',
    'escapes',
    SITES,
    `Error.stackTraceLimit = 100; Error.prepareStackTrace = prepare
    host.echo({ get a() { if (!preparing) judge(new Error('in').stack); return 1 } }, new Proxy({}, { ownKeys() { if (!preparing) judge(new Error('trap').stack); return [] } })); tell(() => host.fail('m')); host.later(1).then(() => judge(new Error('later').stack)); host.failLater('m').catch((e) => judge(e.stack))
    tell(() => { const o = {}; Error.captureStackTrace(o, host.echo); return o.stack }); tell(() => host.throwBack(new Error('mine'))); tell(() => host.give(new Error('given')).stack); setTimeout(() => judge(new Error('timer').stack)); queueMicrotask(() => judge(new Error('micro').stack)); host.call(() => judge(new Error('called').stack))
    new Promise((r) => setTimeout(r, 2)).then(() => judge(new Error('async').stack))`,
    { invoke: '() => judge(new Error("invoked").stack)', with: [] },
    { idle: 2_000 },
    `for (const limit of [0, 1, Infinity, -1, NaN, 'x', { valueOf() { judge(this); return 1 } }]) { Error.stackTraceLimit = limit; tell(() => host.fail('m')); tell(() => host.echo({ get a() { throw new Error('n') } })) }
    Object.defineProperty(Error, 'stackTraceLimit', { get() { judge(this); return 10 } }); tell(() => host.fail('m')); delete Error.stackTraceLimit; tell(() => host.fail('m')); Error.prepareStackTrace = () => { throw host.give([]) }; tell(() => host.fail('m')); 0`,
    `Error.prepareStackTrace = (e, sites) => host.echo(e.message).concat(host.give({ n: sites.length })); Error.stackTraceLimit = 10; tell(() => new Error('m').stack); tell(() => host.fail('m')); (function f(n) { return n ? f(n - 1) : tell(() => host.fail('deep')) })(50); 0`,
  ),
  host(
    'arguments that call the host while they are read',
    'escapes',
    `const nest = (n) => n === 0 ? 1 : ({ get a() { return tell(() => host.echo(nest(n - 1))) } }); tell(() => host.echo(nest(10))); tell(() => host.echo({ get a() { return host.later(nest(3)) } }))
    tell(() => host.echo({ get a() { throw host.give({ b: 1 }) } })); tell(() => host.echo({ get a() { host.fail('inner') } })); tell(() => host.echo({ get a() { return host.make } }, { get b() { return host.make(1)() } }))
    tell(() => host.later({ get a() { return host.echo([1]) } })); tell(() => host.echo(new Map([[{ get k() { return host.echo(2) } }, { get v() { return host.give(3) } }]])))
    const growing = []; growing.push({ get a() { growing.push(host.give([])); return growing.length < 40 ? growing : 0 } }); tell(() => host.echo(growing))
    tell(() => host.echo({ get a() { for (const key of Reflect.ownKeys(this)) delete this[key]; return 1 }, b: 2, c: 3 })); tell(() => host.echo(new Proxy({ a: 1 }, { get() { return host.give({}) }, ownKeys() { return host.echo('a') } })))
    tell(() => host.echo({ get a() { console.log({ get b() { return host.give('c') } }); return 1 } })); tell(() => host.echo({ get a() { setTimeout(() => judge(host.give([]))); Promise.reject(host.give({})); return 1 } })); 0`,
    { idle: 2_000 },
    '({ get a() { return tell(() => host.echo({ get b() { return host.make } })) }, get c() { return host.later(1) } })',
    'throw { get message() { return host.echo({ get a() { return host.give("m") } })[0].a } }',
    'Promise.reject({ get a() { return tell(() => host.echo(nest(3))) } }); 0',
    { get: 'nest' },
  ),
  host(
    'identity: functions that come home and go out again',
    'escapes',
    `const own = () => ({}); for (const [a, b] of [[host.give(own), own], [host.give(host.give), host.give], [host.echo([own])[0][0], own], [host.make(own)(), own]]) judge([a === b]); judge(host.make); judge(host.give(host.make({})))
    tell(() => host.throwBack(own)); host.later(own).then((f) => judge(f)); const proxied = new Proxy(host.echo, {}); tell(() => host.give(proxied)); tell(() => host.give(host.echo.bind({}))({})); tell(() => host.give(class { static x = 1 })); tell(() => host.give(Object)); 0`,
    '[own, host.echo, proxied]',
    { call: 'host.give', with: [{ a: 1 }] },
  ),
  host(
    'limits: calls at once, in total, and what is too large or deep',
    'escapes',
    `for (let i = 0; i < 1100; i++) { const got = tell(() => host.never()); got?.catch?.(judge) } let deep = {}; for (let i = 0; i < 5000; i++) deep = { deep }; tell(() => host.echo(deep)); tell(() => host.echo('x'.repeat(17 << 20))); tell(() => host.echo(Symbol()))
    tell(() => host.echo(new WeakMap(), Promise.resolve())); tell(() => host.echo(new Array(4e9 >>> 0))); tell(() => host.later(deep).catch(judge)); 0`,
    '{ let thrown; for (let i = 0; i < 1e5 + 10 && !thrown; i++) try { host.give(i) } catch (error) { thrown = error } judge(thrown ?? []) } 0',
  ),
  host(
    'async iterables of the host, and the guest’s there',
    'escapes',
    `(async () => { const list = host.list(3); judge(list); judge(Object.getPrototypeOf(list)); const iterator = list[Symbol.asyncIterator](); judge(iterator); judge(iterator.next); for (const method of ['next', 'return', 'throw']) { try { judge(await iterator[method]({ get a() { return host.give([]) } })) } catch (error) { judge(error); judge(error.stack) } }
      for (const stray of [{}, list, globalThis, judge, new Proxy(list, {})]) for (const fn of [list[Symbol.asyncIterator], iterator.next, iterator.return]) { try { judge(await fn.call(stray)) } catch (error) { judge(error) } }
      for await (const item of host.list(5)) { judge(item); if (item.i > 2) break } for await (const x of { [Symbol.asyncIterator]: () => host.list(2)[Symbol.asyncIterator]() }) judge(x) })()`,
    `(async () => { for (const iterable of [(async function* () { yield {}; yield judge; throw new Error('m') })(), { [Symbol.asyncIterator]() { judge(this); judge(arguments); return { get next() { judge(this); let n = 0; return function (...args) { judge(this); judge(args); return n++ > 3 ? { done: true } : { get value() { return host.give({}) }, get done() { judge(this); return '' } } } },
        get return() { judge(this); return (x) => { judge(x); throw {} } }, throw: host.fail } } }, { [Symbol.asyncIterator]: host.echo }, { [Symbol.asyncIterator]: () => ({ next: host.later }) }, { [Symbol.asyncIterator]: () => ({ next: () => ({ then(f, r) { judge(f); judge(r); f({ done: false, value: [] }); f(1); r(2) } }) }) },
        { [Symbol.asyncIterator]: () => 5 }, { get [Symbol.asyncIterator]() { throw {} } }, { [Symbol.asyncIterator]: () => ({ next() { return null } }) }, new Proxy({}, { get(t, k) { judge(k); return k === Symbol.asyncIterator ? () => ({ next: () => ({ done: true }) }) : undefined } })])
      { try { judge(await host.drain(iterable)) } catch (error) { judge(error); judge(error.stack) } } })()`,
    '[host.list(1), (async function* () { yield 1 })()]',
    { set: 'slot', to: [1] },
  ),
])
