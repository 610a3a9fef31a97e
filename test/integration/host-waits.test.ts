import type { Box } from 'glovebox'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ClientToWorker } from '../../src/protocol/channel-link.ts'
import { ERROR_CODES } from '../../src/protocol/error-codes.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { RawWorkerClient } from '../support/raw-worker-client.ts'

checkLeaks()
let daemon: TestDaemon
/** Another client of the same worker, which must notice nothing. */
let box: Box
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})
const undisturbed = async (): Promise<void> => {
  expect(await box.run('1 + 1')).toBe(2)
  expect((await box.status()).deaths).toEqual([])
}
afterEach(undisturbed)

const block = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until; );
}

describe('a host function that gives no answer in time', () => {
  test.each<[what: string, source: string, host: () => unknown]>([
    ['asynchronous', 'host()', async () => new Promise(() => undefined)],
    ['a promise that never settles', 'host()', () => new Promise(() => undefined)],
    // oxlint-disable-next-line unicorn/no-thenable -- a thing that users may hand us
    ['a thenable that never calls back', 'host()', () => Object.fromEntries([['then', () => undefined]]) as unknown],
    ['asynchronous, after an await', '(async () => { await null; await host() })()', async () => new Promise(() => undefined)],
    [
      'asynchronous, in a timer',
      'new Promise((resolve) => setTimeout(() => host().then(resolve), 1))',
      async () => new Promise(() => undefined),
    ],
    ['synchronous', 'host()', () => block(300)],
    ['synchronous, in a callback', '[1].map(host)', () => block(300)],
    ['synchronous, after an await', '(async () => { await new Promise((resolve) => setTimeout(resolve, 1)); host() })()', () => block(300)],
    ['synchronous, in a timer', 'new Promise((resolve) => setTimeout(() => resolve(host()), 1))', () => block(300)],
    ['synchronous, in a getter of the result', '({ get a() { return host() } })', () => block(300)],
    ['synchronous, in a getter of an argument', 'other({ get a() { return host() } })', () => block(300)],
    ['synchronous, caught', 'try { host() } catch {} finally { 5 }', () => block(300)],
  ])('%s: the error names it, and the context goes on', async (_what, source, host) => {
    Object.defineProperty(host, 'name', { value: 'host' })
    await using ctx = await box.createContext({ host, other: () => 1, kept: 1 })
    const error = await rejection(ctx.run(source, { timeout: 100, filename: 'asks.js' }))
    expect(error.constructor.name).toBe('TimeoutError')
    expect(error.message).toMatch(
      /^run \d+ \('asks\.js'\) waited for host call 'host' until its deadline of 100 ms passed \(after \d+ ms, of which \d+ ms computing\)(?:, in .+)?$/,
    )
    expect(error.report).toMatchObject({ phase: 'host-call', limit: 'timeout', configured: 100 })
    expect(await ctx.run('kept')).toBe(1)
    expect(await ctx.run('other()')).toBe(1)
  })

  test('the next run that runs out of time is not blamed on it', async () => {
    await using ctx = await box.createContext({ host: () => block(300) })
    await rejection(ctx.run('host()', { timeout: 100 }))
    const error = await rejection(ctx.run('new Promise(() => {})', { timeout: 200 }))
    expect([error.message.includes('waited for a promise'), (error.report as { phase: string }).phase]).toEqual([true, 'run'])
  })

  test('an input of many', async () => {
    await using ctx = await box.createContext({ host: (ms: number) => block(ms) })
    const reasons: unknown[] = []
    for await (const outcome of ctx.runMany('(ms) => { host(ms); return ms }', [0, 600, 1], { timeout: 400 }))
      reasons.push(outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as Error).message.replace(/ until .*/, ''))
    expect(reasons).toEqual([0, expect.stringMatching(/^run \d+ waited for host call 'host' on input 1$/), 1])
  })

  test('waiting is not computing', async () => {
    await using ctx = await box.createContext({ host: () => block(400) })
    const { cpuMs, wallMs } = (await rejection(ctx.run('host(); for (;;);', { timeout: 600 }))).report as { cpuMs: number; wallMs: number }
    expect(wallMs).toBeGreaterThanOrEqual(600)
    expect(cpuMs).toBeLessThan(wallMs - 350)
  })

  test('an answer that comes too late changes nothing', async () => {
    const answer = Promise.withResolvers<unknown>()
    await using ctx = await box.createContext({ host: async () => answer.promise })
    await rejection(ctx.run('var got = 0; host().then((value) => { got = value })', { timeout: 200 }))
    answer.resolve(5)
    await ctx.idle()
    // The guest's promise was still there, if not the run that waited for it.
    expect(await ctx.get('got')).toBe(5)
  })
})

