import { type Attack, attack, reachingMoat } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

const DEEP = 'const dive = () => { try { return dive() } catch (error) { return error } }, fall = () => judge(dive());'
const atLimit = (title: string, control: Attack['control'], attempt: string): Attack =>
  reachingMoat(`at the limit: ${title}`, control, `judgeDepths(() => ${attempt}); 0`, '0')

describeEscapes('stack overflow', [
  atLimit('a call', 'contained', '(() => (() => ({}))())()'),
  atLimit('the stack of a new error', 'escapes', '{ const error = new Error("m"); error.stack; return error }'),
  atLimit(
    'the stack of an error whose name is a symbol',
    'escapes',
    '{ const error = new Error("m"); error.name = Symbol(); return error.stack }',
  ),
  atLimit('the stack of an error of V8’s', 'escapes', '{ try { null.x } catch (error) { return [error, error.stack] } }'),
  atLimit('captureStackTrace', 'escapes', '{ const target = {}; Error.captureStackTrace(target); return [target, target.stack] }'),
  atLimit('a rejection', 'contained', 'Promise.reject({})'),
  atLimit('a rejection that is handled later', 'contained', '{ const p = Promise.reject({}); p.catch(() => 0); return p }'),
  atLimit('async functions', 'contained', '(async () => { throw new Error("m") })()'),
  atLimit('resolving twice', 'contained', 'new Promise((resolve, reject) => { resolve({}); reject({}) })'),
  atLimit('eval and Function', 'contained', '[eval("({})"), Function("return {}")(), (0, eval)("[]")]'),
  atLimit('our FinalizationRegistry', 'contained', 'new FinalizationRegistry(() => 0)'),
  atLimit(
    'WebAssembly',
    'contained',
    `[new WebAssembly.Memory({ initial: 0 }), WebAssembly.validate(new Uint8Array(8)), WebAssembly.compile(new Uint8Array(3))]`,
  ),
  atLimit('Atomics.waitAsync', 'contained', 'Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0)'),
  atLimit(
    'Intl, Temporal and Date',
    'contained',
    `[new Date().toLocaleString("de"), new Intl.NumberFormat("en").format(1),
      Temporal.Now.plainDateISO().toString(), Intl.supportedValuesOf("unit")]`,
  ),
  atLimit(
    'regular expressions and JSON',
    'contained',
    `[/(a+)+$/.exec("aaaa"), JSON.stringify([[[{}]]]), JSON.parse("[[[{}]]]", (k,
      v) => v), "x".replace(/x/g, () => "y")]`,
  ),
  atLimit('console', 'contained', '[console.log({}), console.table([{}]), console.trace(), console.count({}), console.dir({})]'),
  atLimit(
    'disposal and iterator helpers',
    'contained',
    `{ using stack = new DisposableStack(); stack.defer(() => { throw {} });
      return [1, 2].values().map((x) => [x]).flatMap((x) => x).toArray() }`,
  ),
  attack(
    'a getter of the result that overflows',
    'contained',
    `({ get a() { ${DEEP} return fall() } , get b() { (function f() { f() })() } })`,
    `[{
      get a() { return judgeDepths(() => ({ get a() { throw {} } }).a) } }]`,
  ),
  reachingMoat(
    'getters of the result that import and format at the limit',
    'escapes',
    `({ get a() {
      return judgeDepths(() => import("x")) }, get b() { return judgeDepths(() => { const e = new Error(); e.name = Symbol();
      return e.stack }) } })`,
  ),
  attack(
    'results that are nested beyond all limits',
    'contained',
    `${DEEP} judge([]); let deep = {}; for (let i = 0; i < 1e5; i++) deep = { deep }; deep`,
    'let list = []; for (let i = 0; i < 1e5; i++) list = [list]; list',
    'let e = new Error(); for (let i = 0; i < 1e4; i++) e = new Error("", { cause: e }); throw e',
    'let p = {}; for (let i = 0; i < 1e4; i++) p = new Proxy(p, {}); p',
    'var o = {}; for (let i = 0; i < 1e5; i++) o = Object.create(o); o',
    { get: 'o' },
    'var made = () => ({ get a() { return made() } }); made()',
    'var t = () => ({ then(f) { f(t()) } }); 0',
  ),
  attack(
    'a toString that overflows in every place where texts are made',
    'escapes',
    `${DEEP} globalThis.bad = { toString() {
      return fall() }, valueOf() { return fall() }, toJSON() { return fall() } }; judge(bad)
    const e = new Error(); e.name = bad; Object.defineProperty(e, 'message', { get() { (function f() { f() })() } }); try {
      judge(e.stack) } catch (error) { judge(error) } throw e`,
    'bad',
    'import(bad)',
    'throw bad',
    '({ [Symbol.toStringTag]: bad })',
  ),
  attack(
    'call() of a function that overflows',
    'contained',
    `${DEEP} var f = () => fall(); var g = function g() { return g() }; judge(f); 0`,
    { call: 'f', with: [{}] },
    { call: 'g', with: [] },
  ),
  reachingMoat(
    'call(), get(), set() and globals() with code that goes to the limit',
    'escapes',
    `var f = () => judgeDepths(() => [import('x'),
      new Error().stack]); judge(import('y'))
    Object.defineProperty(globalThis, 'slot', { enumerable: true, configurable: true, get: f, set: f }); 0`,
    { call: 'f', with: [[{}]] },
    { get: 'slot' },
    { set: 'slot', to: { a: 1 } },
    { globals: true },
  ),
  attack(
    'prepareStackTrace that overflows',
    'contained',
    `${DEEP} Error.prepareStackTrace = () => fall(); judge(new Error('m').stack); 0`,
    'new Error("o")',
    'Error.prepareStackTrace = (e) => new Error(e).stack; judge([]); judge({ s: new Error("p").stack }); 0',
  ),
  reachingMoat(
    'thenables and microtasks at the limit',
    'escapes',
    `
    ({ then(resolve) { judge(resolve); judgeDepths(() => { resolve({ then(f) { f({}) } }); return [Promise.resolve({ then(f) { f(1) } }),
      (async () => { await { then(f) { judge(f); f() } } })()] }) } })`,
    'Promise.resolve().then(() => { judgeDepths(() => Promise.all([Promise.resolve({}), { then(f) { f() } }])) })',
  ),
  attack(
    'a Proxy chain whose traps overflow',
    'contained',
    `
    let p = {}; for (let i = 0; i < 2e4; i++) p = new Proxy(p, {}); for (const use of [() => p.x, () => { p.x = 1 }, () => 'x' in p,
      () => Object.keys(p), () => Object.getPrototypeOf(p), () => Object.prototype.toString.call(p), () => Array.isArray(p),
      () => JSON.stringify(p)])
      { try { judge(use()) } catch (error) { judge(error) } } judge([]); p`,
    'let q = []; for (let i = 0; i < 2e4; i++) q = new Proxy(q, {}); q',
    'let f = function () {}; for (let i = 0; i < 2e4; i++) f = new Proxy(f, {}); throw f',
  ),
])
