import { type Attack, attack, reachingMoat, type Step } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

/** The same sources in both contexts, the sibling first, then the attacker, then the sibling again. */
function shared(title: string, control: Attack['control'], ...sources: readonly string[]): Attack {
  const steps: Step[] = []
  for (const source of sources) steps.push({ peer: source }, source, { peer: source }, source)
  return attack(`${title}, from one source in two contexts`, control, ...steps)
}

describeEscapes('compiled code shared between contexts', [
  shared(
    'import()',
    'escapes',
    '{ const p = import("x"); judge(p); p.catch(judge) } 0',
    '(async () => { try { await import("y") } catch (error) { judge(error); throw error } })()',
  ),
  shared(
    'errors',
    'contained',
    `{ const error = new Error("m"); judge(error); judge(error.constructor); try { null.x } catch (caught) {
      judge(caught) } } 0`,
    'throw judge(new TypeError("m"))',
    'judge([]).x.y',
  ),
  shared(
    'literals and their boilerplates',
    'contained',
    `{ const make = () => ({ a: [1, { b: {} }], r: /x/g, f() {}, get g() { return {}
      }, [Symbol.iterator]: [] }); const one = make(), two = make(); judge(one); judge(two); one.a.push(judge) } 0`,
    'judge([[], {}, /y/g]); 0',
  ),
  shared(
    'template objects',
    'contained',
    '{ const tag = (strings) => strings; for (let i = 0; i < 3; i++) { const strings = tag`a${i}b`; judge(strings); judge(strings.raw) } } 0',
    'judge(((s) => s)`same`); 0',
  ),
  shared(
    'functions, classes and generators',
    'contained',
    `{ class A { static #p = {}; static get p() { return A.#p } static {
      judge(this) } #q() { return judge(new Error()) } q() { return this.#q() } } judge(A); judge(A.p); judge(new A().q());
      judge(function* () {}); judge(async () => 0); judge((() => 0).toString()) } 0`,
  ),
  shared(
    'eval and Function',
    'contained',
    `{ const text = "judge({}); judge(() => 0); (function inner() { return judge(this) })()";
      eval(text); (0, eval)(text); Function(text)(); judge(Function("a", "return [a]")({})) } 0`,
  ),
  shared(
    'eval and Function with import()',
    'escapes',
    '{ const text = "judge(import(\'z\')); 0"; eval(text); (0, eval)(text); Function(text)() } 0',
    '0',
  ),
  shared(
    'prepareStackTrace',
    'escapes',
    `Error.prepareStackTrace = (error, sites) => { judge(error); judge(sites);
      for (const site of sites) { judge(site.getThis()); judge(site.getFunction()); judge(String(site)) } return sites };
      judge(new Error("m").stack); null`,
    'judge(new TypeError("n").stack); 0',
    'delete Error.prepareStackTrace; 0',
  ),
  shared(
    'promises that wait on each other',
    'escapes',
    `{ const wait = async (n) => { await n; judge(new Error()); return judge({ n }) };
      Promise.all([wait(1), wait(Promise.resolve(2)), import("x").catch(judge)]).then(judge) } 0`,
    '(async () => { for await (const x of [1, Promise.resolve({})]) judge([x]); })()',
  ),
  shared(
    'WebAssembly',
    'contained',
    `{ const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1,
      1, 103, 0, 0, 10, 5, 1, 3, 0, 0, 11]); const m = new WebAssembly.Module(bytes), i = new WebAssembly.Instance(m); judge(m); judge(i);
      judge(i.exports.g); try { i.exports.g() } catch (error) { judge(error) } } 0`,
  ),
  shared('a source that does not parse', 'contained', 'judge([]', 'judge({}); let a b', 'judge({}); 0'),
  shared(
    'regular expressions and their last match',
    'contained',
    `if (typeof siblingSecret === 'object') /of the (sibling)/.exec(siblingSecret.token);
      else { /nothing/.exec('x'); for (const name of ['$1', 'lastMatch', '$&', 'input', '$_', 'lastParen', 'leftContext',
      'rightContext']) judge('glove' + (RegExp[name] === '' ? '' : 'box')); judge(Object.getOwnPropertyDescriptors(RegExp)) } 0`,
  ),
  shared(
    'registered symbols as keys of what both have',
    'contained',
    `{ const key = Symbol.for('planted');
      for (const holder of [key.constructor, Symbol.prototype, Object, globalThis, Math, Reflect]) { judge(holder[key] ?? holder); }
      globalThis[Symbol.for('mine')] = [judge] ; delete globalThis[Symbol.for('mine')] } 0`,
  ),
  attack(
    'what one context changes in its own intrinsics',
    'contained',
    `for (const holder of [Object.prototype, Function.prototype,
      Array.prototype, Promise.prototype, Error, Map.prototype, JSON, Math, RegExp, Intl, Symbol,
      Iterator.prototype]) holder.planted = judge; judge([]); 0`,
    {
      peer: `if (({}).planted || (() => 0).planted || [].planted || JSON.planted) throw new Error("planted"); judge(({}).planted ?? {});
      judge(new Map().planted ?? []); 0`,
    },
    { peer: '({ a: [1] })' },
    '0',
  ),
  attack(
    'what one context changes in its own intrinsics without a name',
    'contained',
    `{ Error.prepareStackTrace = (error, sites) => sites; const site = new Error().stack[0]; Error.prepareStackTrace = undefined
      globalThis.unnamed = [site, [].values().map((x) => x), Iterator.from({ next() {} }), new Intl.Segmenter().segment('a'), (function* () {})(),
        (async function* () {})(), ''.matchAll(/x/g), Promise.resolve(), async () => 0].map((each) => Object.getPrototypeOf(each)) } judge(unnamed); 0`,
    'for (const holder of unnamed) holder.planted = { realm: Function }; judge([]); 0',
    {
      peer: `{ Error.prepareStackTrace = (error, sites) => sites; const site = new Error().stack[0]; Error.prepareStackTrace = undefined
      for (const each of [site, [].values().map((x) => x), Iterator.from({ next() {} }), new Intl.Segmenter().segment('a'), ''.matchAll(/x/g), async () => 0])
        { judge(each); if (each.planted !== undefined) throw globalThis.planted = true } delete Error.prepareStackTrace } 0`,
    },
  ),
  reachingMoat(
    'errors at the stack limit, from one source in two contexts',
    'escapes',
    ...[
      'judgeDepths(() => { const e = new Error(); e.name = Symbol(); return [e, e.stack] }); 0',
      'judgeDepths(() => import("x")); judge(import("y")); 0',
    ].flatMap((source): Step[] => [{ peer: source }, source, { peer: source }, source]),
  ),
  attack(
    'a promise of one context that is pending while the other runs',
    'contained',
    `var open; var gate = new Promise((resolve) => {
      open = resolve }); gate.then((value) => { judge(value); judge(new Error()) }); judge(gate); 0`,
    { peer: 'Promise.resolve().then(() => judge([])).then(() => { throw new Error("in the sibling") }).catch(judge); 0' },
    'open({ get then() { judge(this); return undefined } }); 0',
    { peer: '0' },
    'gate',
  ),
])
