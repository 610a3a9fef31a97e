import { attack } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

/** Names that hosts tend to leave in a realm, beyond the web globals. None may be there. */
const HOST_NAMES = `process require module exports global Buffer fetch
 navigator MessageChannel BroadcastChannel Worker Blob
 localStorage WebSocket CompressionStream internalBinding primordials gc print load read quit d8 ShadowRealm
 __filename __dirname arguments`

describeEscapes('global object and this', [
  attack('constructor of this', 'escapes', 'judge(this.constructor); 0'),
  attack('constructor as a free name', 'escapes', 'judge(constructor); judge(valueOf); 0'),
  attack(
    'this of a sloppy function, of eval, of Function',
    'escapes',
    `
    judge((function () { return this })().constructor); judge((0, eval)('this').toString);
      judge(Function('return this')().hasOwnProperty); 0`,
  ),
  attack(
    'prototypes of the global object, by every way there is',
    'escapes',
    `
    judge(this.__proto__); judge(Object.getPrototypeOf(globalThis)); judge(Object.prototype.__lookupGetter__('__proto__').call(this))
    judge(Object.prototype.__lookupSetter__('__proto__')); for (let o = globalThis; o; o = Object.getPrototypeOf(o)) judge(o); 0`,
  ),
  attack(
    'a getter that the host reads',
    'escapes',
    `
    this.__defineGetter__('trap', function () { judge(this); judge(arguments); try { judge(arguments.callee.caller) } catch (e) {
      judge(e) } })`,
    { get: 'trap' },
    { globals: true },
  ),
  attack(
    'a setter that the host writes to',
    'escapes',
    `
    Object.defineProperty(globalThis, 'slot', { configurable: true, set(value) { judge(value); judge(this); judge(arguments) } }); 0`,
    { set: 'slot', to: { deep: [new Map()] } },
    'judge(globalThis.slot); judge([]); 0',
  ),
  attack(
    '__defineSetter__ on Object.prototype',
    'escapes',
    `
    Object.prototype.__defineSetter__('inherited', function (value) { judge(value); judge(this) }); 0`,
    { set: 'inherited', to: { a: 1 } },
    { set: 'holder', to: { inherited: { b: 1 } } },
    'judge(holder); judge([]); 0',
  ),
  attack(
    'a Proxy as prototype of the global object',
    'contained',
    `
    const traps = new Proxy({}, { get: (_, name) => function (...args) { judge(args); judge(arguments); judge(new Error(name))
      return name === 'has' ? false : name === 'get' ? judge : Reflect[name](...args) } })
    try { Object.setPrototypeOf(globalThis, new Proxy({}, traps)) } catch (error) { judge(error) }
    try { Object.setPrototypeOf(Object.prototype, new Proxy({}, traps)) } catch (error) { judge(error) } 0`,
    { get: 'absent' },
    { set: 'absent', to: [{}] },
    { get: 'absent.deep' },
    { delete: 'absent' },
    { globals: true },
    { call: 'absent.f', with: [{}] },
    'judge(globalThis.absent); 0',
  ),
  attack(
    'a global object with another globalThis, Object and Reflect',
    'escapes',
    `
    for (const name of ['globalThis', 'Object', 'Reflect', 'eval', 'TypeError'])
      Object.defineProperty(globalThis, name, { get() { judge(this); judge(new Error()); return new Proxy(function () {}, {
        get(target, key, receiver) { judge(receiver); return function () { judge(arguments); judge(this) } },
        apply(target, self, args) { judge(self); judge(args) } }) }, configurable: true }); judge([]); 0`,
    { get: 'x' },
    { set: 'x', to: 1 },
    { globals: true },
    { delete: 'x' },
  ),
  attack('arguments of a call', 'escapes', 'function f() { judge(arguments); judge(this); judge(arguments[0]) } 0', {
    call: 'f',
    with: [{ a: [1] }],
  }),
  attack(
    'caller and arguments, the legacy way',
    'contained',
    `
    function legacy() { judge(arguments); for (let f = legacy, n = 0; f && n < 20; f = f.caller, n++) { judge(f); judge(f.arguments) }
      return {} }
    Object.defineProperty(globalThis, 'viaGetter', { get: legacy, set: legacy, enumerable: true, configurable: true }); 0`,
    { call: 'legacy', with: [] },
    { get: 'viaGetter' },
    { set: 'viaGetter', to: 1 },
    { globals: true },
    '({ get value() { return legacy() } })',
  ),
  attack(
    'this of a call by path',
    'contained',
    `
    var outer = { inner: { f() { 'use strict'; judge(this); judge(new Error('here')) } } }
    Object.defineProperty(outer, 'read', { get() { judge(this); judge(arguments); return { f() { judge(this) } } } }); 0`,
    { call: 'outer.inner.f', with: [] },
    { call: 'outer.read.f', with: [] },
    { get: 'outer.read' },
  ),
  attack(
    'a Proxy that is called',
    'escapes',
    `
    var f = new Proxy(function () {}, { apply(target, self, args) { judge(args); judge(args.constructor); judge(self) } }); 0`,
    { call: 'f', with: [1] },
  ),
  attack(
    'every global, and what it gives when it is read',
    'contained',
    `
    for (const key of Reflect.ownKeys(globalThis)) { try { judge(globalThis[key]); judge(Object(globalThis[key]).prototype) }
      catch (error) { judge(error) } } 0`,
  ),
  attack(
    'globals of hosts',
    'contained',
    `
    for (const name of ${JSON.stringify(HOST_NAMES.split(/\s+/))}) {
      try { if (typeof (0, eval)(name) !== 'undefined') judge('node: ' + name) } catch (error) { judge(error) } } judge([]); 0`,
  ),
])
