import { attack } from '../support/attack.ts'
import { collecting } from '../support/collecting.ts'
import { describeEscapes } from '../support/escapes.ts'

const REGISTER = `var register = (registry, ...rest) => { for (let i = 0; i < 50; i++) registry.register({}, { held: i }, ...rest) }; var ran = 0;`

describeEscapes('jobs that come later', [
  attack(
    'a finalization callback',
    'contained',
    `${REGISTER} var registry = new FinalizationRegistry(function (held) { ran++;
      judge(this ?? []); judge(arguments); judge(held); try { judge(arguments.callee.caller) } catch (error) { judge(error) }
      judge(new Error()) }); register(registry); judge(registry); 0`,
    collecting('ran > 0'),
  ),
  attack(
    'the stack in a finalization callback',
    'contained',
    `${REGISTER} var registry = new FinalizationRegistry(() => { ran++;
      judge(new Error('m').stack); Error.prepareStackTrace = (e, sites) => { judge(sites); for (const s of sites) judge(s.toString()) };
      judge(new Error('n').stack); Error.prepareStackTrace = undefined }); register(registry); 0`,
    collecting('ran > 0'),
  ),
  attack(
    'a finalization callback that imports, throws and rejects',
    'escapes',
    `${REGISTER}
      var registry = new FinalizationRegistry(() => { ran++; judge(import('x')); Promise.reject({ get stack() { judge(this) } });
      throw judge({ get message() { judge(this) } }) }); register(registry); 0`,
    collecting('ran > 0'),
    '0',
  ),
  attack(
    'a finalization callback that is a Proxy, at the stack limit',
    'contained',
    `${REGISTER}
      var registry = new FinalizationRegistry(new Proxy(function () {}, { apply(target, self, args) { ran++; judge(args);
      judge(self ?? []); if (ran === 1) judgeDepths(() => ({})) } })); register(registry); 0`,
    collecting('ran > 0'),
  ),
  attack(
    'finalization with tokens, subclasses and hostile holdings',
    'contained',
    `${REGISTER} class Sub extends FinalizationRegistry {
      constructor() { super((held) => { ran++; judge(held); judge(held.a) }); judge(new.target) } } var registry = new Sub();
      const token = {}
    for (let i = 0; i < 50; i++) registry.register({}, { get a() { judge(this); judge(new Error()); return {} } }, token);
      judge(registry.unregister({}) || []); for (const bad of [() => registry.register(1), () => registry.register(token, token),
      () => registry.unregister(1), () => FinalizationRegistry(), () => new FinalizationRegistry(1), () => registry.cleanupSome?.()])
      { try { judge(bad()) } catch (error) { judge(error) } } 0`,
    collecting('ran > 0'),
  ),
  attack(
    'WeakRef',
    'contained',
    `var refs = []; for (let i = 0; i < 50; i++) refs.push(new WeakRef({ i })); judge(refs);
      judge(refs[0].deref()); judge(Object.getPrototypeOf(refs[0])); 0`,
    collecting('refs.some((ref) => ref.deref() === undefined)'),
    'for (const ref of refs) judge(ref.deref() ?? ref); new WeakRef({})',
    'new WeakRef(Promise.reject({}))',
  ),
  attack(
    'Atomics.waitAsync, timed out, notified and refused',
    'contained',
    `const words = new Int32Array(new SharedArrayBuffer(16));
      const waits = [Atomics.waitAsync(words, 0, 0, 1), Atomics.waitAsync(words, 1, 0), Atomics.waitAsync(words, 2, 1)];
      Atomics.notify(words, 1); judge(waits)
    Promise.all(waits.map(({ value }) => judge(value))).then(judge)`,
    'try { Atomics.waitAsync(new Int32Array(4), 0, 0) } catch (error) { judge(error) } 0',
  ),
  attack(
    'Atomics.waitAsync that settles in a later run, with tampered promises',
    'escapes',
    `var words = new Int32Array(new SharedArrayBuffer(4));
      var settled = false; const { then } = Promise.prototype; const wait = Atomics.waitAsync(words, 0, 0, 5).value
    Promise.prototype.then = function (...args) { judge(this); judge(args); return then.apply(this, args) };
      Object.defineProperty(Promise.prototype, 'constructor', { get() { judge(this); return Promise } }); wait.then((how) => {
      settled = true; judge(new Error()) }); 0`,
    { repeat: '(async () => { await Atomics.waitAsync(words, 0, 0, 5).value })()', until: 'settled', times: 500 },
  ),
  attack(
    'Atomics on hostile arguments',
    'contained',
    `const words = new Int32Array(new SharedArrayBuffer(8)); const index = { valueOf() {
      judge(this); judge(new Error()); return 0 } }
    for (const use of [() => Atomics.add(words, index, index), () => Atomics.wait(words, 0, 0, 0), () => Atomics.compareExchange(words,
      0, index, index), () => Atomics.load({}, 0), () => Atomics.store(words, 99, 1), () => Atomics.waitAsync(words, index, 0, {
      valueOf: judge }), () => Atomics.notify(words, 0, index)]) { try { judge(use()) } catch (error) { judge(error) } } judge(Atomics); 0`,
  ),
  attack(
    'SharedArrayBuffer as a result, grown and viewed',
    'contained',
    `var shared = new SharedArrayBuffer(8, { maxByteLength: 64 });
      judge(shared); judge(new Uint8Array(shared)); shared`,
    'new Uint8Array(shared)',
    '({ get a() { shared.grow(32); judge(shared); return new DataView(shared) } })',
    'judge(SharedArrayBuffer[Symbol.species]); 0',
  ),
  attack(
    'microtasks left over by one run, for the next',
    'contained',
    `var steps = 0; (async () => { for (;steps < 5000;) { steps++;
      await null; if (steps % 1000 === 0) { judge(new Error()); judge([]) } } })(); 0`,
    'judge({ steps })',
    '(async () => { await null; throw judge({}) })()',
    '0',
  ),
  attack(
    'a job of a promise that two runs wait for',
    'contained',
    `var open; var shared = new Promise((resolve) => { open = resolve;
      judge(resolve) }); shared.then(judge); 0`,
    { run: 'shared', timeout: 20 },
    'open({ get then() { judge(this); judge(new Error()); return (f) => { judge(f); f(judge({})) } } }); shared',
    '[shared]',
    'shared',
  ),
])
