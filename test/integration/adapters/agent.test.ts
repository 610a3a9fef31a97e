import { createExecutor, type Execution, type Executor } from 'glovebox/agent'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Box } from 'glovebox'
import { type TestDaemon, testDaemon } from '../../support/daemons.ts'
import { rejection } from '../../support/eventually.ts'
import { checkLeaks } from '../../support/leaks.ts'

checkLeaks()

let daemon: TestDaemon
let box: Box
let executor: Executor
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  executor = createExecutor({ box })
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const done = (result: unknown, ...logs: string[]): Execution => ({ result, logs })

test.each<[what: string, code: string, outcome: Execution]>([
  ['an expression', '6 * 7', done(42)],
  ['an expression with a comment at its end', '6 * 7 // six times seven', done(42)],
  ['an object', '{ a: 1 }', done({ a: 1 })],
  ['an awaited expression', 'await Promise.resolve([1, 2])', done([1, 2])],
  ['an arrow function, which is called', 'async () => { const n = await 20; return n + 1 }', done(21)],
  ['a function, which is called', 'function main() { return 3 }', done(3)],
  ['statements with return', 'const n = await 20\nreturn n + 1', done(21)],
  ['statements without return', 'const n = 20', done(undefined)],
  ['what the console says', 'console.log("a", { b: 1 }); console.warn("c"); return 1', done(1, 'a { b: 1 }', '[warn] c')],
  ['no code', '', done(undefined)],
  [
    'what JSON does not know',
    'return { big: 10n, date: new Date(0), map: new Map([["a", 1]]), set: new Set([1]), error: new TypeError("no"), no: undefined, fn() {}, bytes: new Uint8Array([1, 2]) }',
    done({
      big: '10',
      date: '1970-01-01T00:00:00.000Z',
      map: [['a', 1]],
      set: [1],
      error: { name: 'TypeError', message: 'no' },
      bytes: [1, 2],
    }),
  ],
  ['a __proto__', 'return JSON.parse(\'{"__proto__": 1, "then": 2}\')', done(JSON.parse('{"__proto__": 1, "then": 2}'))],
])('%s', async (_what, code, outcome) => {
  expect(await executor.execute(code)).toEqual(outcome)
})

test('functions, and objects of them, are globals', async () => {
  const functions = {
    github: { issue: async ({ id }: { id: number }) => ({ id, title: 'Broken' }), search: { code: (text: string) => [text] } },
    now: () => 5,
  }
  const code = `
    const issue = await github.issue({ id: 7 })
    return [issue.title, now(), github.search.code('x')]`
  expect(await executor.execute(code, functions)).toEqual(done(['Broken', 5, ['x']]))
})

test('TypeScript, for all or for one', async () => {
  const code = 'const n: number = 1\nreturn n as unknown'
  expect(await executor.execute(code, {}, { language: 'ts' })).toEqual(done(1))
  expect(await createExecutor({ box, language: 'ts' }).execute('(n?: number): string => "typed"')).toEqual(done('typed'))
})

describe('what goes wrong is told', () => {
  test.each<[what: string, code: string, error: object]>([
    [
      'what is thrown',
      'const a = 1\nnull.b',
      { name: 'TypeError', code: 'ERR_GUEST', stack: expect.stringMatching(/at .*agent\.js:2:6\)?$/m) },
    ],
    [
      'what does not parse',
      'const a = 1\nlet let = 2',
      { name: 'SyntaxError', stack: expect.stringMatching(/^agent\.js:2\nlet let = 2\n/) },
    ],
    ['no Error', 'throw 7', { name: 'GuestError', message: 'the guest threw 7' }],
    ['a cycle', 'const a = {}; a.a = a; return a', { name: 'TypeError' }],
    ['an endless loop', 'for (;;);', { name: 'TimeoutError', code: 'ERR_TIMEOUT' }],
    ['a promise that never settles', 'await new Promise(() => {})', { name: 'TimeoutError', code: 'ERR_TIMEOUT' }],
    ['a function that there is not', 'return tools.nothing()', { name: 'TypeError', message: 'tools.nothing is not a function' }],
    ['what a function throws', 'return tools.fail()', { name: 'RangeError', message: 'no', code: 'E_NO' }],
    ['what escapes from its wrapper', 'Promise.prototype.then = () => "{"', { message: 'the code gave no JSON' }],
  ])('%s', async (_what, code, error) => {
    const fail = (): never => {
      throw Object.assign(new RangeError('no'), { code: 'E_NO' })
    }
    const outcome = await executor.execute(code, { tools: { fail } }, { timeout: 500 })
    expect(outcome.error).toMatchObject(error)
    expect(outcome.result).toBe(undefined)
    expect(JSON.parse(JSON.stringify(outcome))).toMatchObject({ error: { message: expect.any(String) as unknown } })
  })

  test('with the logs until then', async () => {
    const { error, logs } = await executor.execute('console.log("begun"); for (;;);', {}, { timeout: 100 })
    expect([error?.code, logs]).toEqual(['ERR_TIMEOUT', ['begun']])
  })
})

test('nothing stays from one execution to the next', async () => {
  await executor.execute('globalThis.left = 1; Array.prototype.left = 1')
  expect(await executor.execute('[typeof left, [].left]')).toEqual(done(['undefined', null]))
})

test('logs have an end', async () => {
  const short = createExecutor({ box, maxLogs: 5 })
  expect((await short.execute('console.log("1234"); console.log("56"); console.log("7")')).logs).toEqual(['1234', '[2 more were left out]'])
})

test('a signal cancels, and wrong arguments are refused', async () => {
  const reason = new Error('enough')
  expect(await rejection(executor.execute('for (;;);', {}, { signal: AbortSignal.abort(reason) }))).toBe(reason)
  expect((await rejection(executor.execute('1', { a: { b: 1 } } as never))).message).toBe(
    "option 'functions.a.b' must be an object of functions, got 1",
  )
  expect((await rejection(executor.execute('1', {}, { timeout: 0 }))).code).toBe('ERR_INVALID_OPTION')
  expect(() => createExecutor({ tiemout: 1 } as never)).toThrow("option 'tiemout' is not an option of createExecutor()")
})
