import { attack } from '../support/attack.ts'
import { SITES } from '../support/call-sites.ts'
import { describeEscapes } from '../support/escapes.ts'

/** While one stack is formatted, V8 formats another by itself: a case of its own. */
const LOOK = 'if (!preparing) judge(new Error("m").stack);'
/** Where host code is below the guest's, for the one that looks down the stack. */
const ALL_WAYS = (look: string): string => `
Object.defineProperty(globalThis, 'viaGetter', { configurable: true, enumerable: true, get() { ${look} return {} }, set() { ${look} } })
var viaCall = function () { ${look} return { get read() { ${look} return { then(f) { ${look} f(1) } } } } }
var viaPromise = async () => { await 0; ${look} return { get late() { ${look} return 1 } } }; 0`
const EACH_WAY = [
  { get: 'viaGetter' },
  { set: 'viaGetter', to: {} },
  { globals: true as const },
  { call: 'viaCall', with: [1] },
  'viaPromise()',
  'viaCall()',
  'throw viaCall()',
  { call: 'viaPromise', with: [] },
]

describeEscapes('stack API', [
  attack(
    'the text of a stack, taken wherever the host calls',
    'escapes',
    ALL_WAYS('judge(new Error("m").stack); judge(new Error("m")); const o = {}; Error.captureStackTrace(o); judge(o.stack);'),
    ...EACH_WAY,
  ),
  attack(
    'prepareStackTrace, wherever the host calls',
    'escapes',
    SITES,
    'Error.prepareStackTrace = prepare; 0',
    ALL_WAYS(LOOK),
    ...EACH_WAY,
  ),
  attack(
    'prepareStackTrace with no limit of frames',
    'escapes',
    SITES,
    'Error.prepareStackTrace = prepare; Error.stackTraceLimit = Infinity; 0',
    ALL_WAYS(LOOK),
    ...EACH_WAY,
  ),
  {
    // V8 formats by itself, without asking anyone, a stack that is asked for while another one is formatted: names of frames of ours show. No path, no object. See SECURITY.md.
    ...attack(
      'a stack formatted while another one is',
      'escapes',
      `Error.prepareStackTrace = () => { judge(new TypeError('nested').stack);
      return '' }; Error.stackTraceLimit = Infinity; 0`,
      ALL_WAYS('new Error("m").stack;'),
      ...EACH_WAY,
    ),
    knownLeak: 'ESCAPED:text',
  },
  attack(
    'prepareStackTrace as a getter',
    'contained',
    SITES,
    `Object.defineProperty(Error, 'prepareStackTrace', { get() { judge(this);
      judge(arguments); judge(arguments.callee.caller); return prepare } }); judge(new Error('m').stack); 0`,
  ),
  attack(
    'prepareStackTrace as a Proxy',
    'escapes',
    SITES,
    `
    Error.prepareStackTrace = new Proxy(prepare, { apply(target, self, args) { judge(args); judge(self); judgeSites(args[1]);
      return args }, get() { judge(arguments) } }); judge(new Error('m').stack); null.x`,
  ),
  attack(
    'prepareStackTrace inherited',
    'escapes',
    SITES,
    `
    for (const holder of [Object.prototype, Function.prototype, Error.prototype, TypeError,
      Object.getPrototypeOf(Error)]) holder.prepareStackTrace = prepare; judge(new Error('m').stack); judge(new TypeError('m').stack);
      judge({ sites: 1 }); 0`,
    '(async () => { null.x })()',
  ),
  attack(
    'prepareStackTrace that returns or throws hostile things',
    'contained',
    `
    Error.prepareStackTrace = () => { throw { get message() { judge(this); judge(new Error()) } } }; try { judge(new Error('m').stack) }
      catch (error) { judge(error) }
    Error.prepareStackTrace = () => ({ split(by) { judge(arguments); judge(this); return [] }, toString() { judge(arguments) },
      get length() { judge(this) } }); judge(new Error('m').stack); throw new Error('told by the host')`,
    'new Error("returned")',
    'Promise.reject(new Error("rejected"))',
  ),
  attack(
    'a name that is no text',
    'escapes',
    `
    for (const name of [Symbol(), { toString() { judge(this); judge(new Error()); throw 1 } }, { get [Symbol.toPrimitive]() {
      judge(this); return null } }, Object.create(null), new Proxy({}, { get() { judge(arguments); throw 1 } })]) {
      const error = new Error('m'); error.name = name; try { judge(error.stack) } catch (caught) { judge(caught) } } 0`,
  ),
  attack(
    'a message that is no text',
    'escapes',
    `
    for (const message of [Symbol(), { toString() { judge(this); throw new Error() } }, new Proxy({}, { get() { judge(arguments);
      throw 1 } })]) {
      const error = new Error(); Object.defineProperty(error, 'message', { get() { judge(this); return message } });
      Error.captureStackTrace(error); try { judge(error.stack) } catch (caught) { judge(caught) } } 0`,
  ),
  attack(
    'Error.prototype.toString, String and CallSite’s methods replaced',
    'escapes',
    SITES,
    `
    Error.prepareStackTrace = prepare; const site = new Error('m').stack[0]; Error.prepareStackTrace = undefined;
      const CallSite = Object.getPrototypeOf(site)
    for (const name of siteNames) { const own = CallSite[name]; if (own) try { Object.defineProperty(CallSite, name, { value() {
      judge(this); judge(arguments); judge(new.target); return own.apply(this, arguments) } }) } catch (error) { judge(error) } }
    for (const name of ['toString', 'startsWith', 'slice']) String.prototype[name] = function () { judge(Object(this)); judge(arguments);
      return '' }
    Error.prototype.toString = function () { judge(this); judge(arguments); return { toString: judge } }; judge(new Error('m').stack);
      judge(site); 0`,
    'null.x',
  ),
  attack(
    'a stack property with setters on the way',
    'escapes',
    SITES,
    `
    for (const holder of [Error.prototype, Object.prototype, TypeError.prototype]) Object.defineProperty(holder, 'stack', {
      configurable: true, get() { judge(this); judge(arguments); return judge }, set(value) { judge(value); judge(this) } })
    Error.prepareStackTrace = prepare; const e = new TypeError('m'); judge(e.stack); Error.captureStackTrace(e);
      judge(Object.getOwnPropertyDescriptor(e, 'stack')); throw e`,
  ),
  attack(
    'getter and setter of stack, borrowed',
    'escapes',
    SITES,
    `Error.prepareStackTrace = prepare
    const described = Object.getOwnPropertyDescriptor(new Error('m'), 'stack'); judge(described)
    for (const target of [{}, Object.create(new Error('inner')), globalThis, new Proxy(new Error('p'), {}),
      Object.create(Object.create(new TypeError('deep')))]) { try { judge(described.get?.call(target)) } catch (error) { judge(error) }
      try { described.set?.call(target, judge); judge(target.stack) } catch (error) { judge(error) } judge(Reflect.get(new Error('r'),
      'stack', target)) } 0`,
  ),
])
