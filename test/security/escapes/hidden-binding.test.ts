import { WEB_NAMES } from '../../support/web-names.ts'
import { attack } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

describeEscapes('our hidden binding, and console', [
  attack(
    'names of the global object and all that hangs on it',
    'contained',
    `
    const seen = new Set(); const walk = (o, n) => { if (Object(o) !== o || seen.has(o) || n > 6) return; seen.add(o);
      for (const key of Reflect.ownKeys(o)) { judge(String(key)); const d = Reflect.getOwnPropertyDescriptor(o, key); walk(d.value,
      n + 1); walk(d.get, n + 1); walk(d.set, n + 1) } walk(Reflect.getPrototypeOf(o), n + 1) }
    walk(globalThis, 0); for (const f of [function* () {}, async () => 0, async function* () {}]) walk(f, 0); 0`,
  ),
  attack(
    'the source text of every function',
    'contained',
    `
    const seen = new Set(); const walk = (o, n, web) => {
      if (Object(o) !== o || seen.has(o) || n > 6 || o === judge || o === judgeDepths || o === report) return; seen.add(o);
      if (typeof o === 'function') { const text = Function.prototype.toString.call(o);
      if (!text.includes('[native code]')) judge(web ? text : 'node: ' + text) }
      for (const key of Reflect.ownKeys(o)) { const d = Reflect.getOwnPropertyDescriptor(o, key); walk(d.value, n + 1, web); walk(d.get,
      n + 1, web); walk(d.set, n + 1, web) } walk(Reflect.getPrototypeOf(o), n + 1, web) }
    for (const key of Reflect.ownKeys(globalThis)) globalThis[key]
    judge([]); for (const key of ${JSON.stringify(WEB_NAMES)}) { const d = Reflect.getOwnPropertyDescriptor(globalThis, key) ?? {};
      walk(globalThis[key], 0, true); walk(d.get, 0, true); walk(d.set, 0, true) }
    for (const key of Reflect.ownKeys(globalThis)) walk(globalThis[key], 0, false); 0`,
  ),
  attack(
    'names that a bundle has',
    'contained',
    `
    for (const name of ['realm', 'record', 'step', 'entry', 'createRealm', 'encoder', 'decoder', 'writer', 'reader', 'hooks',
      'formatStack', 'glovebox', 'glovebox_', '_glovebox', '__toESM', 'exports', 'module', 'realmGlobal', 'indirectEval', 'settled',
      'waiting', 'Op', 'Status', 'CodecError', 'MsgpackWriter', 'moat', 'refused', '_', '$', 'global', 'self', 'window', 'entry0'])
      for (const look of [eval, (0, eval), (code) => Function('return ' + code)()]) { try {
      judge('node: ' + typeof look(name) + look('(' + name + ', 1)')) } catch (error) { judge(error);
      if (!/not defined/.test(error.message)) judge('node: ' + error.message) } } 0`,
  ),
  attack(
    'names caught by with and by a Proxy as prototype',
    'contained',
    `
    const names = []; const trap = new Proxy({}, { has(target, key) { names.push(String(key)); judge(new Error()); return false },
      get(target, key) { names.push(String(key)); judge(arguments); return undefined } })
    Function('trap', 'with (trap) { try { glovebox } catch (error) { judge(error) } }')(trap); names.length = 0; try {
      Object.setPrototypeOf(Object.prototype, trap) } catch (error) { judge(error) } try { Object.setPrototypeOf(globalThis, trap) }
      catch (error) { judge(error) }
    var namesSeen = () => { for (const name of names) judge(name); judge([]) }; 0`,
    '({ a: 1 })',
    { get: 'x' },
    { set: 'x', to: {} },
    '(async () => 1)()',
    'throw new Error()',
    'namesSeen(); 0',
  ),
  attack(
    'the evaluated name of a get(), from inside',
    'escapes',
    `var lied = 0; globalThis.texts = []
    var trap = new Proxy({}, { has(target, key) { if (key !== 'absent') return false; return lied++ > 0 }, get(target, key, receiver) {
      if (key !== 'absent') return undefined; const { stack } = new Error('inside'); texts.push(stack)
      Error.prepareStackTrace = (error, sites) => { for (const site of sites) { for (const name of ['getEvalOrigin',
      'getScriptNameOrSourceURL', 'toString', 'getFunctionName']) { const text = site[name]();
      if (typeof text === 'string') texts.push(text) } judge(site.getFunction()); judge(site.getThis()) } return '' }; new Error().stack;
      delete Error.prepareStackTrace; return {} } })
    try { Object.setPrototypeOf(globalThis, trap) } catch (error) { judge(error) } judge([]); 0`,
    { get: 'absent' },
    { get: 'absent' },
    'for (const text of texts) judge(text); 0',
  ),
  attack(
    'redeclaring and shadowing',
    'contained',
    `judge([]); const glovebox = judge; let realm = {}; var record = {}; function step() {
      judge(arguments) } class Op {} 0`,
    '({ glovebox })',
    { get: 'realm' },
    { call: 'step', with: [] },
    { set: 'record', to: [{}] },
    'const glovebox = 2; 0',
    'judge(glovebox); 0',
  ),
  attack(
    'messages of errors',
    'contained',
    `for (const bad of [() => absent, () => absent(), () => null.box, () => eval('let a; let a'),
      () => undefined(), () => ({}).x(), () => { 'use strict'; undeclared = 1 }, () => new absent()]) { try { bad() } catch (error) {
      judge(error.message); judge(error.stack.split(String.fromCharCode(10))[0]); judge(error) } } 0`,
  ),
  attack(
    'the step that calls in, at the end of its stack',
    'contained',
    `var depth = 0; var keep = []; Object.defineProperty(globalThis,
      'slot', { configurable: true, enumerable: true, get() { const f = () => { try { f() } catch (error) { keep.push(error) } }; f();
      throw keep[0] } }); judge([]); 0`,
    { get: 'slot' },
    { globals: true },
    { get: 'slot.x' },
    'for (const error of keep.slice(0, 20)) { judge(error); judge(error.stack) } 0',
  ),
  attack(
    'console and its methods',
    'contained',
    `judge(console); for (const key of Reflect.ownKeys(console)) { judge(console[key]); if (typeof console[key] !== 'function') continue
    const hostile = new Proxy({}, { get(target, name) { judge(arguments); judge(new Error()); return undefined }, ownKeys() {
      judge(new Error()); return [] } }); try { judge(console[key](hostile, hostile)) } catch (error) { judge(error) }
    try { judge(new console[key](hostile)) } catch (error) { judge(error) } try { judge(Reflect.construct(Object, [], console[key])) }
      catch (error) { judge(error) } } 0`,
  ),
  attack(
    'console contexts and tasks',
    'contained',
    `judge([]); for (const make of ['context', 'createTask']) {
      if (typeof console[make] !== 'function') continue; try { const made = console[make]('name'); judge(made);
      for (const key of Reflect.ownKeys(made)) judge(made[key]); judge(made.run?.(() => judge(new Error()))) } catch (error) {
      judge(error) } } 0`,
  ),
  attack(
    'console with prototypes tampered',
    'contained',
    `for (const name of ['log', 'value', 'get', 'toString',
      'toJSON']) Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true, get() { judge(this);
      return undefined }, set() { judge(arguments) } }); judge([])
    console.log({ toString() { judge(this) } }, '%s %o', { [Symbol.toPrimitive]() { judge(arguments) } }); console.table([{ get a() {
      judge(this) } }]); console.dir(new Error('m')); console.trace('t'); console.time(); console.timeEnd(); console.assert(false, {});
      console.group({}); console.count({ toString() { judge(this); return 'x' } }); 0`,
  ),
  attack(
    'debugger, comments that name sources, and unknown syntax',
    'contained',
    `debugger; judge([]); //# sourceURL=glovebox:realm
    //# sourceMappingURL=data:application/json,{}`,
    'eval("debugger; judge(new Error()) //# sourceURL=glovebox:step"); 0',
    'try { eval("%DebugPrint(judge)") } catch (error) { judge(error) } 0',
    'judge(new Error("named")); //# sourceURL=x.js',
  ),
])
