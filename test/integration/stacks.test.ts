import { type Box, type Context, GuestError } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  ctx = await box.createContext()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

async function thrownBy(run: Promise<unknown>): Promise<GuestError> {
  const error = await rejection(run)
  expect(error).toBeInstanceOf(GuestError)
  return error as GuestError
}

/** The stack without its first line. */
async function framesOf(run: Promise<unknown>): Promise<string[]> {
  return (await thrownBy(run)).stack?.split('\n    at ').slice(1) ?? []
}

/** Columns begin at 1 and count UTF-16 code units, as V8 has them. */
test.each<[title: string, source: string, frames: readonly string[]]>([
  ['a script', "throw new Error('x')", ['a.js:1:7']],
  ['a later line', "\n\n  throw new Error('x')", ['a.js:3:9']],
  ['after text beyond ASCII', "const a = '文😀'; throw new Error('x')", ['a.js:1:24']],
  [
    'nested functions',
    "function a() { b() }\nfunction b() {\n  throw new Error('x')\n}\na()",
    ['b (a.js:3:9)', 'a (a.js:1:16)', 'a.js:5:1'],
  ],
  ['a method', "const o = { m() { throw new Error('x') } }\no.m()", ['Object.m (a.js:1:25)', 'a.js:2:3']],
  [
    'methods of a class',
    "class C { f() { throw new Error('x') } static s() { new C().#p() } #p() { this.f() } }\nC.s()",
    ['C.f (a.js:1:23)', '#p (a.js:1:80)', 'C.s (a.js:1:63)', 'a.js:2:3'],
  ],
  [
    'constructors',
    "class C { constructor() { throw new Error('x') } }\nclass D extends C { constructor() { super() } }\nnew D()",
    ['new C (a.js:1:33)', 'new D (a.js:2:37)', 'a.js:3:1'],
  ],
  ['a getter', "const o = { get v() { throw new Error('x') } }\no.v", ['get v (a.js:1:29)', 'a.js:2:3']],
  ['a setter', "const o = { set v(x) { throw new Error('x') } }\no.v = 1", ['set v (a.js:1:30)', 'a.js:2:5']],
  ['a callback of map', "[1].map((x) => {\n  throw new Error('x') })", ['a.js:2:9', 'Array.map (<anonymous>)', 'a.js:1:5']],
  // On V8's slow path a frame of RegExp's would be between them.
  ['a callback of replace', "'a'.replace(/a/, () => { throw new Error('x') })", ['a.js:1:32', 'String.replace (<anonymous>)', 'a.js:1:5']],
  [
    'a generator',
    "function* g() {\n  yield 1\n  throw new Error('x')\n}\nfor (const x of g()) ;",
    ['g (a.js:3:9)', 'g.next (<anonymous>)', 'a.js:5:12'],
  ],
  [
    'new Function',
    "const g = new Function('a', 'throw new Error(a)')\ng('x')",
    ['eval (eval at <anonymous> (a.js:1:11), <anonymous>:3:7)', 'a.js:2:1'],
  ],
  [
    'direct eval',
    'function g() {\n  eval("throw new Error(1)")\n}\ng()',
    ['eval (eval at g (a.js:2:3), <anonymous>:1:7)', 'g (a.js:2:3)', 'a.js:4:1'],
  ],
  [
    'indirect eval',
    '(0, eval)("throw new Error(1)")',
    ['eval (eval at <anonymous> (a.js:1:10), <anonymous>:1:7)', 'eval (<anonymous>)', 'a.js:1:10'],
  ],
  [
    'eval within eval',
    'eval(`eval("throw new Error(1)")`)',
    [
      'eval (eval at <anonymous> (eval at <anonymous> (a.js:1:1)), <anonymous>:1:7)',
      'eval (eval at <anonymous> (a.js:1:1), <anonymous>:1:1)',
      'a.js:1:1',
    ],
  ],
  ['eval with a name', 'eval("throw new Error(1)\\n//# sourceURL=mine.js")', ['eval (mine.js:1:7)', 'a.js:1:1']],
  [
    'async functions',
    "async function a() {\n  await 0\n  await b()\n}\nasync function b() {\n  await 1\n  throw new Error('x')\n}\na()",
    ['b (a.js:7:9)', 'async a (a.js:3:3)'],
  ],
  ['an async function before its first await', "async function a() {\n  throw new Error('x')\n}\na()", ['a (a.js:2:9)', 'a.js:4:1']],
  [
    'an async arrow function and an async method',
    "const o = { async m() { await 0; throw new Error('x') } }\n;(async () => { await o.m() })()",
    ['Object.m (a.js:1:40)', 'async a.js:2:17'],
  ],
  [
    'an async generator',
    "async function* g() { yield 1; throw new Error('x') }\nasync function m() { for await (const x of g()) ; }\nm()",
    ['g (a.js:1:38)', 'g.next (<anonymous>)', 'm (a.js:2:39)'],
  ],
  [
    'Promise.all',
    "async function t(n) { await 0; if (n) throw new Error('x') }\nasync function m() {\n  await Promise.all([t(0), t(1)])\n}\nm()",
    ['t (a.js:1:45)', 'async Promise.all (index 1)', 'async m (a.js:3:3)'],
  ],
  ['a callback of then', "Promise.resolve().then(function cb() { throw new Error('x') })", ['cb (a.js:1:46)']],
  ['an executor', "new Promise(() => { throw new Error('x') })", ['a.js:1:27', 'new Promise (<anonymous>)', 'a.js:1:1']],
  ['a trap', "new Proxy({}, { get() { throw new Error('x') } }).p", ['Object.get (a.js:1:31)', 'a.js:1:51']],
  ['an error of the engine', 'const o = null\no.p', ['a.js:2:3']],
  ['a name that is not there', 'f(nope)', ['a.js:1:1']],
  ['JSON that does not parse', "JSON.parse('{')", ['JSON.parse (<anonymous>)', 'a.js:1:6']],
  [
    'a constructor that leaves itself out',
    "function make() { const e = new Error('x'); Error.captureStackTrace(e, make); return e }\nthrow make()",
    ['a.js:2:7'],
  ],
  [
    'more than ten frames',
    "function r(n) { if (n) r(n - 1); else throw new Error('x') }\nr(20)",
    ['r (a.js:1:45)', ...Array.from({ length: 9 }, () => 'r (a.js:1:24)')],
  ],
  [
    'Error.stackTraceLimit of the guest’s',
    "Error.stackTraceLimit = 12\nfunction r(n) { if (n) r(n - 1); else throw new Error('x') }\nr(20)",
    ['r (a.js:2:45)', ...Array.from({ length: 11 }, () => 'r (a.js:2:24)')],
  ],
  [
    'a class that replaces FinalizationRegistry’s',
    "class F extends FinalizationRegistry { constructor() { super(() => 0); throw new Error('x') } }\nnew F()",
    ['new F (a.js:1:78)', 'a.js:2:1'],
  ],
])('frames of %s', async (_title, source, frames) => {
  expect(await framesOf(box.run(source, { filename: 'a.js' }))).toEqual(frames)
})

