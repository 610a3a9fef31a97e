import { type Attack, type Step, attack, reachingMoat } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

/** Imports `main`, which may import the others. */
const importing = (main: string, others: Readonly<Record<string, string>> = {}, timeout?: number): Step => ({
  import: 'main',
  modules: { main, ...others },
  ...(timeout === undefined ? {} : { timeout }),
})
const each = (title: string, control: Attack['control'], ...steps: readonly Step[]): Attack =>
  attack(`modules: ${title}`, control, ...steps)
const near = (title: string, control: Attack['control'], ...steps: readonly Step[]): Attack =>
  reachingMoat(`modules: ${title}`, control, ...steps)

/** Has import() of a module, with modules to import, as a global. */
const LOAD = importing('globalThis.load = (name, options) => (options === undefined ? import(name) : import(name, options))', {
  empty: '',
  syntax: 'let a = }',
  absent: 'import { x } from "empty"',
  missing: 'import "none"',
  throws: 'throw new Error("x")',
  thenable: 'export function then(resolve, reject) { judge(this); judge(arguments); judge(new Error().stack); reject(judge({})) }',
  meta: 'judge(import.meta); export const meta = import.meta',
  deep: '('.repeat(5_000),
})
const NAMES =
  "['empty', 'syntax', 'absent', 'missing', 'throws', 'thenable', 'meta', 'deep', 'none', './x', '', 'fs', '\\0', 'x'.repeat(2000)]"

