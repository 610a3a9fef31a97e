import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Box, Context, OutputLimitError } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeToken } from '../../src/daemon/tenants/token.ts'
import { ERROR_CODES } from '../../src/protocol/error-codes.ts'
import { type TestDaemon, temporaryDirectory, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { CONTROL_HELLO, RawClient } from '../support/raw-peer.ts'
import { RawWorkerClient } from '../support/raw-worker-client.ts'

checkLeaks()

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await testDaemon({ spare: 1, max: 6 })
})
afterAll(async () => daemon[Symbol.asyncDispose]())

const summary = (error: Error & { readonly code?: string }) => [error.constructor.name, error.code]
const LOST = ['ContextLostError', 'ERR_CONTEXT_LOST']
const names = async (box: Box) => (await box.status()).names.map(({ name }) => name)
const boundWorkers = async (box: Box) => (await box.status()).workers.filter(({ state }) => state === 'bound')

async function killWorkers(box: Box): Promise<void> {
  const killed = await boundWorkers(box)
  for (const { pid } of killed) {
    try {
      process.kill(pid as number, 'SIGKILL')
    } catch {
      // Somebody else did.
    }
  }
  await eventually('their end', async () => (await boundWorkers(box)).every(({ pid }) => killed.every((worker) => worker.pid !== pid)))
}

test('clients share a context: globals, runs that interleave, what it says', async () => {
  await using one = await daemon.connect()
  await using two = await daemon.connect()
  const heard: string[] = []
  await using first = await one.createContext({ n: 1 }, { name: 'shared' })
  await using second = await two.createContext({ n: 100 }, { name: 'shared' })
  await using other = await two.createContext({ n: 7 }, { name: 'another' })
  first.on('console', ({ text }) => heard.push(`one ${text}`))
  second.on('console', ({ text }) => heard.push(`two ${text}`))
  expect(await second.run('n++; var seen = new Map([[1, "a"]]); n')).toBe(2)
  expect(await first.get('seen')).toEqual(new Map([[1, 'a']]))
  expect(await other.get('n')).toBe(7)
  const waiting = first.run('new Promise((resolve) => { globalThis.go = resolve })')
  const idle = second.idle()
  expect(await second.run('console.log("said"); go({ by: 2 }); 3')).toBe(3)
  expect(await waiting).toEqual({ by: 2 })
  await idle
  await eventually('both', async () => heard.length === 2)
  expect(heard.toSorted()).toEqual(['one said', 'two said'])
  expect(await rejection(second.run('throw new RangeError("mine")'))).toMatchObject({ name: 'RangeError', message: 'mine' })
  expect((await Array.fromAsync(first.runMany('(x) => x * n', [1, 2, 3]))).map((each) => 'value' in each && each.value)).toEqual([2, 4, 6])
  const large = 'x'.repeat(3_000_000)
  expect(await Promise.all([first.run(`"x".repeat(3_000_000)`), second.call('String', large)])).toEqual([large, large])
  expect((await one.status()).names.map(({ name, tenant }) => [name, tenant])).toEqual([
    ['shared', 'default'],
    ['another', 'default'],
  ])
  await first.dispose({ destroy: true })
  await other.dispose({ destroy: true })
})

test('deadlines, cancellations and scripts of each are its own', async () => {
  await using one = await daemon.connect()
  await using two = await daemon.connect()
  await using first = await one.createContext({ n: 1 }, { name: 'own' })
  await using second = await two.createContext({}, { name: 'own' })
  expect(summary(await rejection(first.run('for (;;);', { timeout: 50 })))).toEqual(['TimeoutError', 'ERR_TIMEOUT'])
  const abort = new AbortController()
  const run = rejection(second.run('for (;;);', { signal: abort.signal }))
  const waits = rejection(first.run('new Promise(() => {})', { timeout: 300 }))
  setTimeout(() => abort.abort(new Error('enough')), 50)
  expect((await run).message).toBe('enough')
  expect(summary(await waits)).toEqual(['TimeoutError', 'ERR_TIMEOUT'])
  const script = await two.compile('n + 1', { filename: 'own.js' })
  expect([await second.run(script), await first.run('n')]).toEqual([2, 1])
  await first.dispose({ destroy: true })
})

