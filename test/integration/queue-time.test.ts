import { stat } from 'node:fs'
import { type Box, type ReportedError, TimeoutError } from 'glovebox'
import { expect, test } from 'vitest'
import { testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const PATIENT = { timeout: 60_000 }

/** Has the one worker compute for so long. Resolves when it has begun. */
async function occupy(box: Box, ms: number): Promise<{ readonly done: Promise<unknown> }> {
  const begun = Promise.withResolvers<void>()
  const ctx = await box.createContext({ begin: () => begun.resolve() })
  const done = ctx.run(`begin(); for (const until = Date.now() + ${ms}; Date.now() < until;); 'done'`, PATIENT)
  await begun.promise
  return { done }
}
const failure = async (call: Promise<unknown>): Promise<ReportedError> => (await rejection(call)) as ReportedError

/** One worker that two clients share: what one of them does, the other waits for. */
async function shared(use: (boxes: { readonly busy: Box; readonly box: Box }) => Promise<void>): Promise<void> {
  await using daemon = await testDaemon({ maxPerTenant: 1, max: 1, spare: 1 })
  await using busy = await daemon.connect()
  await using box = await daemon.connect({ queueTimeCounts: true })
  await use({ busy, box })
}

test("time in a worker's line counts where it is wanted, and a run that waited too long has not happened", async () => {
  await shared(async ({ busy, box }) => {
    const ctx = await box.createContext({ x: 0 })
    const script = await box.compile('++x')
    const running = await occupy(busy, 600)
    const options = { timeout: 100 }
    const late = [ctx.run('++x', options), ctx.run(script, options), box.run('1', options), ctx.get('x', options)]
    const patient = ctx.run('++x', { ...options, queueTimeCounts: false })
    for (const error of await Promise.all(late.map(failure))) {
      expect(error).toBeInstanceOf(TimeoutError)
      expect(error.message).toMatch(
        /^the run waited for its turn in worker \d+ until its deadline of 100 ms passed \(time in queues counts\)$/,
      )
      expect(error.report).toMatchObject({ phase: 'queued', limit: 'timeout', configured: 100 })
      expect(error.report?.observed).toBeGreaterThanOrEqual(100)
    }
    expect(await running.done).toBe('done')
    // The one that waited patiently, and no other.
    expect(await patient).toBe(1)
    expect(await ctx.run('x', PATIENT)).toBe(1)
  })
})

test('what is left of the deadline is what the run has', async () => {
  await shared(async ({ busy, box }) => {
    const ctx = await box.createContext()
    const running = await occupy(busy, 300)
    const error = await failure(ctx.run('for (;;);', { timeout: 600 }))
    expect(await running.done).toBe('done')
    expect(error.report).toMatchObject({ phase: 'run', limit: 'timeout', configured: 600 })
    expect(error.report?.observed).toBeGreaterThanOrEqual(599)
    expect(error.report?.wallMs).toBeLessThan(error.report?.observed ?? 0)
    expect(error.message).toMatch(
      /computed until its deadline of 600 ms passed \(after \d+ ms, of which \d+ ms computing; it had waited for its turn for \d+ ms\)$/,
    )
    expect(await ctx.run('new Promise((resolve) => setTimeout(resolve, 5, 1))', PATIENT)).toBe(1)
  })
})

test('so does the time before there is a worker', async () => {
  await shared(async ({ busy, box }) => {
    const holding = busy.run('new Promise((resolve) => setTimeout(resolve, 1_000, 1))', { ...PATIENT, fresh: 'process' })
    await busy.status()
    const error = await failure(box.run('1', { timeout: 400, fresh: 'process' }))
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', report: { phase: 'queued', limit: 'timeout', configured: 400, worker: 0 } })
    expect(error.message).toBe('the run waited for a worker until its deadline of 400 ms passed (time in queues counts)')
    expect(await box.run('2', { ...PATIENT, fresh: 'process' })).toBe(2)
    expect(await holding).toBe(1)
  })
})

test.each([
  ['connect', { queueTimeCounts: 1 }],
  ['run', { queueTimeCounts: 'yes' }],
])('bad options: %s', async (where, options) => {
  await shared(async ({ box }) => {
    const call =
      where === 'run' ? box.run('1', options as object) : import('glovebox').then(async ({ connect }) => connect(options as object))
    expect((await failure(call)).message).toMatch(/^option 'queueTimeCounts' must be true or false, got /)
  })
})

test('who waits for a worker waits until its deadline, however late in its turn the daemon reads of it', async () => {
  for (let i = 0; i < 4; i++) {
    await shared(async ({ busy, box }) => {
      const holding = busy.run('new Promise((resolve) => setTimeout(resolve, 600, 1))', { ...PATIENT, fresh: 'process' })
      await busy.status()
      // Node counts a timer's time from when its turn began, and this daemon has its turns in this process.
      stat('/', () => {
        for (const until = performance.now() + 20; performance.now() < until; );
      })
      expect(await failure(box.run('1', { fresh: 'process', timeout: 300 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
      expect(await holding).toBe(1)
    })
  }
})