test('frames of what a context’s methods call: none of ours, nor of built-ins that we called', async () => {
  await ctx.run(
    `async function later() { await 0; throw new Error('late') }
function direct() { throw new Error('direct') }
var holder = { inner: { f() { throw new Error(typeof this) } } }
Object.defineProperty(globalThis, 'read', { configurable: true, get() { throw new Error('get') }, set(value) { throw new Error('set') } })
globalThis.trap = { get value() { throw new Error('part') } }
globalThis.thenable = { then() { throw new Error('then') } }; 0`,
    { filename: 'lib.js' },
  )
  const calls: readonly [call: () => Promise<unknown>, frames: readonly string[]][] = [
    [() => ctx.run('later()', { filename: 'main.js' }), ['later (lib.js:1:41)']],
    [
      () => ctx.run('async function go() { await later() }\ngo()', { filename: 'main.js' }),
      ['later (lib.js:1:41)', 'async go (main.js:1:23)'],
    ],
    [() => ctx.run('\n  direct()', { filename: 'main.js' }), ['direct (lib.js:2:27)', 'main.js:2:3']],
    [() => ctx.call('direct'), ['direct (lib.js:2:27)']],
    [() => ctx.call('later'), ['later (lib.js:1:41)']],
    [() => ctx.call('holder.inner.f'), ['Object.f (lib.js:3:37)']],
    [() => ctx.get('read'), ['get (lib.js:4:79)']],
    [() => ctx.set('read', 1), ['set (lib.js:4:118)']],
    [() => ctx.get('trap'), ['get value (lib.js:5:41)']],
    [() => ctx.run('thenable', { filename: 'main.js' }), ['Object.then (lib.js:6:40)']],
    // Evaluated by a built-in that we called: there is no frame of the guest's that it could name.
    [() => ctx.call('eval', "throw new Error('x')"), ['<anonymous>:1:7']],
    [() => ctx.run("Promise.resolve('throw new Error(2)').then(eval)"), ['<anonymous>:1:7']],
  ]
  for (const [call, frames] of calls) expect(await framesOf(call())).toEqual(frames)
})

