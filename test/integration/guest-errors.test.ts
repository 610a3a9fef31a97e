import { type Box, type Context, GloveboxError, GuestError } from 'glovebox'
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

async function thrownBy(source: string, filename?: string): Promise<GuestError> {
  const error = await rejection(box.run(source, filename === undefined ? {} : { filename }))
  expect(error).toBeInstanceOf(GuestError)
  return error as GuestError
}

test('name, message, code, stack with file, line and column', async () => {
  const error = await thrownBy("function rule() {\n  throw new TypeError('no such rule')\n}\n\n  rule()", 'rules/first.js')
  expect(error).toBeInstanceOf(GloveboxError)
  expect([error.name, error.message, error.code]).toEqual(['TypeError', 'no such rule', 'ERR_GUEST'])
  expect(error.stack).toBe('TypeError: no such rule\n    at rule (rules/first.js:2:9)\n    at rules/first.js:5:3')
})

test('a source without a file name', async () => {
  expect((await thrownBy("throw new Error('x')")).stack).toBe('Error: x\n    at evalmachine.<anonymous>:1:7')
})

test('frames after an await, in a call and in a getter are the guest’s only', async () => {
  await ctx.run(
    `async function later() { await 0; throw new RangeError('late') }
function direct() { throw new Error('direct') }
globalThis.trap = { get value() { throw new Error('read') } }; 0`,
    { filename: 'lib.js' },
  )
  const stacks = await Promise.all(
    [ctx.run('later()', { filename: 'main.js' }), ctx.call('direct'), ctx.get('trap')].map(async (call) => (await rejection(call)).stack),
  )
  expect(stacks).toEqual([
    'RangeError: late\n    at later (lib.js:1:41)',
    'Error: direct\n    at direct (lib.js:2:27)',
    'Error: read\n    at get value (lib.js:3:41)',
  ])
})

test('cause, errors and own properties', async () => {
  const error = await thrownBy(`
    const cause = new RangeError('the cause', { cause: { deep: [1] } })
    const error = new AggregateError([new TypeError('a'), 'b'], 'all failed', { cause })
    throw Object.assign(error, { code: 'E_RULE', detail: { at: new Date(3) }, list: [1n] })`)
  expect([error.name, error.message, error.code]).toEqual(['AggregateError', 'all failed', 'E_RULE'])
  const { cause, errors, detail, list } = error as unknown as Record<string, never>
  expect(cause).toBeInstanceOf(RangeError)
  expect(cause).toMatchObject({ message: 'the cause', cause: { deep: [1] } })
  expect(errors).toEqual([new TypeError('a'), 'b'])
  expect({ detail, list }).toEqual({ detail: { at: new Date(3) }, list: [1n] })
})

test('a class of the guest’s', async () => {
  const error = await thrownBy(`class RuleError extends Error { name = 'RuleError'; constructor(m) { super(m); this.rule = 7 } }
throw new RuleError('broken')`)
  expect([error.name, error.message, (error as unknown as { rule: number }).rule]).toEqual(['RuleError', 'broken', 7])
})

test.each<[string, unknown, string]>([
  ["throw 'text'", 'text', 'the guest threw "text"'],
  ['throw 42', 42, 'the guest threw 42'],
  ['throw -0', -0, 'the guest threw 0'],
  ['throw null', null, 'the guest threw null'],
  ['throw undefined', undefined, 'the guest threw undefined'],
  ['throw 7n', 7n, 'the guest threw 7'],
  ["throw Symbol.for('s')", Symbol.for('s'), 'the guest threw Symbol(s)'],
  ['throw { a: [1] }', { a: [1] }, 'the guest threw an object'],
  ['throw [1]', [1], 'the guest threw an array'],
  ['throw Object.freeze({ frozen: true })', { frozen: true }, 'the guest threw an object'],
  ["Promise.reject('later')", 'later', 'the guest threw "later"'],
  ['(async () => { throw null })()', null, 'the guest threw null'],
])('%s', async (source, value, message) => {
  const error = await thrownBy(source)
  expect([error.name, error.message, error.code]).toEqual(['GuestError', message, 'ERR_GUEST'])
  expect(error.value).toEqual(value)
  expect(Object.hasOwn(error, 'value')).toBe(true)
})

