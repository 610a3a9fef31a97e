import { type Attack, attack, ofHost, type Step } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

/** Everything that the realm side does for its host, most of it beyond what a short path serves. */
const USE: readonly Step[] = [
  `f = (...args) => ({ args }); host.echo({ deep: [1] }, new Map([[1, f]]))`,
  'try { host.fail("m") } catch (error) { judge(error) } host.large(5000).text.length',
  '(async () => { judge(await host.later([{}])); judge(await host.promise({})); try { await host.failLater("m") } catch (error) { judge(error) } })()',
  'host.call(f, {}).then(judge); host.fire(() => { throw new TypeError("m") })',
  `schedule(() => judge([])); unschedule(schedule(f, 1e9)); schedule("judge([])"); immediately(() => { throw {} }); microtask(() => { throw new Error("m") }); 0`,
  { idle: 2_000 },
  { set: 'given', to: { text: 'x'.repeat(300_000), list: [new Map([[1, new Error('m')]])] } },
  { get: 'given' },
  { get: 'list' },
  { call: 'f', with: [{ a: new Uint8Array(2000) }] },
  { invoke: 'f', with: [[1n, undefined]] },
  { globals: true },
  { delete: 'given' },
  '[new Map([[1, { a: new Error("m", { cause: [] }) }]]), new Uint8Array(9), /x/, 1n, Symbol.iterator]',
  'throw { get message() { throw 1 }, f: Symbol() }',
  'Promise.reject(Object.defineProperty({ f() {} }, "x", { enumerable: true, get() { throw {} } })); 0',
  'null.x',
  'import("x")',
  'new Promise((resolve) => schedule(resolve, 1, [{}]))',
  '(async () => { await 0; throw new RangeError("m") })()',
  '({ then(resolve) { resolve([]) } })',
]

const NAMES = `const names = Reflect.ownKeys(globalThis).filter((name) => typeof name === 'string' &&
  !['globalThis', 'Reflect', 'host', 'f', 'list'].includes(name) && Reflect.getOwnPropertyDescriptor(globalThis, name).configurable)`
const KEEP = `var schedule = setTimeout, unschedule = clearTimeout, immediately = setImmediate, microtask = queueMicrotask, f, list = [];
  const { Error, TypeError, RangeError, Map, Uint8Array, Promise, Symbol, Object } = globalThis; judge([]);`

/** What records, options, messages and parts of the realm side are called. A property that one of them lacks is looked for on its prototype. */
const FIELDS =
  `op status run call calls name length code message attention settled busy outside timerAt exported imported waitingFor context maxOutput maxDepth maxItems input output outbox outboxLength reply replyLength
  payload fields pack unpack type fn sync handles level timeMs dropped text rejection done functionOut functionIn remoteOut remoteIn errorStacks maxBytes strings isAsync returns id resolve reject promise reason next held callback due order
  intervalMs fulfilled kind parts owner target source iterate once open counted write read received count ref sent mark writer bytes position capacity reset fallback depth steps keys path colors then toJSON stack cause errors constructor`
    .split(/\s+/)
    .join()

/** Puts something in the place of every global, after the host's set-up and before its use. */
const rebound = (title: string, control: Attack['control'], put: string): Attack =>
  ofHost(attack(title, control, `${KEEP} ${NAMES}; var own = Reflect; ${put}; 0`, ...USE))

