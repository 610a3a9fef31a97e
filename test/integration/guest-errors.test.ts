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
  [
    'an error with a getter that throws',
    "throw Object.defineProperty(new Error('g'), 'part', { enumerable: true, get() { throw 1 } })",
    'Error',
    'g',
  ],
  ['getters that throw', "const e = new Error('g'); Object.defineProperty(e, 'message', { get() { throw 1 } }); throw e", 'Error', ''],
  ['a hostile name', "const e = new Error('n'); Object.defineProperty(e, 'name', { get() { throw 1 } }); throw e", 'Error', 'n'],
  ['a hostile stack', "const e = new Error('k'); Object.defineProperty(e, 'stack', { get() { throw 1 } }); throw e", 'Error', 'k'],
  ['a hostile cause', "const e = new Error('c'); Object.defineProperty(e, 'cause', { get() { throw 1 } }); throw e", 'Error', 'c'],
  [
    'nothing but getters that throw',
    "const e = new Error('all'); for (const key of ['name', 'message', 'stack', 'cause', 'errors', 'code']) Object.defineProperty(e, key, { enumerable: true, get() { throw 1 } }); throw e",
    'Error',
    '',
  ],
  ['a symbol as its name', "const e = new Error('y'); e.name = Symbol(); throw e", 'Error', 'y'],
  ['a registered symbol as its name', "throw Object.assign(new Error('y'), { name: Symbol.for('y') })", 'Error', 'y'],
  ['an object as its name', "throw Object.assign(new Error('y'), { name: { toString: 1 } })", 'Error', 'y'],
  ['an object as its message', "const e = new Error('y'); e.message = {}; throw e", 'Error', '[object Object]'],
  ['an object as its message that is no text', "throw Object.assign(new Error('y'), { message: { toString: 1 } })", 'Error', ''],
  ['a number as its stack', "throw Object.assign(new Error('y'), { stack: 42 })", 'Error', 'y'],
  ['an object as its stack', "throw Object.assign(new Error('y'), { stack: { toString: 1 } })", 'Error', 'y'],
  [
    'names that others call',
    "throw Object.assign(new Error('y'), { toString: 1, valueOf: 2, toJSON: 3, then: 4, constructor: 5, value: 6 })",
    'Error',
    'y',
  ],
  [
    'setters on its prototypes',
    "for (const key of ['name', 'message', 'stack', 'f']) Object.defineProperty(Error.prototype, key, { set() { throw 1 }, get() { return 'got' } }); throw Object.assign(new Error('y'), { s: Symbol() })",
    'got',
    'y',
  ],
  ['an error with another prototype', "throw Object.setPrototypeOf(new TypeError('odd'), null)", 'Error', 'odd'],
  [
    'an object that inherits from Error',
    "function Old(m) { this.message = m } Old.prototype = Object.create(Error.prototype, { name: { value: 'Old' } }); throw new Old('old')",
    'Old',
    'old',
  ],
  ['a Proxy of an error', "throw new Proxy(new TypeError('p'), {})", 'TypeError', 'p'],
  [
    'a Proxy of an error with hostile traps',
    "throw new Proxy(new TypeError('p'), { get() { throw 1 }, ownKeys() { throw 2 }, getOwnPropertyDescriptor() { throw 3 } })",
    'Error',
    '',
  ],
  [
    'a Proxy with hostile traps',
    'throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 }, ownKeys() { throw 3 }, has() { throw 4 }, getOwnPropertyDescriptor() { throw 5 } })',
    'GuestError',
    'the guest threw an object',
  ],
  [
    'a Proxy with a trap that throws such a Proxy',
    'const p = () => new Proxy({}, { getPrototypeOf() { throw p() } }); throw p()',
    'GuestError',
    'the guest threw an object',
  ],
  [
    'a revoked Proxy',
    'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy',
    'GuestError',
    'the guest threw an object',
  ],
  [
    'a revoked Proxy of an array',
    'const { proxy, revoke } = Proxy.revocable([], {}); revoke(); throw proxy',
    'GuestError',
    'the guest threw an object',
  ],
  ['a function', 'throw function named() {}', 'GuestError', 'the guest threw a function'],
  [
    'an object with a WeakMap',
    'throw { a: [{ w: new WeakMap() }] }',
    'GuestError',
    'the guest threw an object (value.a[0].w: a WeakMap cannot cross)',
  ],
  [
    'a private symbol',
    "throw Symbol('mine')",
    'GuestError',
    'the guest threw Symbol(mine) (value: a symbol that is not registered with Symbol.for cannot cross)',
  ],
  ['a promise', 'throw Promise.resolve(1)', 'GuestError', 'the guest threw an object (value: a Promise cannot cross)'],
  ['its global object', 'throw globalThis', 'GuestError', 'the guest threw an object'],
  [
    'a string that is too large',
    "throw 'x'.repeat(1 << 25)",
    'GuestError',
    'the guest threw a string (larger than the limit of 16777216 bytes)',
  ],
  ['an error with a part that is too large', "throw Object.assign(new Error('small'), { part: ['x'.repeat(1 << 25)] })", 'Error', 'small'],
  ['an endless recursion', 'function f() { f() } f()', 'RangeError', 'Maximum call stack size exceeded'],
  ['an endless recursion in toJSON', "const e = new Error('r'); e.toString = () => e.toString(); throw e", 'Error', 'r'],
])('%s', async (_title, source, name, message) => {
  const error = await thrownBy(source)
  expect([error.name, error.message]).toEqual([name, message])
  expect(error.stack).not.toMatch(/node:|glovebox:|\/src\/|worker\.cjs/)
  expect([typeof error.stack, error.constructor, String(error)]).toEqual([
    'string',
    GuestError,
    message === '' ? name : `${name}: ${message}`,
  ])
  // The same by way of the realm side alone.
  const rejected = await thrownBy(`(async () => { await 0; ${source} })()`)
  expect([rejected.name, rejected.message]).toEqual([name, message])
})

