import { type Attack, reachingMoat, type Step } from '../support/attack.ts'
import { collecting } from '../support/collecting.ts'
import { describeEscapes } from '../support/escapes.ts'
import { FIND_F } from '../support/foreign.ts'

/** Attacks from inside the foreign realm that code at the stack limit gets hold of. */
const inside = (title: string, ...steps: readonly Step[]): Attack =>
  reachingMoat(
    title,
    'escapes',
    `var F; ${FIND_F}`,
    'judge(F ?? []); var inF = (code, ...args) => F("a", "b", code)(...args); typeof F',
    ...steps,
  )

/** Guest code for the sibling, with `F` and `inF` of its own, that leaves no names behind. */
const peer = (code: string): Step => ({
  peer: `(async () => { let F; await ${FIND_F}; const inF = (code, ...args) => F('a', 'b', code)(...args); if (F) { ${code} } })()`,
})

/**
 * The sibling plants something of its own in an object of the foreign realm; the attacker looks for it.
 * Then it is taken out, for the cases that follow in this worker.
 */
const planted = (title: string, expression: string): Attack => {
  const holder = `const holder = (${expression}), before = Object.getPrototypeOf(holder), plant = { realm: Function }`
  return inside(
    `planting in ${title}`,
    peer(
      `${holder}; Reflect.defineProperty(holder, 'planted', { value: plant, configurable: true }); try { holder.assigned = plant } catch {}`,
    ),
    `{ ${holder}; judge(holder); judge(holder.planted ?? []); judge(holder.assigned ?? []) } 0`,
    peer(`${holder}; delete holder.planted; delete holder.assigned; Reflect.setPrototypeOf(holder, plant); plant.before = before`),
    `{ ${holder}; judge(before ?? []) } 0`,
    peer(`${holder}; if (before?.before) Reflect.setPrototypeOf(holder, before.before)`),
  )
}

