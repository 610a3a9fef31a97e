import type { Box, ReportedError } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { CONTROL_HELLO, RawClient } from '../support/raw-peer.ts'

checkLeaks()

const MIB = 1024 * 1024

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await testDaemon({ spare: 1, max: 8, maxPerTenant: 2, memory: 96 * MIB })
})
afterAll(async () => daemon[Symbol.asyncDispose]())

const summary = (error: Error & { readonly code?: string }) => [error.constructor.name, error.code]
const refusal = async (call: Promise<unknown>): Promise<string> => (await rejection(call)).message
const bound = async (box: Box): Promise<number[]> =>
  (await box.status()).workers.filter(({ state }) => state === 'bound').map(({ worker }) => worker)
const sizes = async (box: Box): Promise<number[]> =>
  (await box.status()).workers
    .filter(({ state }) => state === 'bound')
    .map(({ memoryBytes }) => memoryBytes ?? 0)
    .toSorted((one, other) => one - other)

describe('a dedicated context', () => {
  test('has a worker of its own, which ends with it', async () => {
    await using box = await daemon.connect()
    await using shared = await box.createContext()
    const own = await box.createContext({ x: 1 }, { dedicated: true })
    await using other = await box.createContext({}, { dedicated: true })
    expect(new Set([shared.worker, own.worker, other.worker]).size).toBe(3)
    expect(await own.run('x + 1')).toBe(2)
    await own.dispose()
    await eventually('its end', async () => !(await bound(box)).includes(own.worker))
    expect(summary(await rejection(own.run('1')))).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
    expect((await box.status()).deaths).toEqual([])
    expect(await shared.run('1')).toBe(1)
  })

  test('ends with its connection', async () => {
    await using box = await daemon.connect()
    const second = await daemon.connect()
    const { worker } = await second.createContext({}, { dedicated: true })
    expect(await bound(box)).toContain(worker)
    await second.dispose()
    await eventually('its end', async () => !(await bound(box)).includes(worker))
  })

  test('that dies tells nobody else, and is made again by its setup', async () => {
    await using box = await daemon.connect()
    await using shared = await box.createContext()
    await using own = await box.createContext({}, { dedicated: true, setup: 'var x = 1', restore: 'setup' })
    const waiting = shared.run('new Promise((resolve) => { globalThis.resolve = resolve })')
    const { worker } = own
    process.kill((await box.status()).workers.find((each) => each.worker === worker)?.pid as number, 'SIGKILL')
    expect(summary(await rejection(own.run('new Promise(() => {})')))).toEqual(['WorkerCrashError', 'ERR_WORKER_CRASHED'])
    expect(await own.run('x')).toBe(1)
    expect(own.worker).not.toBe(worker)
    await shared.run('resolve(5)')
    expect(await waiting).toBe(5)
  })

  test('that cannot be made leaves no worker', async () => {
    await using box = await daemon.connect()
    expect(await refusal(box.createContext({}, { dedicated: true, setup: 'throw new Error("no")' }))).toBe('no')
    await eventually('its end', async () => (await bound(box)).length === 0)
  })

  test("counts as its tenant's, and waits for a place as any", async () => {
    await using small = await testDaemon({
      max: 4,
      policy: { tenants: { a: { uids: [process.getuid?.() ?? 0], limits: { maxWorkers: 1 } } } },
    })
    await using box = await small.connect()
    const first = await box.createContext({}, { dedicated: true })
    const second = box.createContext({}, { dedicated: true, limits: { memory: 64 * MIB } })
    const third = box.createContext({}, { dedicated: true })
    expect((await bound(box)).length).toBe(1)
    await first.dispose()
    const later = await second
    expect(await later.run('1')).toBe(1)
    expect(await bound(box)).toEqual([later.worker])
    await later.dispose()
    expect(await (await third).run('2')).toBe(2)
  })
})

