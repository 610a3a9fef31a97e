import type { Box, ConsoleEvent, Context, GuestLimits, LimitWarning, Script } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashOf, makeToken } from '../../src/daemon/tenants/token.ts'
import { CHANNEL_LIMITS, channelLimitsOf } from '../../src/protocol/channel-limits.ts'
import { MAX_TIMERS } from '../../src/protocol/limits.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { RawWorkerClient } from '../support/raw-worker-client.ts'

checkLeaks()
const FREE = makeToken()
const TIGHT = makeToken()
const LOW = {
  timeout: 10_000,
  maxOutput: 1_000,
  maxDepth: 3,
  maxSource: 300,
  maxConsole: 500,
  maxConsoleLines: 3,
  maxHostCalls: 5,
  maxHostCallsInFlight: 2,
} as const
const OF_RUN = ['maxOutput', 'maxDepth', 'maxHostCalls'] as const
const OF_GUESTS = [...OF_RUN, 'maxConsole', 'maxConsoleLines', 'maxHostCallsInFlight'] as const
const some = (names: readonly (keyof GuestLimits)[]): GuestLimits => Object.fromEntries(names.map((name) => [name, LOW[name]]))

let daemon: TestDaemon
let free: Box
let tight: Box
let connected: Box
beforeAll(async () => {
  const tenants = {
    free: { tokens: [hashOf(FREE.token)] },
    tight: {
      tokens: [hashOf(TIGHT.token)],
      uids: [process.getuid?.() ?? 0],
      limits: { ...LOW, maxTimeout: 20_000, maxContexts: 3, maxWorkers: 1 },
    },
  }
  daemon = await testDaemon({ policy: { tenants } })
  free = await daemon.connect({ token: FREE.token })
  tight = await daemon.connect({ token: TIGHT.token })
  connected = await daemon.connect({ token: FREE.token, limits: LOW })
})
afterAll(async () => {
  await Promise.all([free.dispose(), tight.dispose(), connected.dispose()])
  await daemon[Symbol.asyncDispose]()
})

type Run = (source: string) => Promise<unknown>
interface Way {
  readonly names: readonly string[]
  readonly use: (globals: Record<string, unknown>, hear: (event: ConsoleEvent) => void, call: (run: Run) => Promise<void>) => Promise<void>
}
const inContext =
  (make: (globals: Record<string, unknown>) => Promise<Context>, options = {}): Way['use'] =>
  async (globals, hear, call) => {
    await using ctx = await make(globals)
    ctx.on('console', hear)
    await call(async (source) => ctx.run(source, options))
  }
const ALL = Object.keys(LOW)
const WAYS: Readonly<Record<string, Way>> = {
  'the policy': { names: ALL, use: inContext(async (globals) => tight.createContext(globals)) },
  'connect()': { names: ALL, use: inContext(async (globals) => connected.createContext(globals)) },
  'createContext()': { names: ALL, use: inContext(async (globals) => free.createContext(globals, { limits: LOW })) },
  'a run in a context': { names: OF_RUN, use: inContext(async (globals) => free.createContext(globals), some(OF_RUN)) },
  'a run of its own': {
    names: OF_GUESTS,
    async use(globals, hear, call) {
      free.on('console', hear)
      await call(async (source) => free.run(source, { globals, ...some(OF_GUESTS) }))
      free.off('console', hear)
    },
  },
}

