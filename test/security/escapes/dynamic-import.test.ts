import { type Attack, attack, reachingMoat } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

const each = (title: string, ...steps: readonly string[]): Attack => attack(`import() ${title}`, 'escapes', ...steps)

describeEscapes('dynamic import', [
  each('in a script', 'judge(import("node:fs")); 0'),
  each(
    'of every kind of specifier',
    `for (const name of ['node:fs', 'fs', './x.js', '/etc/passwd', 'file:///etc/passwd',
      'data:text/javascript,export default 1', 'https://x.y/z.js', '', '#x', 'internal/x', '\\0', 'x'.repeat(1e5)]) judge(import(name)); 0`,
  ),
  each('in eval', 'judge(eval("import(\'node:fs\')")); judge((() => { "use strict"; return eval("import(\'node:fs\')") })()); 0'),
  each('in an indirect eval', 'judge((0, eval)("import(\'node:fs\')")); 0'),
  each(
    'in Function and its kin',
    `for (const Maker of [Function, (async () => 0).constructor, (function* () {}).constructor,
      (async function* () {}).constructor]) { const made = Maker("return import('node:fs')")(); judge(made);
      if (made.next) judge(made.next()) } 0`,
  ),
  each('in a microtask', `Promise.resolve().then(() => { judge(import('node:fs')) }); 0`, '0'),
  each(
    'after an await',
    `(async () => { await 0; await null; try { await import('node:fs') } catch (error) { judge(error); throw error } })()`,
  ),
  each(
    'in an async generator',
    `(async function* () { try { yield* import('node:fs') } catch (error) { judge(error);
      yield import('node:fs') } })().next().then(judge, judge)`,
  ),
  each(
    'in a getter that the host reads',
    `Object.defineProperty(globalThis, 'g', { configurable: true, enumerable: true, get() {
      const p = import('node:fs'); judge(p); return p } }); 0`,
    `({ get deep() { return judge(import('x')) && 1 } })`,
    'g',
  ),
  attack(
    'import() in a getter, by get() and globals()',
    'escapes',
    `Object.defineProperty(globalThis, 'g', { enumerable: true,
      configurable: true, get() { judge(import('node:fs')); return 1 } }); 0`,
    { get: 'g' },
    { globals: true },
  ),
  attack('import() in a call', 'escapes', 'function f(x) { return judge(import("node:fs")) } 0', { call: 'f', with: [{}] }),
  each(
    'in a Proxy trap, a default, a computed key and a static block',
    `
    judge(new Proxy({}, { get: () => import('a') }).x); ((x = judge(import('b'))) => x)(); ({ [judge(import('c'))]: 1 }); class A {
      static { judge(import('d')) } static f = judge(import('e')) } ((x) => judge(import(x[0])))\`f\`; 0`,
  ),
  each(
    'with a specifier that is an object',
    `for (const specifier of [{ toString() { judge(this); judge(new Error()); return 'x' } }, {
      toString() { throw judge({}) } }, { [Symbol.toPrimitive]: () => Symbol() }, Symbol('s'), null, 1n, new Proxy({}, { get() {
      judge(arguments) } })])
    judge(import(specifier)); 0`,
  ),
  each(
    'with attributes',
    `
    judge(import('x', { with: { type: 'json' } })); judge(import('x', { with: { get type() { judge(this); judge(new Error());
      return 'json' } } })); judge(import('x', new Proxy({}, { get() { judge(arguments); return { a: 'b' } } })))
    judge(import('x', { with: { type: 1 } })); judge(import('x', 1)); judge(import('x', { get with() { throw judge({}) } }));
      judge(import('x', { with: new Proxy({ a: 'b' }, { ownKeys(t) { judge(arguments); return Reflect.ownKeys(t) } }) })); 0`,
  ),
  each(
    'by phase',
    `for (const source of ["import.source('x')", "import.defer('x')", 'import.meta']) { try { judge(eval(source)) }
      catch (error) { judge(error) } } judge(import('x')); 0`,
  ),
  each(
    'whose rejection nobody handles',
    `import('node:fs'); import('x').then(() => 0); var p = import('y'); judge([]); 0`,
    'p.catch(judge); 0',
    '({ get then() { return (f, r) => p.then(f, (e) => { judge(e); r(e) }) } })',
  ),
  each(
    'whose rejection the host reads',
    'import("node:fs")',
    'judge(import("x"))',
    '(async () => import("y"))()',
    '(async () => { await import("z") })()',
  ),
  each(
    'with tampered promises',
    `
    const { then } = Promise.prototype; Promise.prototype.then = function (...args) { judge(this); judge(args); return then.apply(this,
      args) }; Promise.reject = function (e) { judge(e); judge(this) }; TypeError = function () { judge(new.target) }
    Object.defineProperty(Promise.prototype, 'constructor', { get() { judge(this); return judge } }); judge(import('x')); 0`,
    'import("y")',
    '(async () => { try { await import("z") } catch (error) { judge(error) } })()',
  ),
  each(
    'in code that shares its source with Node’s',
    `judge((0, eval)("import('x')//# sourceURL=node:internal/x"));
      judge(eval("import('x')//# sourceURL=glovebox:realm")); 0`,
  ),
  reachingMoat('import() near the stack limit', 'escapes', `judge(import('w').catch(judge)); judgeDepths(() => import('x')); 0`, '0'),
  reachingMoat(
    'import() near the stack limit, of objects and with attributes',
    'escapes',
    `
    judgeDepths(() => import({ toString() { return 'x' } })); judgeDepths(() => import('x', { with: { get type() { return 'json' } } }));
      judgeDepths(() => eval('import("x")')); judgeDepths(async () => { await import('x') }); judge(import('y')); 0`,
    '0',
  ),
  reachingMoat(
    'import() near the stack limit, in a call and while a result is read',
    'escapes',
    'var f = () => judgeDepths(() => import("x")); judge(import("y")); 0',
    { call: 'f', with: [] },
    '({ get a() { return f() } })',
    '({ then(g) { g(f()) } })',
  ),
])
