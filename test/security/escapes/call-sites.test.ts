import { attack } from '../support/attack.ts'
import { SITES } from '../support/call-sites.ts'
import { describeEscapes } from '../support/escapes.ts'

describeEscapes('call sites', [
  attack(
    'setters where a formatter would write',
    'escapes',
    SITES,
    `
    for (let i = 0; i < 5; i++) for (const holder of [Array.prototype, Object.prototype]) Object.defineProperty(holder, i, {
      configurable: true, get() { judge(this) }, set(value) { judge(value); judge(this); try { judgeSites([value]) } catch (error) {
      judge(error) } } })
    Error.prepareStackTrace = prepare; judge(new Error('m').stack); delete Error.prepareStackTrace; judge(new Error('m').stack); 0`,
  ),
  attack(
    'captureStackTrace on everything',
    'escapes',
    SITES,
    `Error.prepareStackTrace = prepare
    for (const target of [{}, [], function () {}, globalThis, Object.create(null), new Proxy({}, { defineProperty() { judge(arguments);
      return true }, set() { judge(arguments); return true } }), Object.freeze({}), Promise.resolve(), Symbol, new Map(), Error])
      for (const hide of [undefined, judge, {}, Math.max, new Proxy(function () {}, {})]) try { judge(Error.captureStackTrace(target,
      hide)); judge(target.stack) } catch (error) { judge(error) } 0`,
  ),
  attack(
    'stackTraceLimit of every kind',
    'escapes',
    SITES,
    `Error.prepareStackTrace = prepare
    for (const limit of [Infinity, -1, 0, NaN, '5', {}, 1e9, { valueOf() { judge(this); return 5 } }, Symbol()]) {
      Error.stackTraceLimit = limit; try { judge(new Error('m').stack); judge([].concat(limit)) } catch (error) { judge(error) } }
    Object.defineProperty(Error, 'stackTraceLimit', { get() { judge(this); judge(arguments); return 100 }, set() { judge(arguments) } });
      judge(new Error('m').stack); delete Error.stackTraceLimit; judge(new Error('m').stack); 0`,
  ),
  attack(
    'call sites of eval, of Function and of built-ins',
    'escapes',
    SITES,
    `Error.prepareStackTrace = prepare; globalThis.bad = () => judge(new Error('m').stack)
    eval('eval("bad()")'); (0, eval)('bad()'); Function('bad()')(); [1].map(() => bad()); JSON.parse('[1]', () => bad());
      'x'.replace(/x/, () => bad()); Reflect.apply(bad, {}, []); Reflect.construct(function () { bad() }, [])
    new Proxy({}, { get: bad }).x; [2, 1].sort(() => { bad(); return 0 }); new Promise(bad); Array.from([1], bad); String({
      toString: () => { bad(); return '' } }); [...(function* () { yield bad() })()]; 0`,
  ),
  attack(
    'async stack traces',
    'contained',
    SITES,
    `Error.prepareStackTrace = prepare
    var deep = async (n) => { await null; if (n > 0) return deep2(n - 1); judge(new Error('m').stack) }; var deep2 = async (n) => {
      const r = await deep(n); return r }; 0`,
    'deep(6)',
    'Promise.all([deep(1), Promise.any([deep(2)]), Promise.allSettled([deep(0)])])',
    { call: 'deep', with: [3] },
    '(async () => { for await (const x of (async function* () { await deep(1); yield 1 })()); })()',
    '({ then(f) { deep(2).then(f) } })',
  ),
  attack(
    'a stack that is read in a later run, or for the first time by the host',
    'escapes',
    SITES,
    'var kept = [new Error("kept"), (() => { try { null.x } catch (error) { return error } })()]; 0',
    'Error.prepareStackTrace = prepare; judge(kept[0].stack); judge(kept[1].stack); 0',
    'Error.prepareStackTrace = prepare; new Error("returned")',
    'kept[1]',
    'throw new Error("thrown")',
  ),
])