test('frames of what timers, handles and the host call', async () => {
  await using calling = await box.createContext({
    refuse: () => {
      throw new TypeError('refused')
    },
    refuseLater: async () => Promise.reject(new RangeError('refused later')),
    back: async (fn: (n: number) => Promise<unknown>) => fn(1),
  })
  const heard = new Promise<Error>((resolve) => {
    calling.on('uncaughtException', resolve)
  })
  const unheard = new Promise<Error>((resolve) => {
    calling.on('unhandledRejection', resolve)
  })
  await calling.run(
    `setTimeout(function tick() { throw new Error('tick') }); 0
function lost() { Promise.reject(new Error('lost')) }
lost(); function call() { refuse() }
async function later() { await refuseLater() }
function give() { return function given() { throw new Error('given') } }
function round() { return back(function inner(n) { throw new Error('inner') }) }; 0`,
    { filename: 'a.js' },
  )
  expect([(await heard).stack, (await unheard).stack]).toEqual([
    'Error: tick\n    at tick (a.js:1:36)',
    'Error: lost\n    at lost (a.js:2:34)\n    at a.js:3:1',
  ])
  const given = (await calling.call('give')) as () => Promise<unknown>
  expect(await framesOf(given())).toEqual(['given (a.js:5:51)'])
  const stacks = await Promise.all(['call', 'later', 'round'].map(async (name) => (await thrownBy(calling.call(name))).stack))
  expect(stacks).toEqual([
    'TypeError: refused\n    at call (a.js:3:27)',
    'RangeError: refused later',
    // By way of the host, whose stacks are no business of a guest's.
    'Error: inner',
  ])
})

test.each<[filename: string | undefined, shown: string]>([
  [undefined, 'evalmachine.<anonymous>'],
  ['', '<anonymous>'],
  ['rules/with space.js', 'rules/with space.js'],
  ['dir (x)/a (1).js', 'dir (x)/a (1).js'],
  ['ünï/文😀.js', 'ünï/文😀.js'],
  ['file:///a/b%20c.js', 'file:///a/b%20c.js'],
  ['https://example.org/a.js?b=1:2', 'https://example.org/a.js?b=1:2'],
  ['C:\\rules\\a.js', 'C:\\rules\\a.js'],
  ['a.js:3:4', 'a.js:3:4'],
  ['native', 'native'],
])('file name %j', async (filename, shown) => {
  const options = filename === undefined ? {} : { filename }
  const stack = `Error: x\n    at f (${shown}:2:9)\n    at ${shown}:4:1`
  expect((await thrownBy(box.run("function f() {\n  throw new Error('x')\n}\nf()", options))).stack).toBe(stack)
  const syntaxError = await thrownBy(box.run('a +* 2', options))
  expect(syntaxError.stack).toBe(`${filename === '' ? '' : shown}:1\na +* 2\n   ^\n\nSyntaxError: Unexpected token '*'`)
})

test.each(['node:mine', 'glovebox:rule.js'])('file name %j is refused: stacks leave such frames out', async (filename) => {
  const error = await rejection(box.run('1', { filename }))
  expect([error.code, error.message]).toEqual([
    'ERR_INVALID_OPTION',
    `option 'filename' must not begin with 'glovebox:' or 'node:', got ${JSON.stringify(filename)}`,
  ])
})

