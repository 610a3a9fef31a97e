import { mkdirSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { boundWorker, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { lives } from '../support/processes.ts'

checkLeaks()

test('a daemon that is disposed while its workers boot, however far they are, leaves nothing', async () => {
  for (let delayMs = 0; delayMs < 30; delayMs++) {
    const daemon = await testDaemon({ spare: 2 })
    await new Promise((resolve) => {
      setTimeout(resolve, delayMs)
    })
    await daemon[Symbol.asyncDispose]()
  }
})

test('a daemon whose directory was removed serves on, refuses what needs it, and recovers with it', async () => {
  await using daemon = await testDaemon({ spare: 0, max: 2 })
  await using box = await daemon.connect()
  const ctx = await box.createContext({ kept: 1 })
  rmSync(daemon.directory, { recursive: true })
  expect(await ctx.run('kept')).toBe(1)
  process.kill(await boundWorker(box), 'SIGKILL')
  await eventually('a death', async () => (await box.status()).deaths.length > 0)
  const error = await rejection(box.run('1'))
  expect([error.constructor.name, error.code]).toEqual(['ConnectionError', 'ERR_WORKER_BOOT'])
  expect(error.message).toMatch(/^workers do not boot: could not be launched: ENOENT/)
  mkdirSync(daemon.directory, { mode: 0o700 })
  expect(await eventually('a worker', async () => box.run('1 + 1').catch(() => undefined))).toBe(2)
})

test('spares are ready before anyone asks, and each is used by one tenant only', async () => {
  await using daemon = await testDaemon({ spare: 2, max: 4, maxPerTenant: 1 })
  await using box = await daemon.connect()
  const spares = await eventually('two spares', async () => {
    const { workers } = await box.status()
    return workers.filter(({ state }) => state === 'spare').length === 2 ? workers : undefined
  })
  expect(await box.run('1')).toBe(1)
  expect(spares.map(({ pid }) => pid)).toContain(await boundWorker(box))
  await eventually('the next spare', async () => (await box.status()).workers.filter(({ state }) => state === 'spare').length === 2)
})

test('when all workers are in use, a lease is refused with a time to wait, and served when one is free', async () => {
  await using daemon = await testDaemon({ spare: 0, max: 1 })
  await using box = await daemon.connect()
  const ctx = await box.createContext()
  const error = await rejection(box.run('1', { fresh: 'process' }))
  expect([error.constructor.name, error.code, (error as { retryAfter?: number }).retryAfter]).toEqual([
    'OverloadedError',
    'ERR_OVERLOADED',
    100,
  ])
  expect(error.message).toBe("all 1 workers are in use; raise 'max', or try again when a client has gone")
  expect(await box.run('1')).toBe(1)
  expect(await ctx.run('2')).toBe(2)
})

test('stop() lets runs finish, refuses new ones, and then ends', async () => {
  await using daemon = await testDaemon({ drain: 10_000 })
  await using box = await daemon.connect()
  const ctx = await box.createContext()
  const pid = await boundWorker(box)
  const running = ctx.run('let n = 0; const end = Date.now() + 300; while (Date.now() < end) n++; "finished"')
  const waiting = ctx.run('Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600).value')
  await box.stopDaemon()
  const refused = await rejection(box.run('1', { fresh: 'process' }))
  expect([refused.constructor.name, refused.code]).toEqual(['ConnectionError', 'ERR_STOPPING'])
  expect(await running).toBe('finished')
  expect(await waiting).toBe('timed-out')
  await eventually('the end of the worker', () => !lives(pid))
  expect(['ERR_CONNECTION', 'ERR_CONTEXT_LOST', 'ERR_STOPPING']).toContain((await rejection(ctx.run('1'))).code)
})

test('stop() does not wait longer than it may', async () => {
  await using daemon = await testDaemon({ drain: 100 })
  await using box = await daemon.connect()
  const ctx = await box.createContext()
  const running = rejection(ctx.run('for (;;);', { timeout: 60_000 }))
  await box.stopDaemon()
  expect(['WorkerCrashError', 'ConnectionError']).toContain((await running).constructor.name)
})