describe('memory', () => {
  test('a guest below it lives, and one above it dies alone, with a report of its worker', async () => {
    await using box = await daemon.connect()
    await using shared = await box.createContext()
    await using ctx = await box.createContext({}, { dedicated: true, limits: { memory: 64 * MIB } })
    // So many arrays of 1 MiB.
    const fill = (parts: number): string =>
      `var kept = Array.from({ length: ${parts} }, (_, n) => Array.from({ length: 2 ** 17 }, (_, m) => n + m + 0.5)); kept.length`
    expect(await ctx.run(fill(48), { timeout: 30_000 })).toBe(48)
    const error = (await rejection(ctx.run(fill(200), { timeout: 30_000 }))) as ReportedError
    expect(summary(error)).toEqual(['MemoryLimitError', 'ERR_MEMORY_LIMIT'])
    expect(error.report).toMatchObject({ limit: 'memory', configured: 64 * MIB, cause: 'heap', worker: ctx.worker })
    expect(await shared.run(fill(70), { timeout: 30_000 })).toBe(70)
  })

  test('outside the heap it is an error of the guest', async () => {
    await using box = await daemon.connect()
    await using ctx = await box.createContext({}, { dedicated: true, limits: { memory: 32 * MIB } })
    const allocate = (bytes: number): string =>
      `var kept = []; for (let n = 0; n < ${bytes}; n += 4e6) kept.push(new Uint8Array(4e6).fill(1)); kept.length`
    expect(await ctx.run(allocate(32 * MIB))).toBe(9)
    const error = await rejection(ctx.run(allocate(400 * MIB), { timeout: 30_000 }))
    expect([error.name, error.message]).toEqual(['RangeError', 'Array buffer allocation failed'])
    expect(await ctx.run('kept.length = 0; 1 + 1')).toBe(2)
  })

  test("a connection's own size: its contexts and runs share workers of that size, and no others do", async () => {
    await using box = await daemon.connect()
    await using small = await daemon.connect({ limits: { memory: 48 * MIB } })
    await using same = await daemon.connect({ limits: { memory: 48 * MIB } })
    await using usual = await box.createContext()
    const contexts = [await small.createContext(), await small.createContext(), await same.createContext()]
    const workers = new Set(contexts.map(({ worker }) => worker))
    expect(workers.has(usual.worker)).toBe(false)
    expect(workers.size).toBe(1)
    expect(await sizes(box)).toEqual([48 * MIB, 96 * MIB])
    expect(await small.run('1 + 1')).toBe(2)
    expect(await small.run('1', { fresh: 'process', memory: 40 * MIB })).toBe(1)
  })

  test('at its largest and smallest; beyond it is refused in words', async () => {
    await using box = await daemon.connect()
    await using _largest = await box.createContext({}, { dedicated: true, limits: { memory: 96 * MIB } })
    expect(await box.run('1', { fresh: 'process', memory: 32 * MIB })).toBe(1)
    const range = `option 'memory' must be a whole number from ${32 * MIB} to ${96 * MIB}, got `
    expect(await refusal(box.createContext({}, { dedicated: true, limits: { memory: 96 * MIB + 1 } }))).toBe(`${range}${96 * MIB + 1}`)
    expect(await refusal(box.run('1', { fresh: 'process', memory: 32 * MIB - 1 }))).toBe(`${range}${32 * MIB - 1}`)
    expect(await refusal(daemon.connect({ limits: { memory: 97 * MIB } }))).toBe(`${range}${97 * MIB}`)
    const shared = 'needs the option dedicated: true: a worker that is shared is the same for all who share it, got'
    expect(await refusal(box.createContext({}, { limits: { memory: 64 * MIB } }))).toBe(`option 'memory' ${shared} ${64 * MIB}`)
    expect(await refusal(box.run('1', { memory: 64 * MIB }))).toContain("option 'memory' needs the option fresh: 'process'")
  })

  test("a tenant's policy lowers it, and its workers are made to that measure where a spare has the place", async () => {
    const policy = { tenants: { a: { uids: [process.getuid?.() ?? 0], limits: { memory: 40 * MIB } } } }
    await using tight = await testDaemon({ max: 2, spare: 2, policy })
    await using box = await tight.connect()
    await using ctx = await box.createContext()
    await using _other = await box.createContext({}, { dedicated: true, limits: { memory: 40 * MIB } })
    expect(await sizes(box)).toEqual([40 * MIB, 40 * MIB])
    expect(await ctx.run('1 + 1')).toBe(2)
    expect(await refusal(tight.connect({ limits: { memory: 64 * MIB } }))).toContain(`from ${32 * MIB} to ${40 * MIB}, got ${64 * MIB}`)
  })
})

