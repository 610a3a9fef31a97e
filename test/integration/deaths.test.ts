import { ContextLostError, type ReportedError } from 'glovebox'
import { describe, expect, test } from 'vitest'
import { boundWorker, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { memoryCgroup } from '../support/memory-cgroup.ts'
import { gone } from '../support/processes.ts'

checkLeaks()

const MIB = 1024 * 1024
const LOOP = 'for (;;);'

async function failure(call: Promise<unknown>): Promise<ReportedError> {
  return (await rejection(call)) as ReportedError
}

const summary = (error: Error & { readonly code?: string }) => [error.constructor.name, error.code]

describe('a guest uses up memory: its run gets the limit, its neighbours the crash', () => {
  test.each([
    ['the heap', 'const kept = []; for (;;) kept.push({ kept })', 'heap', 64, 64 * MIB],
    ['outside the heap', "eval('[' + '1,'.repeat(2e7) + ']')", 'off-heap', 64, (2 * 64 + 128) * MIB],
  ])('%s', { timeout: 60_000 }, async (_title, source, cause, memoryMiB, configured) => {
    await using daemon = await testDaemon({ memory: memoryMiB * MIB, maxPerTenant: 1 })
    await using box = await daemon.connect()
    await using guilty = await box.createContext()
    await using neighbour = await box.createContext()
    const waiting = failure(neighbour.run('new Promise(() => {})', { timeout: 60_000 }))
    const error = await failure(guilty.run(source, { timeout: 30_000 }))
    console.log(error.message)
    expect(summary(error)).toEqual(['MemoryLimitError', 'ERR_MEMORY_LIMIT'])
    expect(error.report).toMatchObject({ phase: 'run', limit: 'memory', configured, cause, signal: 'SIGABRT' })
    expect(error.report?.observed).toBeGreaterThan(0)
    expect(summary(await waiting)).toEqual(['WorkerCrashError', 'ERR_WORKER_CRASHED'])
    expect(await rejection(guilty.run('1'))).toBeInstanceOf(ContextLostError)
    expect((await box.status()).deaths).toMatchObject([{ cause }])
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

  test('the kernel kills it', async ({ skip }) => {
    const group = memoryCgroup(150 * MIB)
    skip('reason' in group, 'reason' in group ? group.reason : '')
    if ('reason' in group) return
    await using daemon = await testDaemon({ memory: 1024 * MIB, maxPerTenant: 1 })
    await using box = await daemon.connect()
    await using ctx = await box.createContext()
    const pid = await boundWorker(box)
    group.add(pid)
    const error = await failure(ctx.run('const kept = []; for (;;) kept.push(new Uint8Array(1e6).fill(1))', { timeout: 30_000 }))
    console.log(error.message)
    await gone([pid])
    group[Symbol.dispose]()
    expect(summary(error)).toEqual(['MemoryLimitError', 'ERR_MEMORY_LIMIT'])
    expect(error.report).toMatchObject({ cause: 'oom-kill', limit: 'memory', signal: 'SIGKILL' })
  })
})

describe('a worker dies of something else', () => {
  test.each([
    ['somebody kills it', 'SIGKILL', 'signal'],
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

  test('the daemon stops', async () => {
    const daemon = await testDaemon()
    await using box = await daemon.connect()
    const ctx = await box.createContext()
    const running = failure(ctx.run(LOOP, { timeout: 30_000 }))
    await boundWorker(box)
    await daemon[Symbol.asyncDispose]()
    const error = await running
    expect(error.constructor.name).toBe('ConnectionError')
    expect(['ERR_STOPPING', 'ERR_CONNECTION']).toContain(error.code)
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
