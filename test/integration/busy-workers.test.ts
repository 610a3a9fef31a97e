import { OverloadedError, TimeoutError } from 'glovebox'
import { expect, test } from 'vitest'
import { testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

/** Longer than a worker that computes nothing may take to let a client in. */
const LONG_MS = 6_000

test('a worker that computes for long lets its tenant’s new clients in when it is done', { timeout: 30_000 }, async () => {
  await using daemon = await testDaemon({ maxPerTenant: 1, max: 1, spare: 1 })
  await using busy = await daemon.connect()
  const begun = Promise.withResolvers<void>()
  await using ctx = await busy.createContext({ begin: () => begun.resolve() })
  const startedMs = performance.now()
  const running = ctx.run(`begin(); for (const until = Date.now() + ${LONG_MS}; Date.now() < until;); 'done'`, { timeout: 20_000 })
  await begun.promise

  await using patient = await daemon.connect()
  await using maker = await daemon.connect()
  await using hasty = await daemon.connect({ limits: { queueTimeout: 300 } })
  await using counting = await daemon.connect({ queueTimeCounts: true })
  const answers = Promise.all([patient.run('6 * 7'), maker.createContext({ x: 1 }).then(async (made) => made.run('x'))])

  const [late, refused] = await Promise.all([rejection(counting.run('1', { timeout: 400 })), rejection(hasty.run('1'))])
  expect(performance.now() - startedMs).toBeLessThan(LONG_MS)
  expect(late).toBeInstanceOf(TimeoutError)
  expect(late).toMatchObject({ report: { phase: 'queued', limit: 'timeout', configured: 400 } })
  expect(refused).toBeInstanceOf(OverloadedError)
  expect(refused).toMatchObject({ blockedBy: 'busy', report: { phase: 'queued', limit: 'queueTimeout', configured: 300 } })
  expect(refused.message).toMatch(/^worker \d+, which this tenant's clients share, computes, and has let nobody in for \d+ ms; raise/)
  const { retryAfter } = refused as OverloadedError
  expect(retryAfter).toBeGreaterThan(0)
  expect(retryAfter).toBeLessThanOrEqual(10_000)

  expect(await running).toBe('done')
  expect(await answers).toEqual([42, 1])
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(LONG_MS)
  expect(await hasty.run('2')).toBe(2)
})

test('a client that waits for a worker to let it in gets another if that one dies', async () => {
  await using daemon = await testDaemon({ maxPerTenant: 1, max: 1, spare: 1 })
  await using busy = await daemon.connect()
  const begun = Promise.withResolvers<void>()
  await using ctx = await busy.createContext({ begin: () => begun.resolve() })
  const running = rejection(ctx.run(`begin(); for (;;);`, { timeout: 20_000 }))
  await begun.promise
  await using box = await daemon.connect()
  const answer = box.run('6 * 7')
  const { workers } = await box.status()
  process.kill(workers.find(({ state }) => state === 'bound')?.pid ?? 0, 'SIGKILL')
  expect((await running).code).toBe('ERR_WORKER_CRASHED')
  expect(await answer).toBe(42)
})
