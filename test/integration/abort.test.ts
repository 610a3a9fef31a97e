import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { boundWorker, type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { lives } from '../support/processes.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  ctx = await box.createContext({ kept: 1 })
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const reason = new Error('no longer wanted')

test('aborted before: nothing is sent', async () => {
  const signal = AbortSignal.abort(reason)
  for (const call of [
    () => box.run('1', { signal }),
    () => ctx.run('globalThis.sent = 1', { signal }),
    () => ctx.get('kept', { signal }),
  ]) {
    expect(await rejection(call())).toBe(reason)
  }
  expect(await ctx.get('sent')).toBeUndefined()
})

test('while it computes: rejects at once, the worker is free at once, the context lives', async () => {
  const controller = new AbortController()
  const looping = rejection(ctx.run('globalThis.started = true; for (;;);', { signal: controller.signal, timeout: 60_000 }))
  const pid = await boundWorker(box)
  const cpuMs = async () => (await box.status()).workers.find((worker) => worker.pid === pid)?.cpuMs ?? 0
  const before = await cpuMs()
  await eventually('a loop under way', async () => (await cpuMs()) > before + 50)
  controller.abort(reason)
  expect(await looping).toBe(reason)
  expect(await ctx.run('kept + 1', { timeout: 5_000 })).toBe(2)
  expect(await ctx.get('started')).toBe(true)
  expect(lives(pid)).toBe(true)
})

test('as its host function answers: what it computes then ends at once', async () => {
  for (let i = 0; i < 20; i++) {
    const controller = new AbortController()
    const { promise: called, resolve: call } = Promise.withResolvers<void>()
    await ctx.set('call', call)
    const looping = rejection(ctx.run('call(); for (;;);', { signal: controller.signal, timeout: 60_000 }))
    await called
    controller.abort(reason)
    expect(await looping).toBe(reason)
    expect(await ctx.run('kept', { timeout: 5_000 })).toBe(1)
  }
})

test('while it waits: rejects at once, and its promise is forgotten', async () => {
  const controller = new AbortController()
  const waiting = rejection(
    ctx.run('new Promise((resolve) => { globalThis.open = resolve })', { signal: controller.signal, timeout: 60_000 }),
  )
  expect(await ctx.run('typeof open')).toBe('function')
  controller.abort(reason)
  expect(await waiting).toBe(reason)
  expect(await ctx.run('open(1); kept')).toBe(1)
})

test('while it is queued behind another: it never starts', async () => {
  const controller = new AbortController()
  const busy = ctx.run('let q = 0; const end = Date.now() + 200; while (Date.now() < end) q++; 0')
  const queued = rejection(ctx.run('globalThis.ran = true', { signal: controller.signal }))
  await box.status()
  controller.abort(reason)
  expect(await queued).toBe(reason)
  expect(await busy).toBe(0)
  expect(await ctx.get('ran')).toBeUndefined()
})

test('while a worker boots: rejects at once, and whoever asks next gets one', async () => {
  await using cold = await testDaemon({ spare: 0 })
  await using client = await cold.connect()
  const controller = new AbortController()
  const calls = [client.run('1', { signal: controller.signal }), client.run('1', { signal: controller.signal, fresh: 'process' })]
  const outcomes = Promise.all(calls.map(rejection))
  controller.abort(reason)
  const bootedFirst = eventually('a booted worker', async () => (await client.status()).workers.some(({ state }) => state !== 'booting'))
  expect(await Promise.race([outcomes, bootedFirst])).toEqual([reason, reason])
  expect(await client.run('2')).toBe(2)
  await eventually('the end of the unwanted worker', async () => (await client.status()).workers.length === 1)
  await bootedFirst
})

test('aborted afterwards: nothing happens', async () => {
  const controller = new AbortController()
  expect(await ctx.run('3', { signal: controller.signal })).toBe(3)
  controller.abort(reason)
  expect(await ctx.run('4')).toBe(4)
})

test('hundreds of aborts at any time disturb nobody else', async () => {
  const other = await box.createContext()
  for (let round = 0; round < 200; round++) {
    const controller = new AbortController()
    const aborted = ctx.run(`for (let i = 0; i < ${(round % 20) * 5e4}; i++); 'ended'`, { signal: controller.signal })
    if (round % 3 === 0) await box.status()
    if (round % 5 === 0) await ctx.get('kept')
    controller.abort(reason)
    const outcome = await aborted.catch((error: unknown) => error)
    expect([reason, 'ended']).toContain(outcome)
    expect(await other.run(`${round}`)).toBe(round)
  }
  await other.dispose()
})

test('a context that is not waited for any more is dropped when it comes', async () => {
  expect(await rejection(box.createContext({}, { signal: AbortSignal.abort(reason) }))).toBe(reason)
  const contexts = async () => (await box.status()).workers.reduce((sum, worker) => sum + worker.contexts, 0)
  await using last = await box.createContext()
  await eventually('the usual contexts', async () => (await contexts()) === 2)
  for (let round = 0; round < 20; round++) {
    const controller = new AbortController()
    const making = box.createContext({ round }, { signal: controller.signal })
    if (round % 2 === 0) await last.run('1')
    controller.abort(reason)
    const outcome = await making.then(async (made) => made.dispose()).catch((error: unknown) => error)
    expect([reason, undefined]).toContain(outcome)
  }
  await eventually('no more contexts than before', async () => (await contexts()) === 2)
})

test.each<[what: string, source: string]>([
  ['the inner run computes', 'nested("abort(); for (;;);")'],
  ['the inner run waits', 'nested("abort(); new Promise(() => {})")'],
  ['the outer run computes, and the inner one is over', '(async () => { await nested("abort(); 1").catch(() => {}); for (;;); })()'],
  ['the inner run is caught', '(async () => { for (;;) try { await nested("abort(); for (;;);") } catch {} })()'],
])('in a host function that runs code in the context that called it: %s', async (_what, source) => {
  for (let i = 0; i < 5; i++) {
    const controller = new AbortController()
    const { signal } = controller
    await ctx.set('abort', () => controller.abort(reason))
    await ctx.set('nested', async (code: string) => ctx.run(code, { signal, timeout: 60_000 }))
    expect(await rejection(ctx.run(source, { signal, timeout: 60_000 }))).toBe(reason)
    expect(await ctx.run('kept', { timeout: 5_000 })).toBe(1)
  }
})

test('a run that asks the worker one thing after the other ends, whenever it is cancelled', async () => {
  await using daemon = await testDaemon()
  await using box = await daemon.connect()
  await using ctx = await box.createContext()
  for (let round = 0; round < 100; round++) {
    const controller = new AbortController()
    const begun = Promise.withResolvers<void>()
    await ctx.set('begun', begun.resolve)
    const run = rejection(ctx.run("begun(); for (;;) new URL('http://a/')", { timeout: 60_000, signal: controller.signal }))
    await begun.promise
    controller.abort(new Error('mine'))
    expect((await run).message).toBe('mine')
    // Its worker is free again.
    expect(await ctx.run(`${round}`, { timeout: 1_000 })).toBe(round)
  }
})

test.for([
  ['a bare one', {}],
  ['a deterministic one, which is never ready', { deterministic: {} }],
] as const)('while its context is made, %s: that comes to its end, and the worker lives', async ([, options]) => {
  for (let round = 0; round < 50; round++) {
    const controllers = Array.from({ length: 8 }, () => new AbortController())
    const runs = controllers.map(async ({ signal }) => box.run('1', { ...options, signal }).catch((error: unknown) => error))
    const untilMs = performance.now() + (round % 8) / 2
    while (performance.now() < untilMs) await nextTurn()
    for (const controller of controllers) {
      controller.abort(reason)
      await nextTurn()
    }
    for (const outcome of await Promise.all(runs)) expect([1, reason]).toContain(outcome)
  }
  expect((await box.status()).deaths).toEqual([])
  expect(await ctx.run('kept')).toBe(1)
})