test('it outlives its clients until its idle time ends', async () => {
  {
    await using box = await daemon.connect()
    await box.createContext({ kept: 42 }, { name: 'kept', idleTimeout: 60_000 })
    await box.createContext({}, { name: 'short', idleTimeout: 1 })
    await eventually('seen', async () => (await box.status()).names.filter(({ clients }) => clients === 1).length === 2)
  }
  await using box = await daemon.connect()
  await eventually('the end of one', async () => (await names(box)).join() === 'kept')
  const ctx = await box.createContext({}, { name: 'kept', attach: 'only' })
  expect(await ctx.get('kept')).toBe(42)
  expect(summary(await rejection(box.createContext({}, { name: 'short', attach: 'only' })))).toEqual(['ReportedError', 'ERR_NAME_UNKNOWN'])
  expect(summary(await rejection(box.createContext({}, { name: 'kept', attach: false })))).toEqual(['ReportedError', 'ERR_NAME_TAKEN'])
  await ctx.dispose({ destroy: true })
  await eventually('the end', async () => (await names(box)).length === 0)
})

test('destroyed for all; its name is free', async () => {
  await using one = await daemon.connect()
  await using two = await daemon.connect()
  const first = await one.createContext({ n: 1 }, { name: 'ended' })
  const second = await two.createContext({}, { name: 'ended' })
  const waiting = rejection(second.run('new Promise(() => {})'))
  expect(await second.get('n')).toBe(1)
  await first.dispose({ destroy: true })
  expect(summary(await waiting)).toEqual(LOST)
  expect(summary(await rejection(second.get('n')))).toEqual(LOST)
  await eventually('the end', async () => (await names(one)).length === 0)
  const again = await two.createContext({ n: 2 }, { name: 'ended', attach: false })
  expect(await again.get('n')).toBe(2)
  await second.dispose()
  expect(await again.get('n')).toBe(2)
  await again.dispose({ destroy: true })
})

test('made at once by many it is made once, and set up before anybody sees it', async () => {
  const boxes = await Promise.all(Array.from({ length: 4 }, async () => daemon.connect()))
  let setups = 0
  const setup = async (ctx: Context): Promise<void> => {
    setups++
    await ctx.run('var steps = 1')
    await ctx.run('steps++')
  }
  const contexts = await Promise.all(boxes.flatMap((box) => [1, 2].map(async () => box.createContext({}, { name: 'raced', setup }))))
  expect(await Promise.all(contexts.map(async (ctx) => ctx.get('steps')))).toEqual(contexts.map(() => 2))
  expect(setups).toBe(1)
  await contexts[0]?.dispose({ destroy: true })
  await Promise.all(boxes.map(async (box) => box.dispose()))
})

test('a maker that fails, or goes, leaves it to the next', async () => {
  await using one = await daemon.connect()
  await using two = await daemon.connect()
  const inSetup = Promise.withResolvers<void>()
  const gone = rejection(
    one.createContext(
      { by: 1 },
      { name: 'left', setup: async () => (inSetup.resolve(), new Promise<void>((_, fail) => setTimeout(fail, 200, new Error('no')))) },
    ),
  )
  await inSetup.promise
  const second = await two.createContext({ by: 2 }, { name: 'left', setup: 'by *= 10' })
  expect((await gone).message).toBe('no')
  expect(await second.get('by')).toBe(20)
  await second.dispose({ destroy: true })
})

test('its worker dies: all lose it, and with restore all have the same one again', async () => {
  await using one = await daemon.connect()
  await using two = await daemon.connect()
  const options = { name: 'mortal', restore: 'setup', setup: 'var n = 1' } as const
  const plain = await one.createContext({}, { name: 'mortal', setup: 'var n = 1' })
  const first = await one.createContext({}, options)
  const second = await two.createContext({}, options)
  expect(await second.run('++n')).toBe(2)
  await killWorkers(one)
  expect(summary(await rejection(plain.get('n')))).toEqual(LOST)
  expect(new Set(await Promise.all([first.run('++n'), second.run('++n')]))).toEqual(new Set([2, 3]))
  expect(await first.get('n')).toBe(3)
  await first.dispose({ destroy: true })
})