/** Each shows names, messages and own properties that are left, down the chain of causes. */
test.each<[title: string, source: string, told: unknown]>([
  [
    'an error with a symbol keeps what can cross',
    "throw Object.assign(new TypeError('t', { cause: new RangeError('c') }), { code: 'E_X', symbol: Symbol(), list: [1, Symbol(), new Error('in')], n: 1, o: {} })",
    {
      name: 'TypeError',
      message: 't',
      code: 'E_X',
      n: 1,
      list: [1, undefined, { name: 'Error', message: 'in' }],
      cause: { name: 'RangeError', message: 'c' },
    },
  ],
  [
    'a Proxy of an error',
    "throw new Proxy(Object.assign(new TypeError('p', { cause: [1] }), { code: 'E_P', deep: { a: [1] } }), {})",
    { name: 'TypeError', message: 'p', code: 'E_P', deep: { a: [1] }, cause: [1] },
  ],
])('%s', async (_title, source, told) => {
  const error = await thrownBy(source)
  expect(error).toMatchObject(told as object)
})

test('a cause that is the error itself', async () => {
  const direct = await thrownBy("const e = new Error('self'); e.cause = e; throw e")
  expect(direct.cause).toBe(direct)
  const around = await thrownBy(
    "const a = new Error('a'), b = new Error('b', { cause: a }); a.cause = b; throw Object.assign(a, { s: Symbol() })",
  )
  expect((around.cause as Error).cause).toMatchObject({ message: 'a', cause: around.cause })
})

test('a chain of a million causes is told to a depth of 50', async () => {
  const error = await thrownBy(
    "Error.stackTraceLimit = 0; let e = new Error('end'); for (let i = 0; i < 1e6; i++) e = new RangeError('deep', { cause: e }); throw e",
  )
  let length = 0
  for (let at: unknown = error; at instanceof Error; at = at.cause) length++
  expect([error.name, error.message, length, error.cause instanceof RangeError]).toEqual(['RangeError', 'deep', 50, true])
})

test.each([
  ['its stack', "throw Object.defineProperty(new Error('x'), 'stack', { get() { for (;;); } })"],
  ['its name', "throw Object.defineProperty(new Error('x'), 'name', { get() { for (;;); } })"],
  ['its cause', "throw Object.defineProperty(new Error('x'), 'cause', { get() { for (;;); } })"],
  ['a trap', 'throw new Proxy({}, { getPrototypeOf() { for (;;); } })'],
])('reading %s never ends: the deadline does it', async (_title, source) => {
  for (const code of [`(() => { ${source} })()`, `(async () => { await 0; ${source} })()`]) {
    const error = await rejection(ctx.run(code, { timeout: 50 }))
    expect([error.constructor.name, error.code]).toEqual(['TimeoutError', 'ERR_TIMEOUT'])
  }
  expect(await ctx.run('1 + 1')).toBe(2)
})

test('an error that is larger than a result may be', async () => {
  await ctx.run("function huge() { throw new Error('m'.repeat(1 << 26)) }")
  for (const call of [() => ctx.run('huge()'), () => ctx.run('(async () => huge())()'), () => ctx.call('huge')]) {
    const error = await rejection(call())
    expect([error.constructor.name, error.code, error.message]).toEqual([
      'OutputLimitError',
      'ERR_OUTPUT_LIMIT',
      'larger than the limit of 16777216 bytes',
    ])
  }
})

test('an error that pretends to be ours is still the guest’s', async () => {
  const error = await thrownBy(`const e = new Error('Script execution was interrupted'); e.code = 'ERR_TIMEOUT'; e.report = {}; throw e`)
  expect([error.constructor.name, error.code]).toEqual(['GuestError', 'ERR_TIMEOUT'])
})

test.each<[source: string, message: string, place: string]>([
  ['const a = 1;\nconst b = a +* 2;', "Unexpected token '*'", 'bad.js:2\nconst b = a +* 2;\n             ^'],
  ['let a; let a', "Identifier 'a' has already been declared", 'bad.js:1\nlet a; let a\n           ^'],
  ["import 'fs'", 'Cannot use import statement outside a module', "bad.js:1\nimport 'fs'\n^^^^^^"],
  ['f(', 'Unexpected end of input', 'bad.js:1\nf(\n  ^'],
  ['let s = “x”', 'Invalid or unexpected token', 'bad.js:1\nlet s = “x”\n        ^'],
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
