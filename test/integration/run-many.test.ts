import type { Box, Context, Outcome, OutputLimitError, ReportedError } from 'glovebox'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { DEFAULT_MAX_ITEMS } from '../../src/protocol/values/value-options.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { RawWorkerClient } from '../support/raw-worker-client.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})
beforeEach(async () => {
  ctx = await box.createContext({ double: (n: number) => 2 * n, later: async (n: number) => 3 * n })
})
afterEach(async () => {
  await ctx.dispose()
})

async function all(outcomes: AsyncIterable<Outcome>): Promise<Outcome[]> {
  const list: Outcome[] = []
  for await (const outcome of outcomes) list.push(outcome)
  return list
}

/** Values as they are, failures as their class, code and the first words. */
const shown = (outcome: Outcome): unknown => {
  if (outcome.status === 'fulfilled') return outcome.value
  const { name, message, code } = outcome.reason as Error & { code?: string }
  return [name, code, message.slice(0, 40)]
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

test.each<[title: string, source: string, inputs: Iterable<unknown>, outcomes: unknown[]]>([
  [
    'a function',
    '(x, index) => [x, index]',
    ['a', 'b'],
    [
      ['a', 0],
      ['b', 1],
    ],
  ],
  ['a function declared before', 'function f(x) { return x + 1 }; f', [1, 2], [2, 3]],
  ['a script with the global input', 'input * 2', [1, 2, 3], [2, 4, 6]],
  ['a script with declarations of its own', 'const y = input * 2; let z = y; z', [1, 2, 3], [2, 4, 6]],
  ['state that stays from input to input', 'var n = 0; (x) => { n += x; return n }', [1, 2, 3], [1, 3, 6]],
  [
    'values of all kinds',
    '(x) => x',
    [new Map([[1, new Set([2])]]), undefined, null, -0, 5n],
    [new Map([[1, new Set([2])]]), undefined, null, -0, 5n],
  ],
  ['another iterable', '(x) => x', new Set([1, 2]), [1, 2]],
  ['no input', '(x) => x', [], []],
  ['promises, in order', '(x) => x % 2 ? Promise.resolve(x) : x', [1, 2, 3, 4], [1, 2, 3, 4]],
  ['an async script', 'Promise.resolve(input)', [1, 2, 3], [1, 2, 3]],
  ['host functions', 'async (x) => double(x) + await later(x)', [1, 2], [5, 10]],
  [
    'errors, which stop nothing',
    "(x) => { if (x === 2) throw new TypeError('two'); return x }",
    [1, 2, 3],
    [1, ['TypeError', 'ERR_GUEST', 'two'], 3],
  ],
  ['an error for the first input', "if (input === 1) throw new Error('one'); input", [1, 2], [['Error', 'ERR_GUEST', 'one'], 2]],
  ['a rejection', "async (x) => { if (x === 1) throw new RangeError('r'); return x }", [1, 2], [['RangeError', 'ERR_GUEST', 'r'], 2]],
  [
    'what cannot cross',
    '(x) => x === 1 ? { a: [Symbol()] } : x',
    [1, 2],
    [['ValueError', 'ERR_VALUE_UNSUPPORTED', 'value.a[0]: a symbol that is not registe'], 2],
  ],
  [
    'thrown nonsense',
    '(x) => { throw x }',
    [null, 1],
    [
      ['GuestError', 'ERR_GUEST', 'the guest threw null'],
      ['GuestError', 'ERR_GUEST', 'the guest threw 1'],
    ],
  ],
  [
    'a hostile thrown value',
    '(x) => { throw new Proxy({}, { ownKeys() { throw 1 } }) }',
    [1],
    [['GuestError', 'ERR_GUEST', 'the guest threw an object']],
  ],
  ['a function that asks for its this', 'function f() { "use strict"; return this } f', [1], [undefined]],
])('%s', async (_title, source, inputs, outcomes) => {
  const got = await all(ctx.runMany(source, inputs))
  expect(got.map(({ index }) => index)).toEqual(numbers(outcomes.length))
  expect(got.map(shown)).toEqual(outcomes)
})

test('each input has its own deadline, and time-outs stop nothing', async () => {
  const source = '(x) => { if (x === 1) for (;;); if (x === 2) return new Promise(() => {}); return x }'
  const found = await all(ctx.runMany(source, numbers(5), { timeout: 200 }))
  for (const n of [1, 2]) {
    const { report } = (found[n] as { readonly reason: ReportedError }).reason
    expect(report).toMatchObject({ phase: 'run', limit: 'timeout', configured: 200, observed: report?.wallMs })
    expect(report?.wallMs).toBeGreaterThanOrEqual(199)
    // One of them computes until its deadline, the other waits.
    expect((report?.cpuMs ?? 0) > 40).toBe(n === 1)
    expect(report?.peakRssBytes).toBeGreaterThan(2 ** 20)
  }
  const outcomes = found.map(shown)
  expect(outcomes.filter((_, n) => n !== 1 && n !== 2)).toEqual([0, 3, 4])
  for (const n of [1, 2]) expect(outcomes[n]).toEqual(['TimeoutError', 'ERR_TIMEOUT', expect.stringMatching(/^run \d+ /)])
  expect(await ctx.run('1')).toBe(1)
})

test('a result that is too large has a report of its input', async () => {
  await using small = await box.createContext({}, { limits: { maxOutput: 100 } })
  // The first input is answered by itself, the others by the slice.
  const found = await all(small.runMany("input === 1 ? 1 : 'x'.repeat(1_000)", numbers(3)))
  expect(found.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected'])
  for (const n of [0, 2]) {
    const { code, report } = (found[n] as { readonly reason: OutputLimitError }).reason
    expect([code, report]).toMatchObject(['ERR_OUTPUT_LIMIT', { phase: 'result', limit: 'maxOutput', configured: 100 }])
    expect((report?.peakRssBytes ?? 0) > 0).toBe(n === 0)
  }
})

test('a promise that settles too late is the outcome of no other input', async () => {
  const source = '(x) => new Promise((resolve) => setTimeout(resolve, x === 0 ? 380 : 100, x))'
  const outcomes = (await all(ctx.runMany(source, numbers(4), { timeout: 300 }))).map(shown)
  expect(outcomes).toEqual([['TimeoutError', 'ERR_TIMEOUT', expect.anything()], 1, 2, 3])
})

test('what the last inputs left behind runs on: each input has one outcome, and the next run works', async () => {
  const events: string[] = []
  ctx.on('uncaughtException', (error) => events.push(String((error as { code?: string }).code)))
  const source = '(x) => { if (x === 2) queueMicrotask(() => { for (;;); }); return x }'
  expect((await all(ctx.runMany(source, numbers(3), { timeout: 50 }))).map(shown)).toEqual([0, 1, 2])
  expect(await ctx.run('1')).toBe(1)
  expect(events).toEqual(['ERR_TIMEOUT'])
})

test('cancelled while the first input waits for the host: the whole run ends', async () => {
  await using client = await RawWorkerClient.connect(daemon.socket)
  client.send({ type: 'create', run: 1, context: 1 }, { sync: () => 1 })
  client.send({ type: 'many', run: 2, context: 1, timeoutMs: 60_000, filename: undefined, source: 'sync(input)' }, [1, 2])
  await client.heard('hostCall')
  client.send({ type: 'cancel', run: 2 })
  expect(await client.outcome(2)).toMatchObject({ type: 'failed', message: 'cancelled' })
  client.send({ type: 'run', run: 3, context: 1, timeoutMs: 60_000, filename: undefined, source: '3' })
  expect(await client.outcome(3)).toMatchObject({ type: 'done', value: 3 })
})

test('a hundred thousand inputs, with other runs in between', async () => {
  const outcomes = ctx.runMany('(x) => x * 2', numbers(100_000))
  let count = 0
  let sum = 0
  const others: Promise<unknown>[] = []
  for await (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') sum += outcome.value as number
    if (++count % 10_000 === 0) others.push(ctx.run('1 + 1'))
  }
  expect([count, sum, await Promise.all(others)]).toEqual([100_000, 9_999_900_000, Array(10).fill(2)])
})

test('a client that does not take outcomes stops the run, which goes on when it does', async () => {
  await ctx.run('var seen = 0')
  const outcomes = ctx.runMany('(x) => { seen++; return "y".repeat(50_000) }', numbers(1_000))
  await outcomes.next()
  const seen = await eventually('a standstill', async () => {
    const before = await ctx.run('seen')
    await ctx.run('new Promise((resolve) => setTimeout(resolve, 50))')
    return (await ctx.run('seen')) === before ? (before as number) : false
  })
  expect(seen).toBeLessThan(200)
  expect((await all(outcomes)).length).toBe(999)
})

test('breaking off ends the run', async () => {
  await ctx.run('var seen = 0')
  for await (const { index } of ctx.runMany('(x) => { seen++; return x }', numbers(1_000_000))) if (index === 10) break
  expect(
    await eventually('the end', async () => {
      const before = await ctx.run('seen')
      return before === (await ctx.run('seen')) ? (before as number) : false
    }),
  ).toBeLessThan(1_000_000)
})

test('a signal ends the run, with its reason', async () => {
  const controller = new AbortController()
  const outcomes = ctx.runMany('(x) => new Promise(() => {})', [1, 2], { signal: controller.signal })
  const first = rejection(outcomes.next())
  controller.abort(new Error('enough'))
  expect((await first).message).toBe('enough')
  expect(await outcomes.next()).toEqual({ done: true, value: undefined })
  expect(await ctx.run('1')).toBe(1)
})

test('disposing of the context fails what is left', async () => {
  const outcomes = ctx.runMany('(x) => new Promise(() => {})', [1, 2])
  const first = rejection(outcomes.next())
  await ctx.dispose()
  expect((await first).code).toBe('ERR_CONTEXT_LOST')
})

test('a context of its own, which is gone afterwards', async () => {
  expect((await all(box.runMany('typeof double + input', [1, 2]))).map(shown)).toEqual(['undefined1', 'undefined2'])
})

test.each<[title: string, start: () => AsyncIterator<Outcome>, code: string | undefined, message: RegExp]>([
  ['a script that does not parse', () => ctx.runMany('(', [1]), 'ERR_GUEST', /Unexpected end of input/],
  ['an input that cannot cross', () => ctx.runMany('1', [{ a: new WeakMap() }]), 'ERR_VALUE_UNSUPPORTED', /value\[0\]\.a/],
  [
    'inputs that throw',
    () =>
      box.runMany('1', {
        [Symbol.iterator]() {
          throw new Error('mine')
        },
      }),
    undefined,
    /mine/,
  ],
])('%s fails the whole run', async (_title, start, code, message) => {
  const error = await rejection(start().next())
  expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
})

test('inputs that are not iterable', () => {
  expect(() => ctx.runMany('1', 5 as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
})

test('inputs without end are refused, and closed', async () => {
  let isClosed = false
  function* endless(): Generator<number, undefined, undefined> {
    try {
      for (let n = 0; ; n++) yield n
    } finally {
      isClosed = true
    }
  }
  const error = await rejection(Array.fromAsync(box.runMany('(n) => n', endless())))
  expect([error.code, error.message, isClosed]).toEqual([
    'ERR_VALUE_TOO_LARGE',
    `value: more than the limit of ${DEFAULT_MAX_ITEMS} items`,
    true,
  ])
}, 60_000)

test.each([undefined, 'rule.js', "odd 'name' (1) %20 文.js"])('stacks of each input, of a source named %s', async (filename) => {
  const file = filename ?? 'evalmachine.<anonymous>'
  const source = "function check(n) {\n  if (n !== 1) throw new Error('x')\n}\ncheck(input)"
  const outcomes = await all(ctx.runMany(source, [0, 1, 2, 3], filename === undefined ? {} : { filename }))
  const failed = `Error: x\n    at check (${file}:2:22)\n    at ${file}:4:1`
  const stacks = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? '' : (outcome.reason as Error).stack))
  expect(stacks).toEqual([failed, '', failed, failed])
})