describe('a run that is cancelled', () => {
  test.each<[what: string, source: string]>([
    ['by the function that it waits for', 'abort(); for (;;);'],
    ['by the function that it waits for, caught', 'for (;;) try { abort() } catch {}'],
    ['by a function that gives a promise', 'later(); for (;;);'],
    ['while it waits for an asynchronous one', 'abort(); never()'],
    ['by a function that it calls after an await', '(async () => { await null; abort(); for (;;); })()'],
    ['by a function that it calls in a timer', 'new Promise(() => setTimeout(() => { abort(); for (;;); }, 1))'],
  ])('%s', async (_what, source) => {
    const given = new AbortController()
    await using ctx = await box.createContext({
      abort: () => given.abort(new Error('enough')),
      later: () => Promise.resolve(given.abort(new Error('enough'))),
      never: async () => new Promise(() => undefined),
      kept: 1,
    })
    const error = await rejection(ctx.run(source, { signal: given.signal, timeout: 20_000 }))
    expect(error.message).toBe('enough')
    // The worker is free long before the deadline.
    expect(await ctx.run('kept', { timeout: 15_000 })).toBe(1)
  })
})

const RUN = { type: 'run', context: 1, timeoutMs: 20_000, filename: undefined } as const
const runs = (run: number, source: string, timeoutMs = 20_000): ClientToWorker => ({ ...RUN, run, source, timeoutMs })
const returned = (call: number, context = 1): ClientToWorker => ({ type: 'returned', context, call })
const raised = (call: number): ClientToWorker => ({ type: 'raised', context: 1, call })
const promised = (call: number): ClientToWorker => ({ type: 'promised', context: 1, call })
const host = (): number => 0
const asyncHost = async (): Promise<number> => 0

/** A client with a context of its own, number 1, which has a synchronous function `host` and an asynchronous `later`. */
async function withContext(): Promise<RawWorkerClient> {
  const client = await RawWorkerClient.connect(daemon.socket)
  client.send({ type: 'create', run: 1, context: 1 }, { host, later: asyncHost })
  expect(await client.outcome(1)).toMatchObject({ type: 'done' })
  return client
}