test('causes and errors have the guest’s frames only, too', async () => {
  const source = `function inner(text) { return new RangeError(text) }
const all = new AggregateError([inner('one'), 'text', new TypeError('two', { cause: inner('three') })], 'all', { cause: inner('why') })
throw new SuppressedError(all, inner('hidden'), 'both')`
  const error = await thrownBy(box.run(source, { filename: 'a.js' }))
  const { error: all, suppressed } = error as unknown as { error: AggregateError; suppressed: Error }
  const two = (all.errors as Error[])[2]
  expect(error.stack).toBe('SuppressedError: both\n    at a.js:3:7')
  expect([all, all.cause, all.errors[0], two, two?.cause, suppressed].map((each) => (each as Error).stack)).toEqual([
    'AggregateError: all\n    at a.js:2:13',
    'RangeError: why\n    at inner (a.js:1:31)\n    at a.js:2:121',
    'RangeError: one\n    at inner (a.js:1:31)\n    at a.js:2:33',
    'TypeError: two\n    at a.js:2:55',
    'RangeError: three\n    at inner (a.js:1:31)\n    at a.js:2:85',
    'RangeError: hidden\n    at inner (a.js:1:31)\n    at a.js:3:32',
  ])
  expect(all.errors[1]).toBe('text')
})

test.each<[title: string, source: string, message: string, stack: string]>([
  [
    'eval',
    'eval("let a = 1;\\nlet b = a +* 2")',
    "Unexpected token '*'",
    '<anonymous>:2\nlet b = a +* 2\n           ^\n\n$\n    at a.js:1:1',
  ],
  [
    'new Function',
    "function f() {\n  new Function('a', 'return a +* 1')\n}\nf()",
    "Unexpected token '*'",
    '<anonymous>:3\nreturn a +* 1\n          ^\n\n$\n    at new Function (<anonymous>)\n    at f (a.js:2:3)\n    at a.js:4:1',
  ],
  [
    'eval after an await',
    "(async () => { await 0; eval('a b') })()",
    "Unexpected identifier 'b'",
    '<anonymous>:1\na b\n  ^\n\n$\n    at a.js:1:25',
  ],
  [
    'an error that is thrown again',
    "try { eval('\\ta b') } catch (error) { throw error }",
    "Unexpected identifier 'b'",
    '<anonymous>:1\n\ta b\n\t  ^\n\n$\n    at a.js:1:7',
  ],
  ['a frozen error', "try { eval('a b') } catch (error) { throw Object.freeze(error) }", "Unexpected identifier 'b'", '$\n    at a.js:1:7'],
  [
    'a long line',
    "eval(' '.repeat(1000) + 'a b' + '/'.repeat(1e6))",
    "Unexpected identifier 'b'",
    `<anonymous>:1\n${' '.repeat(98)}a b${'/'.repeat(99)}\n${' '.repeat(100)}^\n\n$\n    at a.js:1:31`,
  ],
  [
    'a long line of the script',
    `${' '.repeat(1000)}a b${'/'.repeat(1e6)}`,
    "Unexpected identifier 'b'",
    `a.js:1\n${' '.repeat(98)}a b${'/'.repeat(99)}\n${' '.repeat(100)}^\n\n$`,
  ],
  // No code.
  [
    'a regular expression',
    "new RegExp('(')",
    'Invalid regular expression: /(/: Unterminated group',
    '$\n    at new RegExp (<anonymous>)\n    at a.js:1:1',
  ],
  ['JSON', "JSON.parse('[')", 'Unexpected end of JSON input', '$\n    at JSON.parse (<anonymous>)\n    at a.js:1:6'],
  ['an error of the guest’s own', "throw new SyntaxError('mine')", 'mine', '$\n    at a.js:1:7'],
  ['the same without frames', "Error.stackTraceLimit = 0; throw new SyntaxError('mine')", 'mine', '$'],
])('syntax error, with line and caret where code does not parse: %s', async (_title, source, message, stack) => {
  const error = await thrownBy(box.run(source, { filename: 'a.js' }))
  expect([error.name, error.message, error.stack]).toEqual(['SyntaxError', message, stack.replace('$', `SyntaxError: ${message}`)])
})
