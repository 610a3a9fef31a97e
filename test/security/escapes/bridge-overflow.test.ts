import { type Attack, attack, ofHost, reachingMoat, type Step } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

/** `attempt` with no stack left, then with a little more, and so on; whatever was left in the bridge by it must not hurt what comes then. */
const AFTER: readonly Step[] = [
  `judge(host.echo({ deep: [1] })); try { host.fail('m') } catch (error) { judge(error) } if (host.give(7) !== 7) judge('node: another answer'); if (host.large(5000).text.length !== 5000) judge('node: another answer'); 0`,
  '(async () => { if (await host.later(8) !== 8) judge("node: another answer"); judge(await host.call((x) => [x], 1)) })()',
  { idle: 2_000 },
  '[{ a: host.give([]) }]',
  { invoke: '(x) => judge([x])', with: [1] },
]
const atLimit = (title: string, control: Attack['control'], attempt: string, ...more: readonly Step[]): Attack =>
  ofHost(reachingMoat(title, control, ...more, `judge([]); judgeDepths(() => ${attempt}, 60, 4); 0`, ...AFTER))

describeEscapes('stack overflow in the bridges', [
  atLimit('a call', 'escapes', 'host.give(1)'),
  atLimit('a call with values', 'escapes', 'host.echo({ a: [{}] }, new Map([[1, []]]), new Error("m"))'),
  atLimit('a call that throws', 'escapes', 'host.fail("m")'),
  atLimit(
    'a call that throws, formatted by the guest',
    'escapes',
    'host.fail("m")',
    'Error.prepareStackTrace = (e, sites) => [judge(e), sites.length]; 0',
  ),
  atLimit('a call with a large answer', 'escapes', 'host.large(3000)'),
  atLimit('a call that gives a function', 'escapes', 'host.make({})()'),
  atLimit('a call that takes a function', 'escapes', 'host.give(() => 1)'),
  atLimit('asynchronous calls', 'escapes', '{ const p = host.later({}); p.catch(() => 0); return p }'),
  atLimit('promises of functions that are not asynchronous', 'escapes', '{ const p = host.promise([]); p.catch?.(() => 0); return p }'),
  atLimit('arguments that are deep', 'escapes', 'host.echo(deep)', 'var deep = []; for (let i = 0; i < 90; i++) deep = [deep]; 0'),
  atLimit(
    'arguments whose getters go deeper',
    'escapes',
    'host.echo({ get a() { const dive = (n) => n > 0 ? dive(n - 1) : host.give(1); return dive(3) }, get b() { throw new Error("m") } })',
  ),
  atLimit('an answer that is deep', 'escapes', 'host.give(kept)', 'var kept = {}; for (let i = 0; i < 80; i++) kept = { kept }; 0'),
  atLimit('an error that comes back', 'escapes', 'host.throwBack(new RangeError("m", { cause: [new Error("n")] }))'),
  atLimit(
    'async iterables',
    'escapes',
    '{ const i = host.list(2)[Symbol.asyncIterator]?.(); const p = i?.next(); p?.catch(() => 0); return [i, p] }',
  ),
  atLimit(
    'timers',
    'escapes',
    '[setTimeout(() => judge({}), 0, {}), setTimeout("judge([])"), setImmediate(judge), clearTimeout(setInterval(judge, 5))].length',
  ),
  atLimit('microtasks', 'escapes', 'queueMicrotask(() => judge({}))'),
  atLimit(
    'rejections that nobody handles',
    'escapes',
    'Promise.reject(Object.defineProperty({}, "x", { enumerable: true, get() { return judge({}) } }))',
  ),
  atLimit(
    'rejections that are handled late',
    'escapes',
    '{ const p = Promise.reject(new Error("m")); setTimeout(() => p.catch(judge)); return p }',
  ),
  atLimit(
    'rejections of async functions and generators',
    'escapes',
    '[(async () => { throw {} })(), (async function* () { throw {} })().next(), (async function* () { yield Promise.reject({}) })().next()]',
  ),
  atLimit('import() that nobody handles', 'escapes', 'import("x")'),
  atLimit(
    'the console',
    'escapes',
    '[console.log({ get a() { throw {} } }), console.trace("x"), console.error(new Error("m")), console.table([{}]), console.assert(false, {}), console.group(), console.groupEnd()]',
  ),
  atLimit(
    'what V8 settles from outside',
    'escapes',
    '[WebAssembly.compile(new Uint8Array(3)), Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0), new FinalizationRegistry(() => 0)]',
  ),
  ofHost(
    attack(
      'in functions that the host calls',
      'escapes',
      `judge([]); var deep = (n) => { try { return deep(n + 1) } catch (error) { judge(error); return host.give?.([n]) } }; var climb = (...args) => { judge(args); judgeDepths(() => host.echo(args, climb), 40, 2); return args }
      (async () => { judge(await host.call(deep, 0)); judge(await host.call(climb, {}, [], climb)) })()`,
      { invoke: 'climb', with: [{ a: 1 }, [2]] },
      { invoke: 'deep', with: [0] },
      { call: 'climb', with: [{}] },
      { idle: 2_000 },
      ...AFTER,
    ),
  ),
  ofHost(
    attack(
      'in getters of what is reported or returned',
      'escapes',
      `judge([]); var climbing = () => ({ get a() { return judgeDepths(() => host.echo({ get b() { return host.give([]) } }), 30, 2) } }); Promise.reject(climbing()); setTimeout(() => { throw climbing() }); console.log(climbing()); 0`,
      'climbing()',
      'throw climbing()',
      { idle: 2_000 },
      ...AFTER,
    ),
  ),
])