describeEscapes('modules', [
  each(
    'import.meta',
    'escapes',
    importing(
      'judge(import.meta); judge(Object.getPrototypeOf(import.meta)); for (const key of Reflect.ownKeys(import.meta)) judge(import.meta[key]); export const m = import.meta',
    ),
  ),
  each(
    'this, arguments and what is around',
    'escapes',
    importing(
      'judge([this]); judge([typeof arguments, typeof require, typeof module, typeof process]); judge(new Error()); judge(new Error().stack); judge(globalThis); export {}',
    ),
  ),
  each(
    'the call sites of a module',
    'escapes',
    importing(
      'Error.prepareStackTrace = (error, sites) => { judge(error); judge(sites); for (const site of sites) for (const name of ["getThis", "getFunction", "getTypeName", "getEvalOrigin", "getScriptNameOrSourceURL"]) { try { judge(site[name]()) } catch (e) { judge(e) } } return "" }; judge(new Error().stack); await 0; judge(new Error().stack); judge(import("none").catch((e) => judge(e.stack)))',
    ),
  ),
  each(
    'namespaces, own and others',
    'contained',
    importing(
      'import * as me from "main"; import * as other from "b"; judge([me]); judge([other]); judge(Reflect.ownKeys(other)); try { other.x = 1 } catch (e) { judge(e) } try { me.late } catch (e) { judge(e) } try { judge(Object.keys(me)) } catch (e) { judge(e) } export let late = 1; export { other, me as again }',
      { b: 'export const x = {}; export default function f() { judge(this); judge(arguments); judge(f.caller) }' },
    ),
  ),
  each('a static import of nothing', 'contained', importing('import "none"'), 'judge({}); 0'),
  each('errors of import()', 'escapes', LOAD, `for (const name of ${NAMES}) judge(load(name)); 0`, '0'),
  each(
    'errors of import() that the guest catches',
    'escapes',
    LOAD,
    `(async () => { for (const name of ${NAMES}) { try { judge([await load(name)]) } catch (error) { judge(error); judge(error?.stack); judge(error?.cause) } } })()`,
  ),
  each('rejections that nobody handles', 'escapes', LOAD, `for (const name of ${NAMES}) load(name); judge({}); 0`, '0'),
  each(
    'import() with hostile specifiers and attributes',
    'escapes',
    LOAD,
    `for (const specifier of [{ toString() { judge(this); judge(new Error()); return 'empty' } }, { [Symbol.toPrimitive]() { throw judge({}) } }, Symbol(), null, new Proxy({}, { get() { judge(arguments) } })]) judge(load(specifier));
    for (const options of [{ with: { type: 'json' } }, { with: { type: 'x' } }, { with: { other: 'x' } }, { with: { __proto__: null, type: 'text' } }, { with: new Proxy({ type: 'json' }, { get() { judge(arguments); return 'json' } }) }, { get with() { throw judge({}) } }, 1]) judge(load('empty', options)); 0`,
    '0',
  ),
  each(
    'tampered promises',
    'escapes',
    LOAD,
    `const { then } = Promise.prototype; Promise.prototype.then = function (...args) { judge(this); judge(args); return then.apply(this, args) }
    Promise.reject = Promise.resolve = function (e) { judge(e); judge(this) }; Object.defineProperty(Promise.prototype, 'constructor', { get() { judge(this); judge(new Error()); return function (executor) { judge(executor); executor((x) => judge(x), (x) => judge(x)); judge(this) } } })
    for (const name of ${NAMES}) judge(load(name)); 0`,
    '0',
    importing('import "b"; await { then(a, b) { judge(a); judge(b); a() } }', { b: 'judge(import.meta)' }),
  ),
  each(
    'tampered built-ins',
    'escapes',
    `for (const owner of [Map, Array, String, Symbol, Function, Promise, JSON, Reflect, Error, SyntaxError, TypeError].flatMap((each) => each.prototype ? [each, each.prototype] : [each]))
      for (const key of Reflect.ownKeys(owner)) { const { value, configurable } = Reflect.getOwnPropertyDescriptor(owner, key); if (configurable && typeof value === 'function' && key !== 'constructor' && owner !== Reflect) owner[key] = function (...args) { judge(this); judge(args); return Reflect.apply(value, this, args) } }
      for (const key of [0, 1, 2, 'type', 'url', 'specifier', 'then', 'fill', 'source', 'key', 'stack', 'cause', 'default', 'value', 'get', 'set', 'writable'])
        Object.defineProperty(Object.prototype, key, { configurable: true, get() { return undefined }, set(value) { judge(this); judge(value) } }); 0`,
    LOAD,
    `for (const name of ${NAMES}) judge(load(name)); judge({}); 0`,
    '0',
    importing('import x from "c.cjs"; judge([x]); judge(import.meta); export { x }', {
      'c.cjs': 'judge(module); judge(require); exports.a = 1',
    }),
  ),
  each(
    'top-level await of hostile thenables',
    'contained',
    importing(
      'for (const thenable of [{ then(a, b) { judge(this); judge(a); judge(b); judge(new Error()); a(1) } }, { get then() { judge(this); throw judge({}) } }, new Proxy({}, { get(...args) { judge(args); return undefined } })]) { try { await thenable } catch (e) { judge(e) } } export const a = 1',
    ),
  ),
  each(
    'a module that exports then',
    'escapes',
    importing('export function then(resolve, reject) { judge(this); judge(arguments); judge(new Error().stack); resolve(judge({})) }'),
    'judge([]); 0',
  ),
  each(
    'exports that the host reads',
    'contained',
    importing(
      'export const a = { get x() { judge(this); judge(new Error()); judge(arguments); return 1 } }, b = new Proxy({}, { ownKeys(...args) { judge(args); judge(new Error()); return [] }, get(...args) { judge(args) }, getPrototypeOf(...args) { judge(args); return null } }); export { a as toJSON, b as toString, a as __proto__ }',
    ),
    'judge([]); 0',
  ),
  each(
    'a default export that the host calls',
    'escapes',
    importing(
      'globalThis.f = function (...args) { judge(this); judge(args); judge(new.target); judge(f.caller); throw judge(new Error()) }; export default f',
    ),
    { invoke: 'f', with: [{ a: 1 }] },
  ),
  each(
    'what a module throws',
    'contained',
    importing(
      'judge([]); throw new Proxy(new Error(), { get(...args) { judge(args); throw 1 }, getPrototypeOf(...args) { judge(args); throw 2 } })',
    ),
    importing(
      'throw { get stack() { judge(this); judge(new Error()); return Symbol() }, get message() { return this }, then() { judge(arguments) } }',
    ),
    importing('await 0; throw Symbol()'),
  ),
  each(
    'CommonJS',
    'escapes',
    importing('import x from "c.cjs"; judge([x])', {
      'c.cjs':
        'judge(module); judge(require); judge(exports); judge(arguments); judge(this); judge(arguments.callee?.caller); for (const s of ["none", "x", {}, null, Symbol(), "", "main", { toString() { judge(this); judge(new Error()); return "x" } }]) { try { judge(require(s)) } catch (e) { judge(e); judge(e.stack); judge(e.cause) } } try { judge(new require("x")) } catch (e) { judge(e) } judge(import("none")); judge(import("main")); new Proxy(require, { construct() {} })',
    }),
  ),
  each(
    'CommonJS as a constructor’s new target',
    'contained',
    importing('import x from "c.cjs"', {
      'c.cjs':
        'for (const F of [require, module.require].filter(Boolean)) { try { judge(Reflect.construct(F, ["x"], new Proxy(F, { get(...args) { judge(args); return undefined } }))) } catch (e) { judge(e) } try { judge(Reflect.construct(Object, [], F)) } catch (e) { judge(e) } try { judge(Reflect.construct(Error, [], F)) } catch (e) { judge(e) } }',
    }),
  ),
  each(
    'CommonJS with tampered exports',
    'contained',
    importing('import x, * as all from "c.cjs"; judge([x, all])', {
      'c.cjs':
        'exports.a = 1; exports.b = 2; module.exports = new Proxy({}, { get(...args) { judge(args); judge(new Error()); return judge({}) }, ownKeys(...args) { judge(args); return [] } })',
    }),
  ),
  each(
    'a deadline in a module',
    'escapes',
    importing(
      'globalThis.kept = judge(import.meta); for (;;) { try { for (;;); } catch (e) { judge(e) } finally { judge(new Error()) } }',
      {},
      100,
    ),
    'judge(kept); 0',
  ),
  each(
    'a deadline in what is awaited',
    'hangs',
    importing('judge(import.meta); const f = () => Promise.resolve().then(f); f(); await new Promise(() => 0)', {}, 100),
    'judge([]); 0',
  ),
  each(
    'import() of a module whose evaluation was ended',
    'hangs',
    importing('globalThis.load = (name) => import(name)', { loops: 'globalThis.n = (globalThis.n ?? 0) + 1; while (n === 1);' }),
    { run: 'judge(load("loops")); load("loops").catch(judge); 0', timeout: 200 },
    { idle: 200 },
    'judge(load("loops")); 0',
    '0',
  ),
  each(
    'WebAssembly, workers and what Node might give',
    'contained',
    importing(
      'judge([typeof WebAssembly, typeof Worker, typeof importScripts]); for (const code of ["import.meta", "import.source(\'x\')", "import.defer(\'x\')"]) { try { judge([eval(code)]) } catch (e) { judge(e) } } judge(new Function("return this")())',
    ),
  ),
  near(
    'import() near the stack limit',
    'escapes',
    LOAD,
    `judge(load('empty')); judgeDepths(() => load('empty')); judgeDepths(() => load('none')); 0`,
    '0',
  ),
  near(
    'import() near the stack limit, with attributes',
    'escapes',
    LOAD,
    `judge({}); judgeDepths(() => load('empty', { with: { type: 'json' } })); judgeDepths(async () => { await load('meta') }); 0`,
    '0',
  ),
  near(
    'import.meta near the stack limit',
    'escapes',
    importing('judgeDepths(() => import.meta); judge(import.meta)'),
    importing('await 0; judgeDepths(() => import.meta.url); judge(import.meta)'),
  ),
  near(
    'import.meta near the stack limit, first used there',
    'escapes',
    ...Array.from(
      { length: 4 },
      (_, k): Step =>
        importing(`judge([]); const at = (n, f) => n === 0 ? f() : at(n - 1, f); let max = 0; const down = () => { max++; down() }; try { down() } catch {}
    for (let n = max + 200; n > 0; n -= 3) { try { judge(at(n, () => import.meta)); break } catch (e) { judge(e) } } ${'0;'.repeat(k)}`),
    ),
  ),
  near(
    'require near the stack limit',
    'escapes',
    importing('import "c.cjs"', {
      'c.cjs': 'judgeDepths(() => require("x")); judgeDepths(() => require("d.cjs")); judge({})',
      'd.cjs': 'exports.a = 1',
    }),
  ),
  near(
    'a module that overflows',
    'contained',
    importing('judge({}); const f = () => f(); f()'),
    importing('const f = async () => { await f() }; await f().catch(judge)'),
    importing(
      'export const x = [].map; judge({}); const f = () => { try { return import("none") } finally { f() } }; try { f() } catch (e) { judge(e) }',
    ),
  ),
  near(
    'a namespace near the stack limit',
    'contained',
    importing(
      'import * as other from "b"; judge({}); judgeDepths(() => other.x); judgeDepths(() => Object.keys(other)); judgeDepths(() => { other.x = 1 })',
      { b: 'export let x = 1' },
    ),
  ),
])