/** What each source comes to: a value, or the error's class and code and what its report says. */
const AT_AND_ABOVE: readonly (readonly [limit: keyof typeof LOW, source: string, outcome: unknown])[] = [
  ['maxOutput', "'x'.repeat(997).length", 997],
  ['maxOutput', "'x'.repeat(997)", 'x'.repeat(997)],
  ['maxOutput', "'x'.repeat(998)", ['OutputLimitError', 'ERR_OUTPUT_LIMIT', 'maxOutput', 1_000, 1_001, 'result']],
  ['maxOutput', "['x'.repeat(996)]", ['x'.repeat(996)]],
  ['maxOutput', "['x'.repeat(997)]", ['OutputLimitError', 'ERR_OUTPUT_LIMIT', 'maxOutput', 1_000, 1_001, 'result']],
  ['maxOutput', "Promise.resolve(['x'.repeat(997)])", ['OutputLimitError', 'ERR_OUTPUT_LIMIT', 'maxOutput', 1_000, 1_001, 'result']],
  ['maxOutput', "Promise.resolve('x'.repeat(998))", ['OutputLimitError', 'ERR_OUTPUT_LIMIT', 'maxOutput', 1_000, 1_001, 'result']],
  // What is thrown is told all the same.
  ['maxOutput', "throw new Error('x'.repeat(2_000))", ['GuestError', 'ERR_GUEST', undefined, undefined, undefined, undefined]],
  ['maxDepth', '[[[0]]]', [[[0]]]],
  ['maxDepth', '[[[[0]]]]', ['ValueError', 'ERR_VALUE_TOO_DEEP', 'maxDepth', 3, 4, 'result']],
  ['maxDepth', 'Promise.resolve([[[[0]]]])', ['ValueError', 'ERR_VALUE_TOO_DEEP', 'maxDepth', 3, 4, 'result']],
  ['maxSource', "'".padEnd(299) + "'", "'".padEnd(299).slice(1)],
  ['maxSource', "'".padEnd(300) + "'", ['LimitError', 'ERR_SOURCE_LIMIT', 'maxSource', 300, 301, 'queued']],
  ['maxHostCalls', 'for (let i = 0; i < 5; i++) f(); 5', 5],
  ['maxHostCalls', 'for (let i = 0; i < 6; i++) f()', ['GuestError', 'ERR_HOST_CALL_LIMIT', undefined, undefined, undefined, undefined]],
  ['maxHostCalls', 'let n = 0; try { for (;;) { f(); n++ } } catch (error) { n + error.code }', '5ERR_HOST_CALL_LIMIT'],
  ['maxHostCallsInFlight', 'never(); never(); 2', 2],
  ['maxHostCallsInFlight', 'never(); never(); never().catch((error) => error.code)', 'ERR_HOST_CALL_LIMIT'],
]

/** Levels of what is heard. */
const CONSOLE: readonly (readonly [limit: string, source: string, levels: readonly string[]])[] = [
  ['maxConsoleLines', 'for (let i = 0; i < 3; i++) console.log(i)', ['log', 'log', 'log']],
  ['maxConsoleLines', 'for (let i = 0; i < 5; i++) console.log(i)', ['log', 'log', 'log', 'warn']],
  ['maxConsole', "console.log('x'.repeat(200))", ['log']],
  ['maxConsole', "console.log('x'.repeat(250))", ['warn']],
  ['maxConsole', "for (let i = 0; i < 3; i++) console.log('x'.repeat(200))", ['log', 'warn']],
]

describe.each(Object.entries(WAYS))('lowered by %s', (_title, { names, use }) => {
  test.each(AT_AND_ABOVE.filter(([limit]) => names.includes(limit)))('%s: %s', async (_limit, source, outcome) => {
    const globals = { f: () => 1, never: async () => new Promise(() => undefined) }
    await use(
      globals,
      () => undefined,
      async (run) => {
        const [result, error] = await run(source).then(
          (value) => [value, undefined] as const,
          (reason: unknown) => [undefined, reason as Error & { code: string; report?: Record<string, unknown> }] as const,
        )
        const { limit, configured, observed, phase } = error?.report ?? {}
        expect(error === undefined ? result : [error.constructor.name, error.code, limit, configured, observed, phase]).toEqual(outcome)
      },
    )
  })

  test.each(names.includes('maxConsole') ? CONSOLE : [])('%s: %s', async (_limit, source, levels) => {
    const heard: string[] = []
    await use(
      {},
      ({ level }) => heard.push(level),
      async (run) => void (await run(source)),
    )
    expect(heard).toEqual(levels)
  })
})

describe('a deadline', () => {
  test('of a context is that of its runs, calls and functions, unless they say otherwise', async () => {
    await using ctx = await free.createContext({}, { limits: { timeout: 30 } })
    const spin = (await ctx.run('(() => { for (;;); })', { timeout: 5_000 })) as () => Promise<unknown>
    for (const call of [ctx.run('for (;;);'), ctx.call('eval', 'for (;;);'), spin()])
      expect((await rejection(call)).report).toMatchObject({ limit: 'timeout', configured: 30 })
    expect(await ctx.run('1', { timeout: 5_000 })).toBe(1)
  })
})