describeEscapes('what the realm side uses', [
  rebound(
    'values that judge whoever uses them',
    'escapes',
    `for (const name of names) { const was = globalThis[name]; globalThis[name] = new Proxy(function () {}, {
      get(target, key, receiver) { judge(receiver); judge(new was.Error ?? []); return { valueOf() { judge(this); return 1 }, toString() { judge(this); return '' } } },
      apply(target, self, args) { judge(self); judge(args); return {} }, construct(target, args, newTarget) { judge(args); judge(newTarget); return {} },
      has() { judge(arguments); return true } }) }`,
  ),
  rebound(
    'accessors',
    'escapes',
    `for (const name of names) { const was = globalThis[name]; own.defineProperty(globalThis, name, { configurable: true,
      get() { judge(this); judge(arguments); return was }, set(value) { judge(value); judge(this) } }) }`,
  ),
  rebound('nothing', 'escapes', 'for (const name of names) delete globalThis[name]'),
  rebound(
    'objects where the host expects numbers',
    'escapes',
    `const number = { [Symbol.toPrimitive](hint) { judge(this); judge(arguments); try { null.x } catch (error) { judge(error); judge(error.stack) } return 1 } }
    globalThis.Number = { POSITIVE_INFINITY: number, MAX_SAFE_INTEGER: number, prototype: {} }; globalThis.Infinity_ = number
    globalThis.Date = { now: () => number }; globalThis.Math = { floor: () => number, max: () => number, ceil: () => number }`,
  ),
  rebound(
    'typed arrays whose memory the guest keeps',
    'escapes',
    `var kept = []; const { Uint8Array: Native, ArrayBuffer: Buffer } = globalThis; globalThis.Uint8Array = function (size) { judge(new.target)
      const buffer = new Buffer(typeof size === 'number' ? size : 8, { maxByteLength: 1e6 }); const view = new Native(buffer); kept.push(buffer, view); return view }
    immediately(() => { for (const each of kept) { judge(each); try { each.resize(0) } catch (error) { judge(error) } } })`,
  ),
  ofHost(
    attack(
      'accessors of every name of ours, where objects look for what they lack',
      'escapes',
      `${KEEP} for (const holder of [Object.prototype, Array.prototype, Function.prototype, Promise.prototype, Error.prototype]) for (const key of '${FIELDS}'.split(',')) if (!Object.hasOwn(holder, key) || key === 'constructor')
        Object.defineProperty(holder, key, { __proto__: null, configurable: true, get() { judge(this); judge(arguments); return undefined }, set(value) { judge(this); judge(value)
          Object.defineProperty(this, key, { __proto__: null, value, writable: true, enumerable: true, configurable: true }) } }); 0`,
      ...USE,
    ),
  ),
  ofHost(
    attack(
      'the prototypes that the host’s functions come with',
      'escapes',
      `${KEEP} for (const name of Reflect.ownKeys(host)) { const fn = host[name]; judge(fn); judge(fn.constructor); judge(Object.getPrototypeOf(fn))
      for (const key of ['caller', 'arguments', 'prototype', 'apply', 'call', 'bind', 'toString', Symbol.hasInstance])
        { try { judge(fn[key]) } catch (error) { judge(error) } } judge(fn + ''); judge(fn.bind({})); fn.kept = judge; judge(fn.kept) } 0`,
      ...USE,
    ),
  ),
  ofHost(
    attack(
      'a text as a timer’s handler, and where it says that it comes from',
      'escapes',
      `Error.prepareStackTrace = (error, sites) => { for (const site of sites) for (const ask of ['getEvalOrigin', 'getScriptNameOrSourceURL', 'getFunction',
        'getThis', 'getFunctionName', 'getFileName', 'toString']) { try { judge(site[ask]()) } catch (e) { judge(e) } } return error }
      for (const handler of ['judge(new Error("m").stack)', 'judge(eval("new Error().stack"))', 'judge(Function("return new Error().stack")())', '(', 'throw new Error("m")',
        '/*', '\`', 'x //', 'judge(this); judge((0, eval)("this"))', '"use strict"; judge((function () { return this })() ?? [])', 'judge(import("x"))', '//# sourceURL=glovebo' + 'x'])
        try { setTimeout(handler) } catch (error) { judge(error) } 0`,
      { idle: 2_000 },
      `delete Error.prepareStackTrace; try { setTimeout('judge(new Error("m").stack); judge(eval("new Error().stack"))') } catch (error) { judge(error) }
      try { setTimeout({ toString() { judge(this); judge(new Error().stack); return 'judge([])' } }) } catch (error) { judge(error) } try { setInterval(Object('judge(new Error().stack)'), 1) } catch (error) { judge(error) }
      var last = setInterval('judge([])', 1); clearInterval(last); for (const odd of [null, undefined, 1, {}, [], Symbol('x'), 1n]) try { judge(setTimeout(odd)) } catch (error) { judge(error) } 0`,
      { idle: 200 },
      'for (let i = 0; i < 100; i++) clearTimeout(i); 0',
    ),
  ),
])
