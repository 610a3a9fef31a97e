import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Box, connect, type LimitWarning, type OverloadedError } from 'glovebox'
import { expect, test } from 'vitest'
import { startDaemonWithWorker } from '../../dist/daemon/start-daemon.js'
import { makeToken } from '../../src/daemon/tenants/token.ts'
import { temporaryDirectory, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const SHORT = 'const until = Date.now() + 100; while (Date.now() < until); 7'
const LOOP = 'for (;;);'

async function refusal(call: Promise<unknown>): Promise<OverloadedError> {
  return (await rejection(call)) as OverloadedError
}

test('runs with a process of their own wait for one', async () => {
  await using daemon = await testDaemon({ max: 2, spare: 0 })
  await using box = await daemon.connect()
  const runs = Array.from({ length: 10 }, async () => box.run('7', { fresh: 'process' }))
  expect(await Promise.all(runs)).toEqual(Array.from({ length: 10 }, () => 7))
})

test('leases that can share a worker wait for one that boots, and share it', async () => {
  await using daemon = await testDaemon({ max: 1, spare: 0 })
  const boxes = await Promise.all(Array.from({ length: 20 }, async () => daemon.connect()))
  expect(await Promise.all(boxes.map(async (box, i) => box.run(`${i}`)))).toEqual(boxes.map((_, i) => i))
  await Promise.all(boxes.map(async (box) => box.dispose()))
})

test('leases of one moment do not take more workers than may be shared', async () => {
  await using daemon = await testDaemon({ max: 6, spare: 1, maxPerTenant: 2 })
  await using box = await daemon.connect()
  const contexts = await Promise.all(Array.from({ length: 12 }, async () => box.createContext()))
  const { workers } = await box.status()
  expect(workers.filter(({ state }) => state === 'bound')).toHaveLength(2)
  await Promise.all(contexts.map(async (ctx) => ctx.dispose()))
})

test('who waits too long is refused, with its place and what keeps it', async () => {
  await using daemon = await testDaemon({ max: 1, spare: 1 })
  await using box = await daemon.connect()
  await using hasty = await daemon.connect({ limits: { queueTimeout: 200 } })
  const running = rejection(box.run(LOOP, { fresh: 'process', timeout: 3_000 }))
  await eventually('a bound worker', async () => (await box.status()).workers.some(({ state }) => state === 'bound'))
  const startedMs = performance.now()
  const error = await refusal(hasty.run('1', { fresh: 'process' }))
  expect(performance.now() - startedMs).toBeGreaterThan(150)
  expect([error.constructor.name, error.code]).toEqual(['OverloadedError', 'ERR_OVERLOADED'])
  expect(error).toMatchObject({ position: 1, blockedBy: 'max', message: 'no worker was free within 200 ms' })
  expect(error.retryAfter).toBeGreaterThan(0)
  expect(error.estimatedWaitMs).toBe(error.retryAfter)
  await running
})

test('who would wait too long is refused at once', async () => {
  await using daemon = await testDaemon({ max: 1, spare: 1 })
  await using box = await daemon.connect()
  await using hasty = await daemon.connect({ limits: { queueTimeout: 300 } })
  const running = rejection(box.run(LOOP, { fresh: 'process', timeout: 1_000 }))
  await eventually('a bound worker', async () => (await box.status()).workers.some(({ state }) => state === 'bound'))
  const waiting = Array.from({ length: 5 }, async () => box.run(SHORT, { fresh: 'process' }))
  await box.status()
  const startedMs = performance.now()
  const error = await refusal(hasty.run('1', { fresh: 'process' }))
  expect(performance.now() - startedMs).toBeLessThan(250)
  expect(error).toMatchObject({ position: 6, blockedBy: 'max' })
  expect(error.message).toBe('all 1 workers are in use, and the next one for this lease is not expected within 300 ms')
  await running
  expect(await Promise.all(waiting)).toEqual([7, 7, 7, 7, 7])
})

test('as many wait as may', async () => {
  await using daemon = await testDaemon({ max: 1, spare: 1, maxQueue: 2 })
  await using box = await daemon.connect()
  const running = rejection(box.run(LOOP, { fresh: 'process', timeout: 500 }))
  await eventually('a bound worker', async () => (await box.status()).workers.some(({ state }) => state === 'bound'))
  const outcomes = await Promise.allSettled(Array.from({ length: 4 }, async () => box.run('7', { fresh: 'process' })))
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  const [refused] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as OverloadedError] : []))
  expect(refused).toMatchObject({ blockedBy: 'maxQueue', message: '2 leases of this tenant wait for a worker already' })
  await running
})

