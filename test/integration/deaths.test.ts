import { ContextLostError, type ReportedError } from 'glovebox'
import { describe, expect, test } from 'vitest'
import { documentedExamples } from '../../scripts/error-docs.ts'
import { boundWorker, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { NINE_DEATHS } from '../support/nine-deaths.ts'

checkLeaks()

const MIB = 1024 * 1024
const LOOP = 'for (;;);'

async function failure(call: Promise<unknown>): Promise<ReportedError> {
  return (await rejection(call)) as ReportedError
}

const summary = (error: Error & { readonly code?: string }) => [error.constructor.name, error.code]

/** What is known; but for what the worker was at, which it may have been between. */
function fieldsOf(report: object | undefined): readonly string[] {
  const known = Object.entries(report ?? {}).filter(([name, value]) => value !== undefined && name !== 'channel' && name !== 'run')
  return known.map(([name]) => name).toSorted()
}

describe('nine causes are told apart, as docs/errors.md shows them', () => {
  const documented = documentedExamples()

  test.each(NINE_DEATHS)('$title', { timeout: 60_000 }, async ({ title, error, report, die }) => {
    const failed = await die()
    if (typeof failed === 'string') {
      console.log(`skipped: ${failed}`)
      return
    }
    console.log(failed.message)
    expect(summary(failed)).toEqual(error)
    const said: Readonly<Record<string, unknown>> = { ...failed.report }
    const wanted = Object.entries(report).map(([name, value]) => [
      name,
      value instanceof RegExp && value.test(String(said[name])) ? said[name] : value,
    ])
    expect(Object.fromEntries(Object.keys(report).map((name) => [name, said[name]]))).toEqual(Object.fromEntries(wanted))
    expect(fieldsOf(failed.report)).toEqual(fieldsOf(documented.get(title)?.report))
  })

  test('no two of them look the same', () => {
    const looks = NINE_DEATHS.map(({ error, report }) => `${error[1]} ${String(report['cause'])}`)
    expect(new Set(looks).size).toBe(9)
  })
})

test('a guest uses up memory: its run gets the limit, its neighbours the crash', { timeout: 60_000 }, async () => {
  await using daemon = await testDaemon({ memory: 64 * MIB, maxPerTenant: 1 })
  await using box = await daemon.connect()
  await using guilty = await box.createContext()
  await using neighbour = await box.createContext({ never: async () => new Promise(() => undefined) })
  const waiting = failure(neighbour.run('never()', { timeout: 60_000 }))
  const error = failure(guilty.run('const kept = []; for (;;) kept.push({ kept })', { timeout: 30_000 }))
  const queued = failure(neighbour.run('1', { timeout: 60_000 }))
  expect(summary(await error)).toEqual(['MemoryLimitError', 'ERR_MEMORY_LIMIT'])
  expect((await error).report).toMatchObject({ phase: 'run', hostCall: undefined })
  expect((await error).report?.observed).toBeGreaterThan(0)
  expect(summary(await waiting)).toEqual(['WorkerCrashError', 'ERR_WORKER_CRASHED'])
  expect((await waiting).report).toMatchObject({ phase: 'host-call', hostCall: 'never', cause: 'heap' })
  expect((await queued).report).toMatchObject({ phase: 'queued', cause: 'heap' })
  expect(await rejection(guilty.run('1'))).toBeInstanceOf(ContextLostError)
  expect((await box.status()).deaths).toMatchObject([{ cause: 'heap' }])
  expect(await box.run('1 + 1')).toBe(2)
})

test('an allocation that is refused is an error of the guest, and kills nothing', async () => {
  await using daemon = await testDaemon({ memory: 64 * MIB })
  await using box = await daemon.connect()
  await using ctx = await box.createContext()
  const error = await rejection(ctx.run('const kept = []; for (;;) kept.push(new Uint8Array(1e7).fill(1))', { timeout: 30_000 }))
  expect([error.name, error.message]).toEqual(['RangeError', 'Array buffer allocation failed'])
  expect(await ctx.run('kept.length = 0; 1 + 1')).toBe(2)
  expect((await box.status()).deaths).toEqual([])
})

describe('a worker dies of something else', () => {
  test.each([
    ['somebody ends it', 'SIGTERM', 'signal'],
    ['the processor refuses what it does', 'SIGILL', 'fatal'],
  ] as const)('%s', async (_title, signal, cause) => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    await using ctx = await box.createContext()
    const pid = await boundWorker(box)
    const running = failure(ctx.run(LOOP, { timeout: 30_000 }))
    process.kill(pid, signal)
    const error = await running
    expect(summary(error)).toEqual(['WorkerCrashError', 'ERR_WORKER_CRASHED'])
    expect(error.report).toMatchObject({ cause, signal })
    expect(error.report?.limit).toBeUndefined()
    expect((await box.status()).deaths).toMatchObject([{ cause, signal }])
  })

  test.each([
    ['answers-garbage', 'protocol'],
    ['floods', 'protocol'],
    ['exits', 'exit'],
    ['overdue', 'unresponsive'],
  ])('%s: %s', async (worker, cause) => {
    const daemon = await testDaemon({}, worker)
    const box = await daemon.connect()
    await rejection(box.run('1', { timeout: 1_000 }))
    const death = await eventually('a reported death', async () => (await box.status()).deaths[0])
    expect(death.cause).toBe(cause)
    await box.dispose()
    await daemon[Symbol.asyncDispose]()
  })
})
