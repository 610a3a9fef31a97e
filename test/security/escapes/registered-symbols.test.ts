import { attack, type Step } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

/** Registered symbols that Node or libraries look up. */
const NAMES = `nodejs.util.inspect.custom nodejs.util.promisify.custom nodejs.util.promisify.customArgs nodejs.rejection nodejs.dispose
 nodejs.asyncDispose nodejs.event_target nodejs.worker_threads.clone nodejs.webstream.kControllerErrorFunction nodejs.stream.destroyed
 nodejs.stream.errored nodejs.stream.readable nodejs.stream.writable nodejs.stream.disturbed nodejs.webstream.isClosedPromise
 nodejs.net.autoSelectFamily node:events.kCapture vm_dynamic_import_default_internal vm_context_no_contextify undici.globalDispatcher.1
 inspect deno.inspect Deno.customInspect Deno.internal react.element jest-symbol-do-not-touch observable util.inspect.custom glovebox`.split(
  /\s+/,
)

const EVERYWHERE: readonly Step[] = [
  'held',
  '[held]',
  '({ held })',
  'Promise.resolve(held)',
  'throw held',
  'Promise.reject(held); 0',
  '(async () => { throw held })()',
  { get: 'held' },
  { globals: true },
  { call: 'give', with: [] },
]
const hook = (target: string): string => `
var symbols = ${JSON.stringify(NAMES)}.map((name) => Symbol.for(name))
var tell = function () { judge(this); judge(arguments); judge(new.target); for (const argument of arguments) judge(argument);
      return this }
var held = ${target}; for (const symbol of symbols) try { Object.defineProperty(held, symbol, { value: tell, configurable: true,
      enumerable: true }) } catch (error) { judge(error) }
var give = () => held; judge([]); 0`

describeEscapes('registered symbols', [
  attack('on an object', 'escapes', hook('{ a: 1 }'), ...EVERYWHERE),
  attack('on an array', 'escapes', hook('[1, 2]'), ...EVERYWHERE),
  attack('on an error', 'escapes', hook('new Error("m")'), ...EVERYWHERE),
  attack('on a Map', 'escapes', hook('new Map([[1, 2]])'), ...EVERYWHERE),
  attack('on a promise', 'escapes', hook('Promise.resolve(3)'), ...EVERYWHERE),
  attack('on a function', 'escapes', hook('function held() {}'), ...EVERYWHERE),
  attack(
    'on a Proxy, which sees which are asked for',
    'contained',
    `var judged = 0; var held = new Proxy({}, { get(target, key,
      receiver) { judged++; judge(arguments); return typeof key === 'symbol' && Symbol.keyFor(key) ? judge : undefined }, has() {
      judge(arguments); return false } }); var give = () => held; judge([]); 0`,
    ...EVERYWHERE,
  ),
  attack(
    'on Object.prototype',
    'escapes',
    hook('Object.prototype'),
    '({})',
    '[new Map(), new Error("e")]',
    'throw new Error("m")',
    { set: 'given', to: { a: [1] } },
    '(async () => { throw {} })()',
    'Promise.reject(new Error("r")); 0',
    { get: 'given' },
  ),
  attack(
    'on the prototypes of errors, promises and functions',
    'escapes',
    hook('Error.prototype'),
    hook('Promise.prototype'),
    hook('Function.prototype'),
    'throw new TypeError("m")',
    'Promise.resolve({})',
    'Promise.reject(new Error("r")); 0',
    '({ f: new Error("in") })',
    { set: 'given', to: new Error('x') },
  ),
  attack(
    'on the global object',
    'escapes',
    hook('globalThis'),
    'globalThis',
    { globals: true },
    { get: 'globalThis' },
    'throw globalThis',
    '[globalThis]',
  ),
  attack(
    'as getters',
    'escapes',
    `${hook('{}')}; for (const symbol of symbols) Object.defineProperty(held, symbol, { get() { judge(this);
      judge(new Error()); return tell } }); 0`,
    ...EVERYWHERE,
  ),
  attack(
    'registered symbols as values and keys',
    'contained',
    `judge([]); symbols = ${JSON.stringify(NAMES)}.map((name) => judge(Object(Symbol.for(name)))); symbols`,
    '({ list: [Symbol.iterator, Symbol.asyncDispose], [Symbol.for("x")]: judge({}) })',
    { globals: true },
  ),
])
