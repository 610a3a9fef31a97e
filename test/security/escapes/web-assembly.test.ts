import { attack, reachingMoat } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'
import { FIND_F } from '../support/foreign.ts'

/** Modules: `imports` calls its import `m.f` from its export `g`; `traps` runs into `unreachable`; `recurses` calls itself. */
const MODULES = `
var header = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0]
var imports = new Uint8Array([...header, 2, 7, 1, 1, 109, 1, 102, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 103, 0, 1, 10, 6, 1, 4, 0, 16, 0, 11])
var traps = new Uint8Array([...header, 3, 2, 1, 0, 7, 5, 1, 1, 103, 0, 0, 10, 5, 1, 3, 0, 0, 11])
var recurses = new Uint8Array([...header, 3, 2, 1, 0, 7, 5, 1, 1, 103, 0, 0, 10, 6, 1, 4, 0, 16, 0, 11])
var tell = function () { judge(this); judge(arguments); judge(new Error()); try { judge(arguments.callee.caller) } catch (error) {
      judge(error) } }
`

describeEscapes('WebAssembly', [
  attack(
    'modules, instances and all that they hold',
    'contained',
    MODULES,
    `const instance = new WebAssembly.Instance(new WebAssembly.Module(imports),
      { m: { f: tell } })
    judge(instance); judge(instance.exports); judge(instance.exports.g); judge(instance.exports.g.constructor); instance.exports.g();
      judge(WebAssembly.Module.imports(new WebAssembly.Module(imports))); judge(WebAssembly); 0`,
  ),
  attack(
    'errors of compiling and linking',
    'contained',
    MODULES,
    `for (const bad of [() => new WebAssembly.Module(new Uint8Array(3)),
      () => new WebAssembly.Module({}), () => new WebAssembly.Instance(new WebAssembly.Module(imports)),
    () => new WebAssembly.Instance(new WebAssembly.Module(imports), { m: {} }), () => new WebAssembly.Instance({}),
      () => new WebAssembly.Memory({ initial: 1e9 }), () => new WebAssembly.Table({ initial: -1, element: 'x' }),
      () => WebAssembly.Module()])
    { try { judge(bad()) } catch (error) { judge(error) } } 0`,
  ),
  attack(
    'compiling without waiting',
    'contained',
    MODULES,
    `Promise.allSettled([WebAssembly.compile(imports).then(judge),
      WebAssembly.compile(new Uint8Array(3)).catch(judge), WebAssembly.instantiate(imports, { m: { f: tell } }).then((r) => { judge(r);
      r.instance.exports.g() }),
    WebAssembly.instantiate(imports).catch(judge), WebAssembly.instantiate(1).catch(judge)]).then((all) => { judge(all) })`,
  ),
  attack(
    'compiling that settles in a later run',
    'contained',
    MODULES,
    `WebAssembly.compile(imports).then((m) => { judge(m);
      return judge(WebAssembly.instantiate(m, { get m() { judge(this); judge(new Error()); return { f: tell } } })) }).then((i) => {
      i.exports.g(); globalThis.done = true }); 0`,
    { repeat: '(async () => { await WebAssembly.compile(traps) })()', until: 'globalThis.done === true', times: 500 },
  ),
  attack(
    'compiling with tampered promises',
    'escapes',
    MODULES,
    `
    const { then } = Promise.prototype; Promise.prototype.then = function (...args) { judge(this); judge(args); return then.apply(this,
      args) }
    Object.defineProperty(Promise, Symbol.species, { get() { judge(this); return function (executor) { judge(executor);
      judge(new.target); executor(judge, judge) } } })
    Object.defineProperty(Object.prototype, 'then', { configurable: true, get() { judge(this); return undefined } });
      judge(WebAssembly.compile(imports)); judge(WebAssembly.instantiate(imports, { m: { f: tell } }))`,
    'WebAssembly.compile(traps)',
    '0',
  ),
  attack(
    'imports from a Proxy, a getter and a bound or foreign function',
    'contained',
    MODULES,
    `const module = new WebAssembly.Module(imports)
    for (const given of [new Proxy({}, { get(...args) { judge(args); judge(new Error()); return { f: tell } } }), { get m() {
      judge(this); return { get f() { judge(this); return new Proxy(function () {}, { apply(target, self, args) { judge(self);
      judge(args) } }) } } } }, { m: { f: tell.bind({}) } }, { m: { f: Function.prototype } }])
      { const { exports } = new WebAssembly.Instance(module, given); judge(exports); judge(exports.g()) } 0`,
  ),
  attack(
    'an import that throws through WebAssembly',
    'escapes',
    MODULES,
    `for (const thrown of [new Error('m'), {}, new Proxy({}, {
      get() { judge(arguments) } }), null])
    { try { new WebAssembly.Instance(new WebAssembly.Module(imports), { m: { f() { throw thrown } } }).exports.g() } catch (error) {
      judge(error); judge(error?.stack) } } judge([]); new WebAssembly.Instance(new WebAssembly.Module(imports), { m: { f() { throw {} } }
      }).exports.g()`,
  ),
  attack(
    'traps, and their stacks',
    'escapes',
    MODULES,
    `const { g } = new WebAssembly.Instance(new WebAssembly.Module(traps)).exports;
      try { g() } catch (error) { judge(error); judge(error.stack) }
    Error.prepareStackTrace = (error, sites) => { judge(error); judge(sites);
      for (const site of sites) for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(site))) try { judge(site[name]()) }
      catch (e) { judge(e) } return '' }
    try { g() } catch (error) { judge(error.stack) } g()`,
  ),
  attack(
    'tags, exceptions and the tag of JavaScript',
    'escapes',
    `const tag = new WebAssembly.Tag({ parameters: ['externref'] });
      const exception = new WebAssembly.Exception(tag, [{ get a() { judge(this) } }], { traceStack: true })
    judge(tag); judge(exception); judge(exception.getArg(tag, 0)); judge(exception.stack ?? []); judge(WebAssembly.JSTag ?? []); try {
      judge(new WebAssembly.Exception(WebAssembly.JSTag, [{}])) } catch (error) { judge(error) }
    try { judge(exception.is(WebAssembly.JSTag)); exception.getArg(tag, 9) } catch (error) { judge(error) } try { new WebAssembly.Tag({
      get parameters() { return new Proxy([], { get() { judge(arguments) } }) } }) } catch (error) { judge(error) } throw exception`,
  ),
  attack(
    'suspending and promising',
    'contained',
    MODULES,
    `judge([]); if (WebAssembly.Suspending) {
      const f = new WebAssembly.Suspending(async function () { judge(this); judge(arguments); await 0; judge(new Error());
      throw judge({}) }); judge(f)
    const { g } = new WebAssembly.Instance(new WebAssembly.Module(imports), { m: { f } }).exports; const p = WebAssembly.promising(g);
      judge(p); judge(p()); p().catch(judge) }`,
  ),
  attack(
    'tables, globals and memories',
    'contained',
    MODULES,
    `const table = new WebAssembly.Table({ initial: 2, element: 'anyfunc' });
      const { g } = new WebAssembly.Instance(new WebAssembly.Module(traps)).exports; table.set(0, g); judge(table.get(0));
      judge(table.get(1)); judge(table)
    const global = new WebAssembly.Global({ value: 'externref', mutable: true }, { deep: {} }); judge(global.value);
      global.value = new Proxy({}, {}); judge(global.value); judge(global.valueOf)
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 }); const before = memory.buffer; memory.grow(1); judge(before);
      judge(memory.buffer); judge(memory); try { judge(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer) }
      catch (error) { judge(error) } 0`,
  ),
  attack(
    'results that are WebAssembly’s',
    'contained',
    MODULES,
    'judge([]); new WebAssembly.Module(traps)',
    'new WebAssembly.Instance(new WebAssembly.Module(traps))',
    'new WebAssembly.Instance(new WebAssembly.Module(traps)).exports',
    'new WebAssembly.Memory({ initial: 0 })',
    'new WebAssembly.Memory({ initial: 1 }).buffer',
    'throw new WebAssembly.Module(traps)',
  ),
  reachingMoat(
    'recursion in WebAssembly, and what its imports do at the limit',
    'escapes',
    MODULES,
    `const { g }
      = new WebAssembly.Instance(new WebAssembly.Module(recurses)).exports; try { g() } catch (error) { judge(error) }
    const kept = { __proto__: null, length: 0 }; const inner = new WebAssembly.Instance(new WebAssembly.Module(imports), { m: { f() {
      judgeDepths(() => { const e = new Error(); e.name = Symbol(); return [import('x'), e.stack] }) } } }).exports; inner.g(); g()`,
  ),
  attack(
    'streaming, by every name',
    'escapes',
    `for (const name of ['compileStreaming', 'instantiateStreaming']) {
      judge(Reflect.getOwnPropertyDescriptor(WebAssembly, name) ?? []); try { judge(WebAssembly[name]({ get then() { judge(new Error()) }
      })) } catch (error) { judge(error) } } 0`,
    '0',
  ),
  reachingMoat(
    'streaming, of the moat',
    'escapes',
    `var F; ${FIND_F}`,
    `judge(F ?? []); if (F) for (const name of ['compileStreaming', 'instantiateStreaming']) { judge(F);
      const streaming = F('name', 'return WebAssembly[name]')(name); if (streaming === undefined) continue
    for (const source of [1, Promise.resolve({}), { then(f) { judge(f); f({}) } }, new Proxy({}, { get(target, key) { judge(arguments);
      return undefined }, getPrototypeOf() { judge(new Error()); return null } })]) { const p = streaming(source); judge(p); p.then(judge,
      judge) }
    judgeDepths(() => streaming(1), 30, 2) } 0`,
    {
      repeat:
        '(async () => { globalThis.turns = (globalThis.turns ?? 0) + 1; await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])) })()',
      until: 'turns === 20',
      times: 20,
    },
  ),
])
