import { type Attack, attack, ofHost, type Step } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

const DEADLINE_MS = 20
const START = `var caught = []; var keep = (x) => { caught.push(x); return x }; var tell = (act) => { try { return judge(act()) } catch (error) { judge(error); judge(error?.stack); return error } }; judge([]); 0`
/** What must work as ever, whatever a deadline has torn. */
const AFTER: readonly Step[] = [
  'Error.prepareStackTrace = undefined; for (const each of caught) { judge(each); if (each instanceof Error) judge(each.stack) } judge(caught); 0',
  `if (host.give(7) !== 7) judge('node: another answer'); if (host.large(5000).text.length !== 5000) judge('node: another answer'); judge(host.echo({ a: [1] })); tell(() => host.fail('m')); 0`,
  '(async () => { if (await host.later(8) !== 8) judge("node: another answer"); judge(await host.call((x) => [x], 1)); judge(await host.soon({})) })()',
  '[{ a: host.give([]) }]',
  { invoke: '(x) => [x]', with: [1] },
  { idle: 500 },
]
const ended = (title: string, control: Attack['control'], source: string, ...before: readonly Step[]): Attack =>
  ofHost(
    attack(title, control, START, ...before, ...Array.from({ length: 4 }, (_, i) => ({ run: source, timeout: DEADLINE_MS + i })), ...AFTER),
  )

describeEscapes('deadlines in the middle of a host call', [
  ended('while the host answers', 'escapes', 'try { host.busy(30, {}) } catch (error) { keep(error) } finally { keep({}) }'),
  ended(
    'while it answers, in a loop: some answers come just then',
    'escapes',
    'for (;;) { try { keep(host.echo({ a: [caught.length] })) } catch (error) { keep(error) } finally { if (caught.length > 2000) caught.length = 0 } }',
  ),
  ended('in a loop of calls that throw', 'escapes', 'for (;;) try { host.fail("m") } catch (error) { caught[0] = error }'),
  ended('in a loop of large answers', 'escapes', 'for (;;) caught[0] = host.large(3000 + (caught.length++ % 2) * 1e5)'),
  ended('in a loop of functions given and taken', 'escapes', 'for (;;) caught[0] = host.give(host.make(() => caught))'),
  ended(
    'in a loop of asynchronous calls',
    'escapes',
    'for (;;) try { host.later({ a: [1] }).catch(keep) } catch (error) { caught[0] = error }',
  ),
  ended(
    'in a loop after an answer',
    'hangs',
    '(async () => { try { await host.later(1); for (;;); } catch (error) { keep(error) } finally { keep({}) } })().then(keep, keep)',
  ),
  ended('in a loop of jobs', 'hangs', '(function f() { Promise.resolve().then(() => { caught[0] = host.give({}) }).then(f, keep) })()'),
  ended(
    'in arguments that never end',
    'hangs',
    'host.echo({ get a() { try { for (;;); } catch (error) { keep(error) } finally { keep({}) } } }, () => 0)',
  ),
  ended(
    'in arguments that call on and on',
    'hangs',
    'host.echo({ get a() { for (;;) caught[0] = host.echo({ get b() { return host.give([]) } }) } }, () => 0)',
  ),
  ended(
    'in arguments that are large',
    'escapes',
    'for (;;) host.echo(large); ',
    'var large = Array.from({ length: 2e4 }, (_, i) => ({ i })); 0',
  ),
  ended(
    'in a result that never ends, with functions in it',
    'hangs',
    '({ a: () => 0, b: [host.echo, () => 1], get c() { for (;;) caught[0] = host.give(1) } })',
  ),
  ended('in what was thrown', 'hangs', 'throw { a: () => 0, get message() { for (;;) caught[0] = host.give(1) } }'),
  ended(
    'in the stack of what the host threw',
    'escapes',
    'Error.prepareStackTrace = () => { for (;;) caught[0] = host.give(1) }; host.fail("m")',
    'Error.prepareStackTrace = undefined; 0',
  ),
  ended('in an async iteration', 'hangs', '(async () => { for (;;) for await (const x of host.list(3)) caught[0] = x })()'),
  ended(
    'at the stack limit',
    'escapes',
    '(function f() { try { f() } catch (error) { caught[0] = error; for (;;) try { host.give({}) } catch (e) { caught[1] = e } } })()',
  ),
  ended('in the console', 'escapes', 'for (;;) console.log({ get a() { caught[0] = host.give([]); return 1 } })'),
  ended(
    'with everything tampered with before it passes',
    'escapes',
    `for (const C of [Promise, Map, WeakMap, WeakRef, Uint8Array, Reflect, Function]) for (const key of Reflect.ownKeys(C.prototype ?? C)) if (typeof key === 'string' && key !== 'constructor') { try { const was = (C.prototype ?? C)[key]; if (typeof was === 'function') (C.prototype ?? C)[key] = function (...args) { caught[0] = this; caught[1] = args; return own(was, this, args) } } catch {} }
    for (;;) { caught[2] = host.echo({ a: [1] }); host.later([]).catch(() => 0) }`,
    'var own = Reflect.apply; 0',
  ),
  ofHost(
    attack(
      'answers that come after their run is over',
      'hangs',
      START,
      { run: 'host.never(); host.soon({}).then(keep); new Promise(() => {})', timeout: DEADLINE_MS },
      { run: 'host.busy(25, () => ({})); keep({})', timeout: DEADLINE_MS },
      { run: 'var late = host.soon([() => 0]); late.then((x) => { keep(x); for (;;); })', timeout: DEADLINE_MS },
      'judge(late); late.then(judge); 0',
      ...AFTER,
    ),
  ),
])