test('outcomes of runMany, compiled scripts and modules', async () => {
  await using ctx = await free.createContext({}, { limits: { maxOutput: 1_000, maxSource: 100 } })
  const bytes = [997, 998, 5]
  for (const make of [
    "'x'.repeat(input)",
    "(input) => 'x'.repeat(input)",
    "(input) => ['x'.repeat(input - 1)]",
    "async (input) => 'x'.repeat(input)",
  ]) {
    const codes: unknown[] = []
    for await (const outcome of ctx.runMany(make, bytes))
      codes.push(outcome.status === 'fulfilled' ? outcome.status : (outcome.reason as { code: unknown }).code)
    expect([make, codes]).toEqual([make, ['fulfilled', 'ERR_OUTPUT_LIMIT', 'fulfilled']])
  }
  const scripts = await Promise.all([100, 101].map(async (length) => free.compile('7;'.padEnd(length))))
  expect(await ctx.run(scripts[0] as Script)).toBe(7)
  expect((await rejection(ctx.run(scripts[1] as Script))).report).toMatchObject({ limit: 'maxSource', configured: 100, observed: 101 })
  expect(await free.run(scripts[1] as Script)).toBe(7)
  const of = (length: number) => ({ modules: { a: 'export default 7;'.padEnd(length) }, exports: false })
  expect((await rejection(ctx.import('a', of(200)))).code).toBe('ERR_MODULE_LIMIT')
  await ctx.import('a', of(50))
})

test('a limit of a run holds while that is under way, for all of its context', async () => {
  await using ctx = await free.createContext({ f: () => 1 })
  const first = ctx.run('new Promise((resolve) => { globalThis.end = resolve })', { maxHostCalls: 3, maxOutput: 20 })
  expect(await ctx.run('f(); f(); f(); try { f() } catch (error) { error.code }')).toBe('ERR_HOST_CALL_LIMIT')
  expect(await ctx.run("'x'.repeat(100).length + 'x'.repeat(100)")).toHaveLength(103)
  const ended = rejection(first)
  await ctx.run("end(['x'.repeat(30)])")
  expect((await ended).code).toBe('ERR_OUTPUT_LIMIT')
  expect(await ctx.run('for (let i = 0; i < 100; i++) f(); 100')).toBe(100)
})

describe('contexts', () => {
  test('of a tenant in one worker', async () => {
    const made = await Promise.all([tight.createContext(), tight.createContext(), tight.createContext()])
    const error = await rejection(tight.run('1'))
    expect([error.constructor.name, error.code, error.report]).toEqual([
      'LimitError',
      'ERR_CONTEXT_LIMIT',
      expect.objectContaining({ limit: 'maxContexts', configured: 3, observed: 4, phase: 'queued' }),
    ])
    for (const context of made) await context.dispose()
  })

  test('of a connection in one worker', async () => {
    await using box = await daemon.connect({ token: FREE.token, limits: { maxContexts: 1 } })
    await using first = await box.createContext()
    const others = await Promise.allSettled([box.createContext(), box.createContext(), box.createContext(), box.createContext()])
    const refused = others.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({
      code: 'ERR_CONTEXT_LIMIT',
      report: { limit: 'maxContexts', configured: 1 },
    })
    expect(await first.run('1')).toBe(1)
    // Other connections of the tenant are not concerned.
    expect(await free.run('1')).toBe(1)
  })
})

describe('raising is refused', () => {
  const refusal = async (call: Promise<unknown>): Promise<unknown[]> => {
    const error = await rejection(call)
    return [error.constructor.name, error.code, error.message]
  }
  const over = (name: string, min: number, max: number): unknown[] => [
    'InvalidOptionError',
    'ERR_INVALID_OPTION',
    `option '${name}' must be a whole number from ${min} to ${max}, got ${max + 1}`,
  ]

  test.each([
    ['timeout', 1, 20_000],
    ['maxOutput', 16, 1_000],
    ['maxDepth', 1, 3],
    ['maxSource', 1, 300],
    ['maxConsole', 0, 500],
    ['maxConsoleLines', 0, 3],
    ['maxHostCalls', 0, 5],
    ['maxHostCallsInFlight', 1, 2],
    ['maxContexts', 1, 3],
  ])('%s', async (name, min, max) => {
    const expected = over(name, min, max)
    expect(await refusal(daemon.connect({ token: TIGHT.token, limits: { [name]: max + 1 } }))).toEqual(expected)
    await (await daemon.connect({ token: TIGHT.token, limits: { [name]: max } })).dispose()
    const isIn = (names: readonly string[]): boolean => names.includes(name)
    const calls: (() => Promise<unknown>)[] = [
      ...(name === 'maxContexts' ? [] : [async () => tight.createContext({}, { limits: { [name]: max + 1 } })]),
      ...(isIn([...OF_GUESTS, 'timeout']) ? [async () => tight.run('1', { [name]: max + 1 })] : []),
    ]
    if (isIn(OF_RUN)) {
      const ctx = await free.createContext({}, { limits: { [name]: max } })
      calls.push(async () => ctx.run('1', { [name]: max + 1 }))
    }
    for (const call of calls) expect(await refusal(call())).toEqual(expected)
  })
})

