import { attack } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

const TELL = `var tell = (name) => function () { judge(this); judge(arguments); judge(new.target); judge(new Error(name)); return 1 }
var trapped = (target) => new Proxy(target, new Proxy({}, { get: (_, trap) => function (...args) { judge(args); judge(new Error(trap));
      return Reflect[trap](...args) } })); 0`

describeEscapes('newer built-ins', [
  attack(
    'Temporal, with fields and options that are the guest’s',
    'contained',
    TELL,
    `
    const date = Temporal.PlainDate.from('2024-02-29'); judge(Temporal); judge(date); judge(Temporal.Now);
      judge(Temporal.Now.zonedDateTimeISO())
    for (const use of [() => Temporal.PlainDate.from(trapped({ year: 2024, month: 1, day: 1, calendar: 'iso8601' })),
      () => date.with(trapped({ day: 1 })), () => date.until('2025-01-01', trapped({ largestUnit: 'year' })), () => date.toString({
      get calendarName() { judge(this); return 'always' } }), () => date.toLocaleString('de'), () => date + 1,
      () => Temporal.Duration.from(trapped({ hours: 1 })).round(trapped({ largestUnit: 'day' })), () => Temporal.Instant.from('x'),
      () => new Temporal.PlainDate({ valueOf: tell('y') }, 1, 1),
      () => Temporal.ZonedDateTime.from({ year: 1, month: 1, day: 1, timeZone: { toString: tell('tz') } }),
      () => Reflect.construct(Temporal.PlainTime, [], trapped(function () {})), () => date.equals(trapped({}))]) { try { judge(use()) }
      catch (error) { judge(error) } } 0`,
    'Temporal.Now.instant()',
    'throw Temporal.PlainTime.from("10:00")',
    '[Temporal.Duration.from({ hours: 1 })]',
  ),
  attack(
    'Intl, with locales and options that are the guest’s',
    'contained',
    TELL,
    `
    for (const name of Object.getOwnPropertyNames(Intl)) { judge(Intl[name]); try { const made = new Intl[name](trapped(['en']),
      trapped({ type: 'language', style: 'long' })); judge(made); for (const method of ['format', 'formatToParts', 'formatRange',
      'compare', 'select', 'segment', 'resolvedOptions', 'of', 'maximize', 'formatRangeToParts']) try { judge(made[method]?.('1', 2)) }
      catch (error) { judge(error) } } catch (error) { judge(error) } }
    judge(Intl.getCanonicalLocales(trapped(['de']))); judge('a'.localeCompare('b', trapped(['de']), trapped({})));
      judge(Intl.DateTimeFormat.call(Object.create(Intl.DateTimeFormat.prototype))); judge(new Date().toLocaleString([], trapped({})));
      judge(Reflect.construct(Intl.Collator, [], trapped(function () {}))); 0`,
    'new Intl.NumberFormat("en")',
    '[new Intl.Segmenter().segment("a b")]',
  ),
  attack(
    'disposal, in order, failing and twice',
    'contained',
    TELL,
    `
    try { using a = { [Symbol.dispose]: tell('a') }, b = { [Symbol.dispose]() { throw judge(new Error('b')) } }, c = {
      get [Symbol.dispose]() { judge(this); return tell('c') } }; throw judge(new Error('body')) } catch (error) { judge(error);
      judge(error.suppressed); judge(error.error) }
    const stack = new DisposableStack(); stack.use({ [Symbol.dispose]: tell('use') }); stack.adopt({}, tell('adopt'));
      stack.defer(tell('defer')); const moved = stack.move(); judge(stack); judge(moved); moved.dispose();
      judge(new (class extends DisposableStack {})()); try { moved.use(1) } catch (error) { judge(error) }
    judge(Reflect.construct(DisposableStack, [], trapped(function () {}))); judge(SuppressedError); 0`,
    'new DisposableStack()',
    '({ [Symbol.dispose]: judge })',
    '({ get [Symbol.dispose]() { judge(this) }, get [Symbol.asyncDispose]() { judge(this) } })',
  ),
  attack(
    'asynchronous disposal',
    'contained',
    TELL,
    `(async () => {
    try { await using a = { async [Symbol.asyncDispose]() { judge(this); judge(new Error()); throw judge(new Error('a')) } }, b = {
      [Symbol.asyncDispose]: () => ({ get then() { judge(this); return (f, r) => { judge(f); judge(r); r({}) } } }) }, c = {
      [Symbol.dispose]: tell('c') }; throw new Error('body') } catch (error) { judge(error) }
    const stack = new AsyncDisposableStack(); stack.use({ [Symbol.asyncDispose]: tell('u') }); stack.defer(async () => {
      throw judge({}) }); judge(stack); await judge(stack.disposeAsync()).catch(judge); await judge(stack.disposeAsync()) })()`,
    'new AsyncDisposableStack()',
    '({ async [Symbol.asyncDispose]() { judge(this) } })',
  ),
  attack(
    'iterator helpers',
    'contained',
    TELL,
    `
    const source = () => ({ next: tell('next'), return: tell('return'), get [Symbol.iterator]() { judge(this); return function () {
      judge(this); return { n: 0, next() { judge(this); judge(arguments); return trapped({ done: this.n++ > 2, value: {} }) }, return() {
      judge(arguments); return {} } } } } })
    for (const use of [(i) => i.map((x) => judge(x)).toArray(), (i) => i.filter(judge).take(1).toArray(),
      (i) => i.flatMap(() => source()).drop(1).toArray(), (i) => i.reduce((a, b) => judge(b)), (i) => i.some(judge),
      (i) => i.forEach((x) => judge(x)), (i) => i.find(() => { throw judge({}) }), (i) => i.map((x) => x).return()]) { try {
      judge(use(Iterator.from(source()))) } catch (error) { judge(error) } }
    judge(Iterator); judge(new (class extends Iterator {})()); judge(Iterator.concat?.([1], source()) ?? []); judge(Iterator.from({
      next() { return {} } })); try { new Iterator() } catch (error) { judge(error) } 0`,
    '[1].values().map((x) => judge([x]))',
    'Iterator.from({ next() { judge(this); return { done: true } } })',
  ),
  attack(
    'Array.fromAsync, Promise.try and withResolvers',
    'escapes',
    TELL,
    `Promise.allSettled([judge(Array.fromAsync({
      async *[Symbol.asyncIterator]() { judge(new Error()); yield {} } })), Array.fromAsync.call(trapped(function () {}),
      [Promise.resolve({})]), judge(Promise.try(() => { throw judge({}) })), Promise.try.call(function (executor) { judge(executor);
      judge(new.target); executor(judge, judge) }, judge, {}), judge(Promise.withResolvers().promise) && 1, import('x')]).then((all) => {
      judge(all) })`,
  ),
  attack(
    'methods of Set and Map on records that are the guest’s',
    'contained',
    TELL,
    `const like = trapped({ size: {
      valueOf: tell('size') }, has: tell('has'), keys() { judge(this); return { next: () => { judge(new Error()); return { done: true } }
      } } })
    for (const name of ['union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom']) {
      try { judge(new Set([1])[name](like)) } catch (error) { judge(error) } } judge(Map.groupBy([1], (x) => judge({ x })));
      judge(Object.groupBy(trapped([1]), judge)); judge(new Map().getOrInsertComputed?.(1, tell('made')) ?? []); new Set([1])`,
  ),
  attack(
    'JSON with sources, raw values and revivers',
    'contained',
    TELL,
    `judge(JSON.parse('{"a":[1,{"b":2}]}', function (key, value,
      context) { judge(this); judge(context); judge(arguments); return value })); judge(JSON.rawJSON?.('1') ?? []); judge(JSON.stringify({
      toJSON: tell('json'), get b() { judge(this) } }, function () { judge(this); judge(arguments); return {} }, trapped({})))
    try { JSON.stringify([1n]) } catch (error) { judge(error) } try { const loop = []; loop.push(loop); JSON.stringify(loop) }
      catch (error) { judge(error); judge(error.message) } JSON.rawJSON?.('2')`,
  ),
  attack(
    'bytes in text, half floats and buffers that move',
    'contained',
    TELL,
    `for (const use of [() => Uint8Array.fromBase64('AAAA',
      trapped({ alphabet: 'base64' })), () => new Uint8Array(2).toHex(), () => Uint8Array.fromHex('x'),
      () => new Uint8Array(3).setFromBase64('AA', trapped({})), () => new Float16Array(trapped([1, 2])),
      () => Math.sumPrecise(trapped([1])), () => RegExp.escape('a.b'), () => Error.isError(trapped(new Error())),
      () => Atomics.pause?.(1), () => new ArrayBuffer(8).transferToFixedLength(4), () => Array.prototype.with.call(trapped([1]), 0, {}),
      () => [3, 1].toSorted(tell('cmp')), () => Object.fromEntries(trapped([['a', {}]])), () => structuredClone({}),
      () => String.raw(trapped({ raw: ['a'] })), () => /(?<n>x)/d.exec('x').indices.groups, () => 'x'.matchAll(trapped(/x/g)),
      () => new ArrayBuffer(4, { get maxByteLength() { judge(this); return 8 } })])
    { try { judge(use()) } catch (error) { judge(error) } } judge([]); new Float16Array([1.5])`,
    'new ArrayBuffer(8, { maxByteLength: 16 })',
  ),
  attack(
    'WeakMap keys, private names and decorators of nothing',
    'contained',
    TELL,
    `const map = new WeakMap(); for (const key of [{},
      Symbol('k'), trapped({}), globalThis, judge]) map.set(key, {}); judge(map); judge(map.get(globalThis));
      class Stamp extends (function (o) { return o }) { #mark = {}; static read(o) { return o.#mark } }
    for (const target of [globalThis, {}, trapped({}), console, Math, Function.prototype, new Error('m'), Promise.resolve()]) { try {
      new Stamp(target); judge(Stamp.read(target)) } catch (error) { judge(error) } } globalThis`,
  ),
  attack(
    'results of regular expressions, matches and iterators',
    'contained',
    TELL,
    `judge(/(?<name>a)/d.exec('a'))`,
    `judge('a1b2'.matchAll(/[a-z]/g))`,
    `const r = /x/y;
      r.exec = tell('exec'); Object.defineProperty(r, 'flags', { get: tell('flags') }); judge('x'.replace(r, tell('replace')));
      judge('x'.split(r)); r`,
    '[..."ab"].entries()',
  ),
])
