import { queryObjects } from 'node:v8'
import { type Box, ContextLostError, type LimitWarning, MemoryLimitError, type ReportedError } from 'glovebox'
import { describe, expect, test } from 'vitest'
import { Lane } from '../../dist/client/lane.js'
import { testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const MIB = 1024 * 1024
/** Above what a worker has when it boots, and below what the guest takes, but not far below. */
const MARK = 250 * MIB
const GROW = "const kept = globalThis.kept ??= []; kept.push(new Uint8Array(2.7e8).fill(1)); 'grown'"

const failure = async (call: Promise<unknown>): Promise<ReportedError> => (await rejection(call)) as ReportedError
const bound = async (box: Box): Promise<readonly number[]> =>
  (await box.status()).workers.filter(({ state }) => state === 'bound').map(({ worker }) => worker)

describe('a worker above its high-water mark', () => {
  test('warns, takes no more, and is ended with a report', async () => {
    await using daemon = await testDaemon({ highWater: MARK, drain: 500, maxPerTenant: 1 })
    await using box = await daemon.connect()
    await using other = await daemon.connect()
    const warnings: LimitWarning[] = []
    const ctx = await box.createContext()
    const neighbour = await other.createContext()
    const [worker] = await bound(box)
    const warned = new Promise<LimitWarning>((resolve) => ctx.on('warning', resolve))
    box.on('warning', (warning) => warnings.push(warning))
    const waiting = failure(neighbour.run('new Promise(() => {})', { timeout: 60_000 }))
    expect(await ctx.run(GROW)).toBe('grown')
    const warning = await warned
    expect(warning).toMatchObject({ worker, limit: 'highWater', configured: MARK })
    expect(warning.observed).toBeGreaterThan(MARK)
    expect(warning.message).toMatch(
      /^worker \d+ will be ended soon, and its contexts with it: its resident memory of \d+ MiB is over the high-water mark of 250 MiB$/,
    )
    expect(warnings).toEqual([warning])
    const shown = (await box.status()).workers.map((each) => [each.worker === worker, each.draining])
    expect(shown).toContainEqual([true, true])
    expect(shown).not.toContainEqual([false, true])
    // What is new goes elsewhere, and what is there goes on for a while.
    const next = await box.createContext()
    expect(await box.run('1 + 1')).toBe(2)
    expect((await bound(box)).filter((each) => each !== worker)).toHaveLength(1)
    const error = await waiting
    expect(error).toBeInstanceOf(MemoryLimitError)
    expect(error.report).toMatchObject({ worker, cause: 'high-water', limit: 'highWater', configured: MARK, signal: 'SIGKILL' })
    expect(error.report?.observed).toBeGreaterThan(MARK)
    const late = await failure(ctx.run('1'))
    expect(late).toBeInstanceOf(ContextLostError)
    expect(late.report).toMatchObject({ cause: 'high-water' })
    expect(await next.run('1 + 1')).toBe(2)
    expect((await box.status()).deaths).toMatchObject([{ cause: 'high-water', worker }])
  })

  test('whose runs end in time is replaced before anybody notices', async () => {
    await using daemon = await testDaemon({ highWater: MARK, drain: 60_000 })
    await using box = await daemon.connect()
    const warned = new Promise<LimitWarning>((resolve) => box.on('warning', resolve))
    const [worker] = [await box.run('1').then(() => bound(box))].flatMap((each) => each)
    const end = Promise.withResolvers<void>()
    const run = box.run(`${GROW}; end().then(() => kept.length)`, { globals: { end: async () => end.promise }, timeout: 60_000 })
    await warned
    expect(await box.run('2')).toBe(2)
    end.resolve()
    expect(await run).toBe(1)
    await eventually('the end of the worker', async () => !(await bound(box)).includes(worker as number))
    expect((await box.status()).deaths).toEqual([])
    expect(await box.run('3')).toBe(3)
  })
})

test('a worker that has served many runs is replaced when it holds nothing, and not before', async () => {
  await using daemon = await testDaemon({ recycleAfter: 20, maxPerTenant: 1 })
  await using box = await daemon.connect()
  const ctx = await box.createContext({ x: 1 })
  const [worker] = await bound(box)
  for (let i = 0; i < 100; i++) await box.run('1')
  await eventually(
    'a report of the worker',
    async () => ((await box.status()).workers.find((each) => each.worker === worker)?.runs ?? 0) > 100,
  )
  expect(await bound(box)).toEqual([worker])
  expect(await ctx.run('++x')).toBe(2)
  await ctx.dispose()
  await eventually('another worker', async () => {
    expect(await box.run('1 + 1')).toBe(2)
    return !(await bound(box)).includes(worker as number)
  })
  expect((await box.status()).deaths).toEqual([])
})

test('of workers that were replaced nothing is kept', async () => {
  await using daemon = await testDaemon({ recycleAfter: 1, maxPerTenant: 1 })
  await using box = await daemon.connect()
  const replaced = new Set<number>()
  await eventually('five workers', async () => {
    expect(await box.run('1 + 1')).toBe(2)
    for (const worker of await bound(box)) replaced.add(worker)
    return replaced.size > 5
  })
  await eventually('no lane but the last', () => queryObjects(Lane, { format: 'count' }) <= 2)
})