test('functions, and what is made of them, do not cross', async () => {
  await using box = await daemon.connect()
  expect(summary(await rejection(box.createContext({ f: () => 1 }, { name: 'data' })))).toEqual(['ValueError', 'ERR_VALUE_UNSUPPORTED'])
  await using ctx = await box.createContext({}, { name: 'data' })
  const errors = [
    await rejection(ctx.set('f', () => 1)),
    await rejection(ctx.run('() => 1')),
    await rejection(ctx.run('({ s: new ReadableStream() })')),
    await rejection(ctx.call('String', AbortSignal.timeout(1_000))),
  ]
  expect(errors.map((error) => (error as Error & { readonly code?: string }).code)).toEqual(errors.map(() => 'ERR_VALUE_UNSUPPORTED'))
  expect(await ctx.run('1')).toBe(1)
  await ctx.dispose({ destroy: true })
})

test('bad names, and too many', async () => {
  await using box = await daemon.connect()
  await expect(box.createContext({}, { name: '' })).rejects.toThrow("option 'name' must have 1 to 256 characters")
  await expect(box.createContext({}, { name: 'x'.repeat(257) })).rejects.toThrow("option 'name' must have 1 to 256 characters")
  await expect(box.createContext({}, { attach: false })).rejects.toThrow("option 'attach' goes with the option 'name'")
  await expect(box.createContext({}, { name: 'm', modules: {} })).rejects.toThrow("option 'modules' does not go with a name")
  const made = await Promise.allSettled(Array.from({ length: 130 }, async (_, index) => box.createContext({}, { name: `many-${index}` })))
  const refused = made.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  // In this order: it says most of what went wrong.
  expect(refused.map(({ reason }) => summary(reason as Error))).toEqual(refused.map(() => ['LimitError', 'ERR_NAME_LIMIT']))
  expect(refused).toHaveLength(30)
  expect(await names(box)).toHaveLength(100)
  for (const each of made) if (each.status === 'fulfilled') await each.value.dispose({ destroy: true })
  await eventually('none', async () => (await names(box)).length === 0)
})

test('tenants have names of their own', async () => {
  const [acme, beta] = [makeToken(), makeToken()]
  using directory = temporaryDirectory()
  const policy = join(directory.path, 'policy.json')
  const tenants = { acme: { tokens: [acme.hash], limits: { maxNamed: 1 } }, beta: { tokens: [beta.hash] } }
  writeFileSync(policy, JSON.stringify({ tenants }))
  await using other = await testDaemon({ policy, spare: 1 })
  await using one = await other.connect({ token: acme.token })
  await using two = await other.connect({ token: beta.token })
  const first = await one.createContext({ whose: 'acme' }, { name: 'orders' })
  expect(summary(await rejection(two.createContext({}, { name: 'orders', attach: 'only' })))).toEqual(['ReportedError', 'ERR_NAME_UNKNOWN'])
  const second = await two.createContext({ whose: 'beta' }, { name: 'orders' })
  expect([await first.get('whose'), await second.get('whose')]).toEqual(['acme', 'beta'])
  expect(summary(await rejection(one.createContext({}, { name: 'more' })))).toEqual(['LimitError', 'ERR_NAME_LIMIT'])
})