describeEscapes('inside the foreign realm', [
  inside(
    'its globals and all that they reach',
    'for (const key of inF("return Reflect.ownKeys(this)")) judge(inF("return this[a]", key)); 0',
  ),
  inside(
    'objects that its code makes',
    `for (const code of ['[]', '{}', 'new Map()', 'new Error()', 'Promise.resolve()', 'async () => 0',
      'function* () {}', 'async function* () {}', 'class {}', 'new Proxy({}, {})', '/x/', 'new Date()',
      'new Intl.Segmenter().segment("a")', 'new WebAssembly.Memory({ initial: 0 })', 'new Uint8Array(1)', 'Temporal.Now.instant()',
      'new DisposableStack()', 'arguments', 'Symbol.prototype', 'console', 'new WeakRef({})', 'Iterator.from([])', 'import("x")', 'eval'])
    try { const made = inF('return (' + code + ')'); judge(made); for (let o = made; o; o = Object.getPrototypeOf(o)) judge(o) }
      catch (error) { judge(error) } 0`,
  ),
  inside(
    'declaring and assigning globals there',
    peer(`for (const code of ['siblingGlobal = a', 'var siblingGlobal = a',
      'eval("var siblingGlobal = a")', '(0, eval)("var siblingGlobal = 1; function siblingF() {} let siblingL")',
      'Object.defineProperty(this, "siblingGlobal", { value: a })', 'this.__proto__ = a', 'Object.prototype.siblingGlobal = a',
      'this.Object = a', 'Object.setPrototypeOf(Object.prototype, a)', 'globalThis = a', 'undefined = a'])
    try { F('a', code)({ realm: Function }) } catch {}`),
    `for (const name of ["siblingGlobal", "siblingF", "siblingL", "undefined",
      "globalThis", "Object", "__proto__"]) try { judge(inF("return eval(a)", name)) } catch (error) { judge(error) } 0`,
  ),
  planted('its helper of iterators', 'inF("return Reflect.getPrototypeOf([].values().map((x) => x))")'),
  planted('its wrapper of iterators', 'inF("return Reflect.getPrototypeOf(Iterator.from({ next() {} }))")'),
  planted('its segments', 'inF("return Reflect.getPrototypeOf(new Intl.Segmenter().segment(String()))")'),
  planted('its iterator of segments', 'inF("return Reflect.getPrototypeOf(new Intl.Segmenter().segment(String())[Symbol.iterator]())")'),
  planted('its iterator of matches', 'inF("return Reflect.getPrototypeOf(String().matchAll(/x/g))")'),
  planted('its concatenated iterator', 'inF("return Iterator.concat ? Reflect.getPrototypeOf(Iterator.concat([])) : Iterator")'),
  planted('its generators', 'inF("return Reflect.getPrototypeOf((function* () {}).prototype)")'),
  planted('its asynchronous generators', 'inF("return Reflect.getPrototypeOf((async function* () {}).prototype)")'),
  planted('its asynchronous iterators', 'inF("return Reflect.getPrototypeOf(Reflect.getPrototypeOf((async function* () {}).prototype))")'),
  planted('its constructors of asynchronous functions', 'inF("return (async () => 0).constructor")'),
  planted('its thrower of type errors', "inF(\"'use strict'; return Reflect.getOwnPropertyDescriptor(arguments, 'callee').get\")"),
  planted(
    'its call sites',
    `((Error.prepareStackTrace = (error, sites) => sites), Object.getPrototypeOf(inF("return new Error()").stack[0]))`,
  ),
  planted('its template objects', 'inF("return ((s) => s)`x`")'),
  planted(
    'its promise that import() hands out',
    `(() => { const found = []; const climb = () => { let room = 0; try { room = climb() }
      catch (e) { found.push(e) } if (room < 120) { try { found.push(import("x")) } catch (e) { found.push(e) } } return room + 1 };
      climb(); climb(1); climb(1, 2); return found.find((p) => typeof p.then === "function" && !(p instanceof Promise)) ?? [] })()`,
  ),
  planted('its console', 'inF("return console")'),
  planted('its WebAssembly', 'inF("return WebAssembly.Module.prototype")'),
  inside(
    'the last match of its RegExp',
    peer(`F('a', 'return /of the (sibling)/.exec(a)')(siblingSecret.token)`),
    `for (const name of ['$1',
      'lastMatch', 'input', 'leftContext']) if (inF('return RegExp[a]',
      name)?.includes('sibling')) judge('node: what the sibling matched'); 0`,
  ),
  inside(
    'its finalization registry: callbacks outside of any run',
    `var ran = F ? 0 : 1; if (F) {
      const Registry = inF('return typeof FinalizationRegistry === "function" ? FinalizationRegistry : undefined');
      if (Registry === undefined) ran = 1
    else { globalThis.registry = new Registry(() => { ran++; judge(import('x')); let asked = false; Error.prepareStackTrace = () => {
      asked = true }; void new Error().stack; Error.prepareStackTrace = undefined;
      if (!asked) judge('node: runs without a realm that was entered, and so without a deadline') }); for (let i = 0; i < 50;
      i++) registry.register({}, i) } } 0`,
    collecting('ran > 0'),
  ),
  inside(
    'its finalization registry: the stack in a callback',
    `var ran = F ? 0 : 1; if (F) {
      const Registry = inF('return typeof FinalizationRegistry === "function" ? FinalizationRegistry : undefined');
      if (Registry === undefined) ran = 1
    else { Object.defineProperty(Object.prototype, 'toString', { value() { judge(this); judge(arguments); return '' } });
      globalThis.registry = new Registry(() => { ran++; const error = new Error('m'); judge(error.stack); Error.prepareStackTrace = (e,
      sites) => { judge(sites); return '' }; judge(new Error('n').stack) }); for (let i = 0; i < 50; i++) registry.register({}, i) } } 0`,
    collecting('ran > 0'),
  ),
  inside(
    'its promises and asynchronous functions',
    `var p = inF("return Promise.resolve({})"); judge(p.then(judge));
      Promise.prototype.then.call(p, judge); judge(inF("return (async () => { await 0; return a(import(String())) })()", judge));
      judge(inF("return Promise.all([a, Promise.reject({})])", p)); 0`,
    '(async () => { inF("a.then(b)", p, judge); judge(await Promise.race([p, null])) })()',
    '0',
  ),
  inside(
    'its eval, and import() of its code',
    `judge(inF("return (0, eval)(a)", "import('node:fs')")); judge(inF("return eval(a)",
      "import('node:fs')")); judge(inF("return import('node:fs')")); judgeDepths(() => inF("return import('x')")); 0`,
    '0',
  ),
  inside(
    'its errors and their stacks',
    `judge(inF("return new Error(a).stack", "m"));
      judge(inF("const o = {}; Error.captureStackTrace(o); return o.stack")); Error.prepareStackTrace = (error, sites) => { judge(error);
      judge(sites); for (const site of sites) { judge(site.getThis()); judge(site.getFunction()); judge(String(site)) } return "" };
      judge(inF("return new TypeError(a).stack", "m")); judge(inF("try { null.x } catch (error) { return error.stack }")); 0`,
    'throw inF("return new Error(a)", "thrown")',
  ),
  inside(
    'its constructors with a hostile newTarget',
    `const Target = new Proxy(function () {}, { get(target, key, receiver) {
      judge(arguments); judge(new Error()); return undefined } }); for (const name of ["Map", "Error", "Function", "Promise", "Proxy",
      "Uint8Array", "WeakRef", "Date"]) try { judge(Reflect.construct(inF("return this[a]", name),
      [name === "Promise" ? judge : name === "WeakRef" ? {} : undefined], Target)) } catch (error) { judge(error) } 0`,
  ),
  inside(
    'its values as results',
    'inF("return { a: [new Map([[1, {}]])] }")',
    '[inF("return []"), inF("return new Error()")]',
    'throw inF("return { get message() { throw this } }")',
    // Jobs of that realm never run.
    ...['inF("return Promise.resolve({})")', 'inF("return { then(f) { f({}) } }")', '({ then: inF("return (f) => f(a)", {}) })'].map(
      (run) => ({ run, timeout: 25 }),
    ),
  ),
  inside(
    'its waits and its WebAssembly',
    `{ const words = new Int32Array(new SharedArrayBuffer(4));
      judge(inF("return Atomics.waitAsync(a, 0, 0, 1).value", words));
      judge(inF("return WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))"));
      judge(inF("return WebAssembly.instantiate(1)")) } 0`,
    '(async () => { await Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3).value })()',
  ),
  inside(
    'a loop in its code',
    {
      run: `try { inF("try { for (;;); } catch (error) { a(error) } finally { a({}) }", judge) }
      catch (error) { judge(error) }`,
      timeout: 25,
    },
    'judge(F); 0',
  ),
])