test('a client that says what it likes gets no more than its tenant may have', async () => {
  await using client = await RawWorkerClient.connect(daemon.socket)
  const most = channelLimitsOf((name) => CHANNEL_LIMITS[name].max)
  const once = { type: 'once', timeoutMs: 10_000, filename: undefined } as const
  client.send({ type: 'limits', context: 0, run: 0, limits: most })
  for (const [index, source] of ["'x'.repeat(998)", '[[[[0]]]]', '7;'.padEnd(301), "'x'.repeat(997).length"].entries()) {
    const number = index + 1
    client.send({ type: 'limits', context: number, run: 0, limits: most })
    client.send({ ...once, run: number, context: number, source })
  }
  const answers = await Promise.all([1, 2, 3, 4].map(async (run) => client.outcome(run)))
  expect(answers).toMatchObject([
    { type: 'limited', limit: 'maxOutput', configured: 1_000 },
    { type: 'limited', limit: 'maxDepth', configured: 3 },
    { type: 'limited', limit: 'maxSource', configured: 300 },
    { type: 'done', value: 997 },
  ])
})

describe('warnings', () => {
  test.each([
    ['maxHostCalls', 10, 'for (let i = 0; i < 7; i++) f()', 'f(); f()', { configured: 10, observed: 8 }],
    ['maxConsoleLines', 10, 'for (let i = 0; i < 7; i++) console.log()', 'console.log()', { configured: 10, observed: 8 }],
    ['maxOutput', 100, "'x'.repeat(77)", "'x'.repeat(78)", { configured: 100, observed: 80 }],
    [
      'maxTimers',
      undefined,
      `for (let i = 1; i < ${0.8 * MAX_TIMERS}; i++) setTimeout(f, 1e6)`,
      'void setTimeout(f, 1e6)',
      { configured: MAX_TIMERS, observed: 0.8 * MAX_TIMERS },
    ],
  ])('%s', async (limit, value, below, more, warning) => {
    await using box = await daemon.connect({ token: FREE.token })
    const all: LimitWarning[] = []
    box.on('warning', (each) => all.push(each))
    await using ctx = await box.createContext({ f: () => 1 }, { limits: value === undefined ? {} : { [limit]: value } })
    const heard: LimitWarning[] = []
    ctx.on('warning', (each) => heard.push(each))
    // Calls count from when the context gets busy.
    const busy = rejection(ctx.run('new Promise(() => {})', { signal: AbortSignal.timeout(60_000) }))
    await ctx.run(below)
    expect(heard).toEqual([])
    for (let i = 0; i < 3; i++) await ctx.run(more).catch(() => undefined)
    expect(heard).toEqual([{ limit, ...warning, worker: expect.any(Number) as number, message: expect.stringContaining(limit) as string }])
    expect(all).toEqual(heard)
    await ctx.dispose()
    await busy
  })

  test('contexts', async () => {
    await using box = await daemon.connect({ token: TIGHT.token })
    const heard: LimitWarning[] = []
    box.on('warning', (each) => heard.push(each))
    const contexts = [await box.createContext(), await box.createContext()]
    expect(heard).toEqual([])
    contexts.push(await box.createContext())
    expect(heard).toMatchObject([{ limit: 'maxContexts', configured: 3, observed: 3 }])
    for (const context of contexts) await context.dispose()
  })

  test('a worker that warns without end', async () => {
    await using hostile = await testDaemon({}, 'warns')
    await using box = await hostile.connect()
    const heard: LimitWarning[] = []
    box.on('warning', (each) => heard.push(each))
    await box.run('1')
    expect(heard).toMatchObject([{ limit: 'maxTimers', configured: 10, observed: 9 }])
  })
})

test('a worker that gives more than its client wants is ended', async () => {
  await using hostile = await testDaemon({}, 'answers-large')
  await using box = await hostile.connect({ limits: { maxOutput: 1_000 } })
  const error = await rejection(box.run('1'))
  expect([error.code, error.message]).toEqual([
    'ERR_PROTOCOL',
    expect.stringContaining('a result of 300005 bytes, over the limit of 262144'),
  ])
  await using unlimited = await hostile.connect()
  expect(await unlimited.run('1')).toHaveLength(300_000)
})