test.each<[title: string, source: string, name: string, message: string]>([
  ['a frozen error', "throw Object.freeze(new TypeError('cold'))", 'TypeError', 'cold'],
  ['an error with a function', "throw Object.assign(new TypeError('with f'), { f() {} })", 'TypeError', 'with f'],
  ['an error with a symbol', "throw Object.assign(new Error('s'), { s: Symbol() })", 'Error', 's'],
  ['getters that throw', "const e = new Error('g'); Object.defineProperty(e, 'message', { get() { throw 1 } }); throw e", 'Error', ''],
  ['a hostile name', "const e = new Error('n'); Object.defineProperty(e, 'name', { get() { throw 1 } }); throw e", 'Error', 'n'],
  ['a hostile stack', "const e = new Error('k'); Object.defineProperty(e, 'stack', { get() { throw 1 } }); throw e", 'Error', 'k'],
  ['a symbol as its name', "const e = new Error('y'); e.name = Symbol(); throw e", 'Error', 'y'],
  ['an object as its message', "const e = new Error('y'); e.message = {}; throw e", 'Error', '[object Object]'],
  // Not a native error, as for structuredClone.
  ['a Proxy of an error', "throw new Proxy(new TypeError('p'), {})", 'GuestError', 'the guest threw an object'],
  [
    'a Proxy with hostile traps',
    'throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 }, ownKeys() { throw 3 } })',
    'Error',
    '',
  ],
  ['a revoked Proxy', 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy', 'Error', ''],
  ['a function', 'throw function named() {}', 'GuestError', 'the guest threw a function'],
  ['a private symbol', "throw Symbol('mine')", 'Error', 'Symbol(mine)'],
  ['a cause that is itself', "const e = new Error('self'); e.cause = e; throw e", 'Error', 'self'],
  [
    'a very deep cause',
    "let e = new Error('end'); for (let i = 0; i < 1e4; i++) e = new Error('deep', { cause: e }); throw e",
    'Error',
    'deep',
  ],
  ['an endless recursion', 'function f() { f() } f()', 'RangeError', 'Maximum call stack size exceeded'],
  ['an endless recursion in toJSON', "const e = new Error('r'); e.toString = () => e.toString(); throw e", 'Error', 'r'],
])('%s', async (_title, source, name, message) => {
  const error = await thrownBy(source)
  expect(error.name).toBe(name)
  expect(error.message).toBe(message)
  expect(error.stack).not.toMatch(/node:|glovebox:|\/src\/|worker\.cjs/)
})

test('an error that is larger than a result may be', async () => {
  const error = await rejection(box.run("throw new Error('m'.repeat(1 << 26))"))
  expect([error.constructor.name, error.code]).toEqual(['OutputLimitError', 'ERR_OUTPUT_LIMIT'])
})

test('an error that pretends to be ours is still the guest’s', async () => {
  const error = await thrownBy(`const e = new Error('Script execution was interrupted'); e.code = 'ERR_TIMEOUT'; e.report = {}; throw e`)
  expect([error.constructor.name, error.code]).toEqual(['GuestError', 'ERR_TIMEOUT'])
})

test.each<[source: string, message: string, place: string]>([
  ['const a = 1;\nconst b = a +* 2;', "Unexpected token '*'", 'bad.js:2\nconst b = a +* 2;\n             ^'],
  ['let a; let a', "Identifier 'a' has already been declared", 'bad.js:1\nlet a; let a\n           ^'],
  ["import 'fs'", 'Cannot use import statement outside a module', "bad.js:1\nimport 'fs'\n^^^^^^"],
  ['f(', 'Unexpected end of input', 'bad.js:1\nf(\n  '],
  ['return 1', 'Illegal return statement', 'bad.js:1\nreturn 1\n^^^^^^'],
])('syntax error with a caret: %s', async (source, message, place) => {
  const error = await thrownBy(source, 'bad.js')
  expect([error.name, error.message, error.stack]).toEqual(['SyntaxError', message, `${place}\n\nSyntaxError: ${message}`])
})

test('a source that overflows the parser', async () => {
  const error = await thrownBy(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)
  const text = 'the source cannot be compiled: it is nested too deeply or too large'
  expect([error.name, error.message, error.stack]).toEqual(['RangeError', text, `RangeError: ${text}`])
  expect(await box.run('1')).toBe(1)
})

test('import() is refused with an error of the guest’s realm', async () => {
  const error = await thrownBy("import('node:fs')")
  expect([error.name, error.message]).toEqual(['TypeError', "Cannot import 'node:fs': no module of that name was given"])
  expect(await box.run("import('fs').catch((e) => e instanceof TypeError)")).toBe(true)
})

test('Error.prepareStackTrace of the guest’s sees guest frames', async () => {
  const source =
    'Error.prepareStackTrace = (error, sites) => sites.map((site) => site.getFunctionName() + site.getLineNumber()).join()\nfunction f() { return new Error().stack }\nf()'
  expect(await box.run(source, { filename: 'p.js' })).toBe('f2,3')
})

test('what a guest rejects and nobody hears harms nobody', async () => {
  await using quiet = await box.createContext()
  await quiet.run("Promise.reject(new Error('unheard')); new Promise(() => { throw 1 }); 0")
  expect(await quiet.run('2')).toBe(2)
})