test('most of a full line is warned of, once', async () => {
  await using daemon = await testDaemon({ max: 1, spare: 1, maxQueue: 5 })
  await using box = await daemon.connect()
  const warnings: LimitWarning[] = []
  box.on('warning', (warning) => warnings.push(warning))
  const waitIn = async (): Promise<void> => {
    await eventually('a spare', async () => (await box.status()).workers.every(({ state }) => state === 'spare'))
    const running = rejection(box.run(LOOP, { fresh: 'process', timeout: 300 }))
    await eventually('a bound worker', async () => (await box.status()).workers.some(({ state }) => state === 'bound'))
    expect(await Promise.all(Array.from({ length: 5 }, async () => box.run('7', { fresh: 'process' })))).toEqual([7, 7, 7, 7, 7])
    await running
  }
  await waitIn()
  const message = '4 leases of this tenant wait for a worker, of 5 that may'
  expect(warnings).toEqual([{ limit: 'maxQueue', configured: 5, observed: 4, worker: undefined, message }])
  await waitIn()
  expect(warnings).toHaveLength(2)
})

test('where contexts keep all workers, who waited in vain is told to expect that again, and others sooner', async () => {
  await using daemon = await testDaemon({ max: 1, spare: 1 })
  await using box = await daemon.connect()
  await using hasty = await daemon.connect({ limits: { queueTimeout: 400 } })
  await using _held = await box.createContext({}, { dedicated: true })
  const waiting = refusal(hasty.run('1', { fresh: 'process' }))
  await eventually('a lease that waits', async () => (await box.status()).queue?.waiting === 1)
  const error = await waiting
  expect(error.message).toBe('no worker was free within 400 ms')
  expect(error.retryAfter).toBeGreaterThanOrEqual(400)
})

/** A worker that takes long to start, so that it can be met at it. */
async function slowlyStarting(): Promise<AsyncDisposable & { readonly connect: () => Promise<Box> }> {
  const directory = temporaryDirectory()
  const file = join(directory.path, 'slow.cjs')
  const boot = fileURLToPath(new URL('../../dist/worker/boot.cjs', import.meta.url))
  writeFileSync(file, `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)\nrequire(${JSON.stringify(boot)})\n`)
  const socket = join(directory.path, 'd.sock')
  const daemon = await startDaemonWithWorker({ socket, logLevel: 'silent', max: 2, spare: 0 }, file)
  return {
    connect: async () => connect({ socket }),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]()
      directory[Symbol.dispose]()
    },
  }
}

const ODD_SIZE = { fresh: 'process', memory: 64 * 1024 * 1024 } as const

test('a worker that dies while it boots for a lease is replaced once', async () => {
  await using daemon = await slowlyStarting()
  await using box = await daemon.connect()
  const answer = box.run('6 * 7', ODD_SIZE)
  const pid = await eventually(
    'a worker that boots',
    async () => (await box.status()).workers.find(({ state }) => state === 'booting')?.pid,
  )
  process.kill(pid, 'SIGKILL')
  expect(await answer).toBe(42)
})

test('workers that never boot for a lease are given up at the second, with the reason', async () => {
  await using daemon = await testDaemon({ max: 2, spare: 0 }, 'exits')
  await using box = await daemon.connect()
  const error = await rejection(box.run('1', ODD_SIZE))
  expect(error.code).toBe('ERR_WORKER_BOOT')
  expect(error.message).toMatch(/^the worker for this lease did not boot: fixture: no thank you/)
  expect((await box.status()).deaths).toHaveLength(2)
})

test('an aborted run waits no more', async () => {
  await using daemon = await testDaemon({ max: 1, spare: 1 })
  await using box = await daemon.connect()
  const running = rejection(box.run(LOOP, { fresh: 'process', timeout: 600 }))
  await eventually('a bound worker', async () => (await box.status()).workers.some(({ state }) => state === 'bound'))
  const controller = new AbortController()
  const aborted = rejection(box.run('1', { fresh: 'process', signal: controller.signal }))
  controller.abort(new Error('enough'))
  expect((await aborted).message).toBe('enough')
  await running
  expect(await box.run('2', { fresh: 'process' })).toBe(2)
})

test('a tenant that asks for everything leaves another its share', { timeout: 30_000 }, async () => {
  using directory = temporaryDirectory()
  const policy = join(directory.path, 'policy.json')
  const [greedy, modest] = [makeToken(), makeToken()]
  writeFileSync(policy, JSON.stringify({ tenants: { greedy: { tokens: [greedy.hash] }, modest: { tokens: [modest.hash] } } }))
  await using daemon = await testDaemon({ policy, max: 2, spare: 0 })
  await using a = await connect({ socket: daemon.socket, token: greedy.token })
  await using b = await connect({ socket: daemon.socket, token: modest.token })
  const order: string[] = []
  const many = Array.from({ length: 12 }, async () => {
    await a.run(SHORT, { fresh: 'process' })
    order.push('a')
  })
  await a.status()
  const before = order.length
  const few = Array.from({ length: 2 }, async () => {
    await b.run(SHORT, { fresh: 'process' })
    order.push('b')
  })
  await Promise.all([...many, ...few])
  console.log(`the order in which they ended: ${order.join('')}`)
  // First come, first served would have them last. Two that run, and two that boot, may end before the first of them is next, and two beside the second.
  expect(order.lastIndexOf('b') - before).toBeLessThan(8)
})