describe('trust', () => {
  const placed = async (box: Box): Promise<number> => {
    const context = await box.createContext()
    return context.worker
  }

  test("'team': clients share workers; 'tenant': a connection has its own", async () => {
    await using one = await testDaemon({ spare: 1, max: 8, maxPerTenant: 1 })
    await using team = await one.connect()
    await using teammate = await one.connect({ trust: 'team' })
    await using apart = await one.connect({ trust: 'tenant' })
    await using alone = await one.connect({ trust: 'tenant' })
    expect(await placed(team)).toBe(await placed(teammate))
    const worker = await placed(apart)
    expect(await placed(apart)).toBe(worker)
    expect(new Set([await placed(team), worker, await placed(alone)]).size).toBe(3)
    expect(await apart.run('1 + 1')).toBe(2)
    // A context, or a run, that is stricter than its connection.
    await using stricter = await team.createContext({}, { trust: 'tenant' })
    expect(new Set([await placed(team), worker, stricter.worker]).size).toBe(3)
    expect(await team.run('2', { trust: 'tenant' })).toBe(2)
    expect(await placed(team)).toBe(await placed(teammate))
    await apart.dispose()
    await eventually('the end of its worker', async () => !(await bound(team)).includes(worker))
  })

  test("'hostile': processes of their own, and tighter limits", async () => {
    await using box = await daemon.connect({ trust: 'hostile' })
    const contexts = [await box.createContext(), await box.createContext({}, { limits: { timeout: 100 } })] as const
    expect(contexts[0].worker).not.toBe(contexts[1].worker)
    expect(await contexts[0].run('1 + 1')).toBe(2)
    expect(await box.run('1 + 1')).toBe(2)
    await eventually('the end of the process of the run', async () => (await bound(box)).length === 2)
    expect(await sizes(box)).toEqual([64 * MIB, 64 * MIB])
    const late = (await rejection(contexts[0].run('for (;;);'))) as ReportedError
    expect(late.report).toMatchObject({ limit: 'timeout', configured: 1_000 })
    expect(await refusal(contexts[0].run('"x".repeat(2 ** 20)'))).toContain('1048576')
    expect(await contexts[0].run('1 + 1')).toBe(2)
  })

  test('limits that are given are not tightened', async () => {
    await using box = await daemon.connect({ trust: 'hostile', limits: { maxOutput: 2 * MIB, memory: 96 * MIB, timeout: 2_000 } })
    expect(await box.run('"x".repeat(2 ** 20)')).toHaveLength(2 ** 20)
    await using team = await daemon.connect()
    await using ctx = await team.createContext({}, { trust: 'hostile', limits: { maxOutput: 2 * MIB } })
    expect(await ctx.run('"x".repeat(2 ** 20)')).toHaveLength(2 ** 20)
    expect(await refusal(team.run('"x".repeat(2 ** 20)', { trust: 'hostile' }))).toContain('1048576')
  })

  test('what is less strict than what holds is refused', async () => {
    await using box = await daemon.connect({ trust: 'hostile' })
    const holds = "option 'trust' must be at least as strict as 'hostile', which holds here, got "
    expect(await refusal(box.createContext({}, { trust: 'team' }))).toBe(`${holds}"team"`)
    expect(await refusal(box.run('1', { trust: 'tenant' }))).toBe(`${holds}"tenant"`)
    expect(await refusal(box.createContext({}, { dedicated: false }))).toBe(
      "option 'dedicated' must be true where trust is 'hostile', got false",
    )
    expect(await refusal(box.run('1', { fresh: 'context' }))).toBe(
      "option 'fresh' must be 'process' where trust is 'hostile', got \"context\"",
    )
    expect(await refusal(daemon.connect({ trust: 'none' as 'team' }))).toBe(
      "option 'trust' must be one of 'team', 'tenant', 'hostile', got \"none\"",
    )
  })

  test("a tenant's policy says the least that holds, and the daemon holds every client to it", async () => {
    const uids = [process.getuid?.() ?? 0]
    await using strict = await testDaemon({ max: 4, policy: { tenants: { a: { uids, trust: 'hostile' } } } })
    await using box = await strict.connect()
    await using one = await box.createContext()
    await using other = await box.createContext()
    expect(one.worker).not.toBe(other.worker)
    expect(await refusal(strict.connect({ trust: 'tenant' }))).toContain("must be at least as strict as 'hostile'")
    await using raw = new RawClient(strict.socket)
    await raw.answerTo(CONTROL_HELLO, 'welcome')
    expect(await raw.answerTo({ type: 'lease', request: 1, purpose: 'run', known: [], waitMs: 0 }, 'denied')).toMatchObject({
      code: 'ERR_ACCESS_DENIED',
    })
  })

  test('who says what he wants by hand gets no more than the tenant may have, and nothing for another lease', async () => {
    const want = { type: 'placement', memoryBytes: 4096 * MIB, jit: true, exclusive: false } as const
    await using box = await daemon.connect()
    await using greedy = new RawClient(daemon.socket)
    await greedy.answerTo(CONTROL_HELLO, 'welcome')
    greedy.tell({ ...want, request: 1 })
    const { worker } = await greedy.answerTo({ type: 'lease', request: 1, purpose: 'process', known: [], waitMs: 1_000 }, 'leased')
    expect((await box.status()).workers.find((each) => each.worker === worker)?.memoryBytes).toBe(96 * MIB)
    greedy.tell({ ...want, request: 2 }, { type: 'lease', request: 3, purpose: 'process', known: [], waitMs: 1_000 })
    await greedy.closed
    await eventually('the end of its worker', async () => !(await bound(box)).includes(worker))
  })

  test('a context that all may come to goes with workers that all may come to', async () => {
    await using box = await daemon.connect({ trust: 'tenant' })
    const rule = "option 'name' goes with the tenant's usual workers only: all its clients may come there, got "
    expect(await refusal(box.createContext({}, { name: 'ours' }))).toBe(`${rule}"ours"`)
    await using team = await daemon.connect()
    expect(await refusal(team.createContext({}, { name: 'ours', dedicated: true }))).toBe(`${rule}"ours"`)
  })

  test('without a compiler to machine code', async () => {
    await using box = await daemon.connect()
    await using ctx = await box.createContext({}, { dedicated: true, jit: false })
    expect(await ctx.run('typeof WebAssembly')).toBe('undefined')
    const script = await box.compile('var sum = 0; for (let n = 0; n < 1e5; n++) sum += n; sum')
    expect([await ctx.run(script), await ctx.run(script), await box.run(script)]).toEqual([4999950000, 4999950000, 4999950000])
    expect(summary(await rejection(ctx.run('for (;;);', { timeout: 50 })))).toEqual(['TimeoutError', 'ERR_TIMEOUT'])
    await using slow = await daemon.connect({ jit: false })
    expect(await slow.run('typeof WebAssembly')).toBe('undefined')
    expect(await refusal(slow.run('1', { jit: true, fresh: 'process' }))).toBe(
      "option 'jit' must be false, as it is for the connection, got true",
    )
    expect(await refusal(box.createContext({}, { jit: false }))).toContain("option 'jit' needs the option dedicated: true")
  })
})