describe('a client that answers as no client does', () => {
  test('the call says which function, and with which arguments', async () => {
    await using client = await withContext()
    client.send(runs(2, 'host(1, { a: [2] })'))
    expect(await client.heard('hostCall')).toEqual({
      type: 'hostCall',
      context: 1,
      call: 1,
      fn: 1,
      run: 2,
      sync: true,
      value: [1, { a: [2] }],
    })
    client.send(returned(1), { answer: [3] })
    expect(await client.outcome(2)).toEqual({ type: 'done', run: 2, value: { answer: [3] } })
    client.send(runs(3, 'later(4).then((x) => x + 1)'))
    expect(await client.heard('hostCall', ({ call }) => call === 2)).toEqual({
      type: 'hostCall',
      context: 1,
      call: 2,
      fn: 2,
      run: 3,
      sync: false,
      value: [4],
    })
    client.send(returned(2), 41)
    expect(await client.outcome(3)).toEqual({ type: 'done', run: 3, value: 42 })
  })

  /** What is written while the guest waits for call 1, which is then answered with 'right'. */
  test.each<[what: string, odd: (client: RawWorkerClient) => readonly Uint8Array[]]>([
    ['nothing odd', () => []],
    [
      'an answer to a call that there never was',
      (client) => [client.frame(returned(99), 'wrong'), client.frame(raised(98), 'wrong'), client.frame(promised(97))],
    ],
    ['an answer to a call of a context that there never was', (client) => [client.frame(returned(1, 7), 'wrong')]],
    [
      'handles given back that there never were',
      (client) => [client.frame({ type: 'releasedByHost', context: 1, handles: [5, 1, 6, 4_000_000_000] })],
    ],
    ['handles of a context that there never was', (client) => [client.frame({ type: 'releasedByHost', context: 9, handles: [5, 1] })]],
    ['a cancellation of a run that there never was', (client) => [client.frame({ type: 'cancel', run: 77 })]],
    ['a wish for more outcomes', (client) => [client.frame({ type: 'more', run: 77 })]],
  ])('%s before the answer', async (_what, odd) => {
    await using client = await withContext()
    client.send(runs(2, 'host()'))
    await client.heard('hostCall')
    client.write(...odd(client), client.frame(returned(1), 'right'))
    expect(await client.outcome(2)).toEqual({ type: 'done', run: 2, value: 'right' })
    client.send(runs(3, '3'))
    expect(await client.outcome(3)).toEqual({ type: 'done', run: 3, value: 3 })
  })

  test.each<[what: string, answers: (client: RawWorkerClient) => readonly Uint8Array[], value: unknown]>([
    ['twice', (client) => [client.frame(returned(1), 'first'), client.frame(returned(1), 'second')], 'first'],
    ['with a value, then an error', (client) => [client.frame(returned(1), 'first'), client.frame(raised(1), 'second')], 'first'],
    [
      'with a promise that is settled in the same write',
      (client) => [client.frame(promised(1)), client.frame(returned(1), 'settled')],
      'settled',
    ],
    [
      'with a promise that is settled twice',
      (client) => [client.frame(promised(1)), client.frame(returned(1), 'settled'), client.frame(raised(1), 'again')],
      'settled',
    ],
    [
      'with a promise twice',
      (client) => [client.frame(promised(1)), client.frame(promised(1)), client.frame(returned(1), 'settled')],
      'settled',
    ],
  ])('%s', async (_what, answers, value) => {
    await using client = await withContext()
    client.send(runs(2, 'host()'))
    await client.heard('hostCall')
    client.write(...answers(client))
    expect(await client.outcome(2)).toEqual({ type: 'done', run: 2, value })
    client.send(runs(3, '3'))
    expect(await client.outcome(3)).toEqual({ type: 'done', run: 3, value: 3 })
  })

  test.each([
    ['synchronous', 'try { host() } catch (error) { [error.name, error.code] }'],
    ['asynchronous', 'later().catch((error) => [error.name, error.code])'],
  ])('a value that is malformed is an error for the guest: %s', async (_what, source) => {
    await using client = await withContext()
    client.send(runs(2, source))
    await client.heard('hostCall')
    // An array of five elements, of which one is there.
    const frame = client.frame(returned(1), [[[[[1]]]]])
    frame[frame.length - 2] = 0x95
    client.write(frame)
    expect(await client.outcome(2)).toEqual({ type: 'done', run: 2, value: ['TypeError', 'ERR_MALFORMED'] })
  })

  test('an answer byte by byte', async () => {
    await using client = await withContext()
    client.send(runs(2, 'host()'))
    await client.heard('hostCall')
    for (const byte of client.frame(returned(1), ['slow'])) client.write(Uint8Array.of(byte))
    expect(await client.outcome(2)).toEqual({ type: 'done', run: 2, value: ['slow'] })
  })

  test('an answer in the frames of others, and one across two writes', async () => {
    await using client = await withContext()
    client.send(runs(2, '[host(), host()]'))
    await client.heard('hostCall')
    const next = client.frame(returned(2), 'b'.repeat(70_000))
    client.write(client.frame(runs(3, '3')), client.frame(returned(1), 'a'), client.frame(runs(4, '4')), next.subarray(0, 50_000))
    await client.heard('hostCall', ({ call }) => call === 2)
    client.write(next.subarray(50_000), client.frame(runs(5, '5')))
    expect(await client.outcome(5)).toEqual({ type: 'done', run: 5, value: 5 })
    expect(client.all.filter(({ type }) => type === 'done').map((said) => ('run' in said ? said.run : 0))).toEqual([1, 2, 3, 4, 5])
    expect(await client.outcome(2)).toMatchObject({ value: ['a', 'b'.repeat(70_000)] })
  })

  test('requests that come while a guest waits have their turn afterwards, in order', async () => {
    await using client = await withContext()
    client.send(runs(2, 'var log = [host()]; log'))
    await client.heard('hostCall')
    for (let run = 3; run < 103; run++) client.send(runs(run, `log.push(${run}); 0`))
    client.send({ type: 'dispose', run: 103, context: 1 })
    client.send(runs(104, '1'))
    client.send(returned(1), 'answer')
    expect(await client.outcome(104)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_CONTEXT_LOST })
    expect(client.all.filter((said) => said.type === 'done').map(({ run }) => run)).toEqual(Array.from({ length: 103 }, (_, n) => n + 1))
  })

  test('what the event loop has read by then comes before what is read while a guest waits', async () => {
    await using client = await withContext()
    // The turn is over after the first; the second has its turn once the event loop has polled, and read the third.
    client.write(
      client.frame(runs(2, 'for (const until = Date.now() + 60; Date.now() < until;); 0')),
      client.frame(runs(3, 'var log = [host()]; 0')),
    )
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
    client.send(runs(4, 'log.push(4)'))
    await client.heard('hostCall')
    client.write(client.frame(runs(5, 'log.push(5)')), client.frame(returned(1), 3), client.frame(runs(6, 'log')))
    expect(await client.outcome(6)).toMatchObject({ value: [3, 4, 5] })
  })

  test('a cancellation ends the wait at once', async () => {
    await using client = await withContext()
    client.send(runs(2, 'try { host() } finally { for (;;); }'))
    await client.heard('hostCall')
    client.send({ type: 'cancel', run: 2 })
    expect(await client.outcome(2)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_CANCELLED, phase: 'host-call' })
    client.send(runs(3, 'host()'))
    await client.heard('hostCall', ({ call }) => call === 2)
    client.send(returned(2), 3)
    expect(await client.outcome(3)).toEqual({ type: 'done', run: 3, value: 3 })
  })

  test('a cancellation with the answer behind it is one', async () => {
    await using client = await withContext()
    client.send(runs(2, 'host(); for (;;);'))
    await client.heard('hostCall')
    client.write(client.frame({ type: 'cancel', run: 2 }), client.frame(returned(1), 1))
    expect(await client.outcome(2)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_CANCELLED })
    // A later call in a timer is not taken for the one that was cancelled.
    client.send(runs(3, 'new Promise((resolve) => setTimeout(() => resolve(host()), 1))'))
    await client.heard('hostCall', ({ call }) => call === 2)
    client.send(returned(2), 3)
    expect(await client.outcome(3)).toEqual({ type: 'done', run: 3, value: 3 })
  })

  test('a deadline ends the wait, and late answers are for nobody', async () => {
    await using client = await withContext()
    client.send(runs(2, 'host()', 50))
    expect(await client.outcome(2)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_TIMEOUT, phase: 'host-call' })
    client.send(returned(1), 'late')
    client.send(runs(3, 'later()'))
    await client.heard('hostCall', ({ call }) => call === 2)
    client.send(raised(1), 'later still')
    client.send(returned(2), 3)
    expect(await client.outcome(3)).toEqual({ type: 'done', run: 3, value: 3 })
  })

  test.each([
    ['a primitive', 'answer'],
    ['an object', { answer: 1 }],
  ])('%s that comes just as the deadline of another run passes is not lost with it', async (_what, answer) => {
    await using client = await withContext()
    client.send({ type: 'create', run: 2, context: 2 }, {})
    client.send(runs(3, 'var got; later().then((value) => { got = value }); 0'))
    expect(await client.outcome(3)).toMatchObject({ type: 'done' })
    // In one turn of the worker: a run that waits for 5 ms, 8 ms of something else, the answer.
    client.write(
      client.frame(runs(4, 'new Promise(() => {})', 5)),
      client.frame({ ...RUN, run: 5, context: 2, source: 'for (const until = Date.now() + 8; Date.now() < until;); 0' }),
      client.frame(returned(1), answer),
    )
    expect(await client.outcome(4)).toMatchObject({
      type: 'failed',
      code: ERROR_CODES.ERR_TIMEOUT,
      message: expect.stringMatching(/waited for/) as string,
    })
    client.send(runs(6, 'got'))
    expect(await client.outcome(6)).toMatchObject({ value: answer })
    client.send({ type: 'idle', run: 7, context: 1, timeoutMs: 5_000, name: '' })
    expect(await client.outcome(7)).toMatchObject({ type: 'done' })
  })

  test('a call of a context that is gone is answered to nobody', async () => {
    await using client = await withContext()
    client.send(runs(2, 'later()'))
    await client.heard('hostCall')
    client.send({ type: 'dispose', run: 3, context: 1 })
    expect(await client.outcome(2)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_CONTEXT_LOST })
    client.send(returned(1), 'late')
    client.send({ type: 'create', run: 4, context: 1 }, {})
    client.send(returned(1), 'later still')
    client.send(runs(5, '5'))
    expect(await client.outcome(5)).toEqual({ type: 'done', run: 5, value: 5 })
  })

  test.each<[what: string, bytes: () => Uint8Array]>([
    ['garbage', () => Uint8Array.of(0, 0, 0, 3, 0xc1, 1, 2)],
    ['a frame over the cap', () => Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
    ['a frame of no bytes', () => Uint8Array.of(0, 0, 0, 0)],
  ])('%s while a guest waits: the connection is closed, and the worker goes on', async (_what, bytes) => {
    await using client = await withContext()
    client.send(runs(2, 'host()'))
    await client.heard('hostCall')
    client.write(bytes())
    await client.closed
    expect(await client.outcome(0)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_PROTOCOL })
  })
})

describe('a client that is gone', () => {
  test.each([
    ['in a synchronous call', 'host()'],
    ['in a synchronous call, one of many', 'for (;;) host()'],
    ['in a synchronous call in a timer', 'new Promise(() => setTimeout(host, 1))'],
    ['in an asynchronous call', 'later()'],
  ])('while a guest waits %s: its worker serves others at once', async (_what, source) => {
    const client = await withContext()
    client.send(runs(2, source, 60_000))
    for (let run = 3; run < 10; run++) client.send(runs(run, source, 60_000))
    await client.heard('hostCall')
    await client[Symbol.asyncDispose]()
    expect(await box.run('2', { timeout: 10_000 })).toBe(2)
  })

  test('that does not read: calls wait until it does, or the deadline passes; others are served', async () => {
    const client = await withContext()
    client.pause()
    client.send(runs(2, "for (;;) host('x'.repeat(1_000_000))", 200))
    expect(await box.run('2', { timeout: 10_000 })).toBe(2)
    await client[Symbol.asyncDispose]()
  })
})