test('a key that nobody was given opens nothing; a client that vanishes harms nobody', async () => {
  await using box = await daemon.connect()
  await using ctx = await box.createContext({ n: 0 }, { name: 'sturdy' })
  {
    await using raw = await RawWorkerClient.connect(daemon.socket)
    raw.send({ type: 'attach', run: 1, context: 1, key: new Uint8Array(16), mode: 'any', gated: true }, {})
    expect(await raw.heard('failed')).toMatchObject({ run: 1, code: ERROR_CODES.ERR_NAME_UNKNOWN })
    raw.send({ type: 'ready', run: 2, context: 1 })
    raw.send({ type: 'end', run: 3, context: 1 })
    raw.send({ type: 'more', run: 9 })
  }
  for (let round = 0; round < 3; round++) {
    const guest = await daemon.connect()
    const gone = await guest.createContext({}, { name: 'sturdy' })
    void rejection(gone.run('n++; new Promise(() => {})'))
    void rejection(gone.run('for (;;);', { timeout: 5_000 }))
    await eventually('it runs', async () => (await guest.status()).names.length > 0)
    await guest.dispose()
  }
  expect(await ctx.run('n')).toBeLessThanOrEqual(3)
  await ctx.dispose({ destroy: true })
})

test('limits of a run, and of each client, hold for what it asks; those of the maker hold for all', async () => {
  await using one = await daemon.connect()
  await using two = await daemon.connect({ limits: { maxOutput: 2_000, maxDepth: 5 } })
  const large = '"x".repeat(5_000)'
  const later = `new Promise((resolve) => setTimeout(() => resolve(${large}), 1))`
  const first = await one.createContext({}, { name: 'limited', limits: { maxSource: 500 } })
  await using second = await two.createContext({}, { name: 'limited' })
  await using third = await one.createContext({}, { name: 'limited', limits: { maxOutput: 3_000 } })
  await using own = await two.createContext()
  const refused = await Promise.all([
    ...[large, later].map(async (source) => rejection(first.run(source, { maxOutput: 1_000 }))),
    ...[second, third, own].flatMap((ctx) => [large, later].map(async (source) => rejection(ctx.run(source)))),
  ])
  expect(refused.map(summary)).toEqual(refused.map(() => ['OutputLimitError', 'ERR_OUTPUT_LIMIT']))
  expect(refused.map((error) => (error as OutputLimitError).report?.configured)).toEqual(
    [1, 1, 2, 2, 3, 3, 2, 2].map((kilobytes) => kilobytes * 1_000),
  )
  expect((await Promise.all([first.run(large), first.run(later)])).map((text) => (text as string).length)).toEqual([5_000, 5_000])
  expect(summary(await rejection(second.run('1;'.repeat(300))))).toEqual(['LimitError', 'ERR_SOURCE_LIMIT'])
  expect(summary(await rejection(second.run('[[[[[[1]]]]]]')))).toEqual(['ValueError', 'ERR_VALUE_TOO_DEEP'])
  // What all are told is no larger than what the least of them takes.
  const heard: string[] = []
  second.on('console', ({ args }) => heard.push(`said ${args.length}`))
  second.on('unhandledRejection', (reason) => heard.push(reason.name))
  const nested = 'let deep = 1; for (let i = 0; i < 50; i++) deep = [deep]'
  const far = `${nested}; console.log(deep); Promise.reject(Object.assign(new RangeError("x".repeat(100_000)), { deep })); throw Object.assign(new TypeError("mine"), { deep })`
  expect(await rejection(second.run(`{ ${far} }`))).toMatchObject({ name: 'TypeError', message: 'mine' })
  await eventually('both events', async () => heard.length === 2)
  expect(heard.toSorted()).toEqual(['RangeError', 'said 1'])
  expect(summary(await rejection(Array.fromAsync(second.runMany('(x) => x', [1]))))).toEqual(['OutputLimitError', 'ERR_OUTPUT_LIMIT'])
  expect(await Array.fromAsync(first.runMany('(x) => x', [1]))).toHaveLength(1)
  await first.dispose({ destroy: true })
})

