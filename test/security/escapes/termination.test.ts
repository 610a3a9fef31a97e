import { type Attack, attack, type Step } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

const DEADLINE_MS = 25
/** Runs `source` into its deadline, and then has the guest look for traces of it: in what was caught, in what is left over, in new errors. */
const ended = (title: string, control: Attack['control'], source: string, ...before: readonly Step[]): Attack =>
  attack(
    title,
    control,
    ...before,
    'var caught = []; var keep = (x) => { caught.push(x); return x }; 0',
    { run: source, timeout: DEADLINE_MS },
    `Error.prepareStackTrace = undefined; for (const each of caught) { judge(each); if (each instanceof Error) judge(each.message) }
      judge(caught); judge(new Error("later")); try { null.x } catch (error) { judge(error) } 0`,
    '(async () => { await 0; judge(new Error("async")) })()',
    '({ later: judge([]) })',
  )

describeEscapes('termination', [
  ended(
    'a loop in try, catch and finally',
    'contained',
    'try { for (;;); } catch (error) { keep(error) } finally { keep(new Error("finally")); for (;;); }',
  ),
  ended(
    'a loop in a finally that never returns',
    'contained',
    '(function f() { try { for (;;); } finally { keep({}); try { f() } finally { for (;;); } } })()',
  ),
  ended(
    'a loop with disposal under way',
    'contained',
    '{ using guard = { [Symbol.dispose]() { keep(new Error("disposed")); for (;;); } }; for (;;); }',
  ),
  ended(
    'a loop in a generator, resumed later',
    'contained',
    'generator.next()',
    `var generator = (function* () { try { for (;;); }
      catch (error) { judge(error); yield error } finally { yield judge({}) } })(); 0`,
  ),
  ended(
    'a loop in an async function, with handlers waiting',
    'contained',
    '(async () => { try { for (;;); } catch (error) { keep(error) } finally { keep({}) } })().then(keep, keep)',
  ),
  ended(
    'a loop after an await',
    'hangs',
    `(async () => { try { await 0; for (;;); } catch (error) { keep(error) } finally { keep({}) }
      })().then(keep, keep)`,
  ),
  ended('a flood of microtasks', 'hangs', '(function f() { Promise.resolve().then(f, keep) })(); Promise.reject({}).catch(keep)'),
  ended(
    'a loop in a Promise executor and in a thenable',
    'contained',
    `new Promise((resolve, reject) => { keep(resolve); keep(reject);
      try { for (;;); } catch (error) { keep(error); reject(error) } }).catch(keep)`,
  ),
  ended(
    'a loop in prepareStackTrace and in a stack’s name',
    'hangs',
    `Error.prepareStackTrace = () => { try { for (;;); } finally {
      keep({}) } }; try { keep(new Error("m").stack) } catch (error) { keep(error) }`,
    'judge(import("x")); 0',
  ),
  ended(
    'a loop in a callback of a built-in',
    'contained',
    '[1, 2].sort(() => { try { for (;;); } catch (error) { keep(error) } finally { keep([]) } })',
  ),
  ended(
    'a loop in WebAssembly’s import',
    'contained',
    `try { new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0, 97, 115,
      109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 109, 1, 102, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 103, 0, 1, 10, 6, 1, 4, 0, 16, 0, 11])),
      { m: { f() { try { for (;;); } finally { keep({}) } } } }).exports.g() } catch (error) { keep(error) }`,
  ),
  ended(
    'a wait in Atomics',
    'contained',
    `try { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) } catch (error) {
      keep(error) } finally { keep({}) } for (;;);`,
  ),
  ended(
    'a regular expression that backtracks',
    'contained',
    `try { keep(/^(a+)+$/.test("a".repeat(40) + "b")) } catch (error) {
      keep(error) } finally { keep({}) } for (;;);`,
  ),
  ended(
    'loops at the stack limit',
    'contained',
    '(function f() { try { f() } catch (error) { keep(error); for (;;); } finally { for (;;); } })()',
  ),
  ended(
    'a loop in a Proxy trap of a Proxy trap',
    'contained',
    `try { new Proxy({}, new Proxy({}, { get() { try { for (;;); } finally {
      keep({}) } } })).x } catch (error) { keep(error) }`,
  ),
  attack(
    'a loop while a result is read',
    'hangs',
    { run: '({ get a() { try { for (;;); } catch (error) { judge(error) } finally { judge({}) } } })', timeout: DEADLINE_MS },
    'judge(new Error("later")); judge(import("x")); 0',
    '({ a: judge([]) })',
    'throw judge(new Error())',
  ),
  attack(
    'a loop while a throw is read',
    'hangs',
    {
      run: 'throw { get message() { try { for (;;); } catch (error) { judge(error) } }, get stack() { for (;;); } }',
      timeout: DEADLINE_MS,
    },
    'judge(new Error("later")); judge(import("x")); 0',
    'throw judge(new Error())',
  ),
  attack(
    'an error that says it is the interruption',
    'escapes',
    {
      run: 'throw judge(Object.assign(new Error("Script execution was interrupted by `SIGINT`"), { code: "ERR_SCRIPT_EXECUTION_INTERRUPTED", toString: judge }))',
      timeout: DEADLINE_MS,
    },
    { run: 'throw judge(Object.assign(new TypeError(), { code: "ERR_SCRIPT_EXECUTION_TIMEOUT" }))', timeout: DEADLINE_MS },
    'judge(import("x")); 0',
  ),
  attack(
    'a promise that is abandoned at its deadline and settles later',
    'contained',
    { run: 'new Promise((resolve, reject) => { globalThis.late = { resolve, reject } })', timeout: DEADLINE_MS },
    `judge(late);
      late.resolve({ get then() { judge(this); judge(new Error()); return (f, r) => { judge(f); judge(r); f({}) } } }); 0`,
    'judge([]); 0',
    '(async () => 1)()',
  ),
])