test('a name whose worker is being ended is not given to anybody: the next gets another worker', async () => {
  await using box = await daemon.connect()
  const ctx = await box.createContext({ n: 1 }, { name: 'replaced' })
  await using raw = new RawClient(daemon.socket)
  await raw.answerTo(CONTROL_HELLO, 'welcome')
  const wish = { type: 'leaseNamed', name: 'replaced', idleMs: 60_000, known: [], waitMs: 5_000 } as const
  const first = await raw.answerTo({ ...wish, request: 1, mode: 'existing' }, 'leasedNamed')
  // The daemon reads all of it at once: the kernel has not ended the worker by then.
  raw.tell(
    { type: 'distrust', worker: first.worker, reason: 'a test' },
    { ...wish, request: 2, mode: 'existing' },
    { ...wish, request: 3, mode: 'new' },
  )
  const answers = await eventually('both answers', async () => {
    const said = await Promise.all(raw.frames.map(async (_, index) => raw.answer(index)))
    const own = said.filter((each) => 'request' in each && each.request > 1)
    return own.length === 2 ? own : undefined
  })
  expect(answers.find((each) => 'request' in each && each.request === 2)).toMatchObject({ type: 'denied', code: 'ERR_NAME_UNKNOWN' })
  const second = answers.find((each) => 'request' in each && each.request === 3)
  expect(second).toMatchObject({ type: 'leasedNamed' })
  expect((second as typeof first).worker).not.toBe(first.worker)
  expect((second as typeof first).key).not.toEqual(first.key)
  expect((await rejection(ctx.get('n'))).constructor.name).toMatch('Error')
  await using again = await box.createContext({ n: 2 }, { name: 'replaced' })
  expect(await again.get('n')).toBe(2)
  await again.dispose({ destroy: true })
})

test('what it says by itself reaches all, also those that have asked it for nothing', async () => {
  await using one = await daemon.connect()
  await using two = await daemon.connect()
  await using three = await daemon.connect()
  const first = await one.createContext({}, { name: 'talks' })
  await using second = await two.createContext({}, { name: 'talks' })
  await using third = await three.createContext({}, { name: 'talks', attach: 'only' })
  const heard: string[] = []
  for (const [who, ctx] of [second, third].entries()) {
    ctx.on('console', ({ text }) => heard.push(`${who} ${text}`))
    ctx.on('unhandledRejection', (reason) => heard.push(`${who} rejected ${reason.message}`))
    ctx.on('uncaughtException', (error) => heard.push(`${who} threw ${error.message}`))
  }
  await first.run(`
    setTimeout(() => console.log('later'), 20)
    setTimeout(() => { throw new Error('thrown') }, 21)
    setTimeout(() => Promise.reject(new Error('rejected')), 22)
    1`)
  // Whoever started it is gone by then, or not.
  await first.dispose()
  await eventually('all of it', async () => heard.length === 6)
  expect(heard.toSorted()).toEqual([0, 1].flatMap((who) => [`${who} later`, `${who} rejected rejected`, `${who} threw thrown`]))
  await third.dispose({ destroy: true })
})

test('chaos: clients come, go, destroy and kill, and whoever asks gets an answer', async () => {
  const boxes = await Promise.all(Array.from({ length: 3 }, async () => daemon.connect()))
  const expected = new Set(['ContextLostError', 'WorkerCrashError', 'ReportedError', 'OverloadedError'])
  const untilMs = performance.now() + 1_500
  let answered = 0
  const client = async (box: Box, seed: number): Promise<void> => {
    for (let step = seed; performance.now() < untilMs; step++) {
      try {
        const ctx = await box.createContext({ n: 0 }, { name: `chaos-${step % 2}`, setup: 'var ok = 1', restore: 'setup' })
        expect(await ctx.run('n++, ok')).toBe(1)
        answered++
        if (step % 11 === 5) await killWorkers(box)
        await ctx.dispose({ destroy: step % 3 === 0 })
      } catch (error) {
        if (!expected.has((error as Error).constructor.name)) throw error
      }
    }
  }
  await Promise.all(boxes.flatMap((box, index) => [client(box, index), client(box, index + 3)]))
  expect(answered).toBeGreaterThan(5)
  await using ctx = await (boxes[0] as Box).createContext({}, { name: 'chaos-0', setup: 'var ok = 1' })
  expect(await ctx.get('ok')).toBe(1)
  await Promise.all(boxes.map(async (box) => box.dispose()))
})
