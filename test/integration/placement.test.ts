import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Box, Context } from 'glovebox'
import { expect, test } from 'vitest'
import { makeToken } from '../../src/daemon/tenants/token.ts'
import { temporaryDirectory, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

interface Place {
  readonly worker: number
  readonly pid: number
  readonly contexts: number
  readonly tenant?: string
}

const bound = async (box: Box): Promise<readonly Place[]> =>
  (await box.status()).workers.filter(({ state }) => state === 'bound') as unknown as readonly Place[]

const overrun = async (ctx: Context): Promise<void> => {
  expect((await rejection(ctx.run('for (;;);', { timeout: 20 }))).code).toBe('ERR_TIMEOUT')
}

test('a context that keeps running until its deadline is left alone: what is new goes elsewhere', async () => {
  await using daemon = await testDaemon({ max: 4, spare: 1, maxPerTenant: 1 })
  await using box = await daemon.connect()
  const bad = await box.createContext({ mine: 1 })
  const [first] = await bound(box)
  const before = await box.createContext({ mine: 2 })
  expect(await bound(box)).toHaveLength(1)
  // Twice is no habit.
  await overrun(bad)
  await overrun(bad)
  expect(await box.run('1 + 1')).toBe(2)
  await overrun(bad)
  // Its worker tells the daemon in its own time, and the daemon this client.
  const after = await eventually('a context elsewhere', async () => {
    const next = await box.createContext({ mine: 3 })
    if ((await bound(box)).length === 2) return next
    await next.dispose()
    return undefined
  })
  expect([await bad.get('mine'), await before.get('mine'), await after.get('mine')]).toEqual([1, 2, 3])
  // Once nobody holds anything there, the worker goes.
  await bad.dispose()
  await before.dispose()
  await eventually('the end of the first worker', async () => (await bound(box)).every(({ worker }) => worker !== first?.worker))
  expect(await after.get('mine')).toBe(3)
})

test('it stays in company if its tenant may have no other worker', async () => {
  await using daemon = await testDaemon({ max: 1, spare: 1 })
  await using box = await daemon.connect()
  const bad = await box.createContext()
  for (let i = 0; i < 4; i++) await overrun(bad)
  const seen = (await box.status()).workers[0]?.runs ?? 0
  await box.run('1')
  // Later than what the worker said of the overruns.
  await eventually('news of the worker', async () => ((await box.status()).workers[0]?.runs ?? 0) > seen)
  const other = await box.createContext({ x: 1 })
  expect([await other.get('x'), (await bound(box)).length]).toEqual([1, 1])
})

test('single runs under way at once share as many workers as their tenant may: one that computes keeps others from nothing', async () => {
  await using daemon = await testDaemon({ max: 4, spare: 1, maxPerTenant: 2 })
  await using box = await daemon.connect()
  const abort = new AbortController()
  const { signal } = abort
  const long = rejection(box.run('for (;;);', { timeout: 30_000, signal }))
  const beside: Promise<unknown>[] = []
  const answers: unknown[] = []
  await eventually('an answer from a second worker', async () => {
    beside.push(
      box.run('1', { signal }).then(
        (answer) => answers.push(answer),
        () => undefined,
      ),
    )
    return answers.length > 0
  })
  // Those that came before it was known wait.
  await eventually('many at once, none behind the one that computes', async () => {
    const many = Promise.all(Array.from({ length: 50 }, async (_, i) => box.run(`${i}`, { signal })))
    beside.push(many.catch(() => undefined))
    return Promise.race([many.then(({ length }) => length === 50), wait(500, false)])
  })
  expect(await bound(box)).toHaveLength(2)
  abort.abort()
  await Promise.all([long, ...beside])
})

test('single runs of one client leave a worker for others', async () => {
  const [acme, beta] = [makeToken(), makeToken()]
  using directory = temporaryDirectory()
  const policy = join(directory.path, 'policy.json')
  writeFileSync(policy, JSON.stringify({ tenants: { acme: { tokens: [acme.hash] }, beta: { tokens: [beta.hash] } } }))
  await using daemon = await testDaemon({ policy, max: 2, spare: 1, maxPerTenant: 2 })
  await using one = await daemon.connect({ token: acme.token })
  await using two = await daemon.connect({ token: beta.token })
  for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 20 }, async () => one.run('1')))
  expect(await bound(one)).toHaveLength(1)
  expect(await two.run('2')).toBe(2)
})

test('a worker that its clients do not use goes to who waits for one, whoever that is', async () => {
  const acme = makeToken()
  const zeta = makeToken()
  using directory = temporaryDirectory()
  const policy = join(directory.path, 'policy.json')
  writeFileSync(policy, JSON.stringify({ tenants: { acme: { tokens: [acme.hash] }, zeta: { tokens: [zeta.hash] } } }))
  await using daemon = await testDaemon({ max: 1, spare: 1, policy })
  await using a = await daemon.connect({ token: acme.token })
  await using z = await daemon.connect({ token: zeta.token })
  for (let i = 0; i < 3; i++) {
    expect(await a.run(`${i}`)).toBe(i)
    expect(await z.run(`'z${i}'`)).toBe(`z${i}`)
  }
  // A context is something that its owner uses, whether it runs or not.
  await using ctx = await a.createContext({ x: 5 })
  const refused = await rejection(z.run('1'))
  expect(refused).toMatchObject({ code: 'ERR_OVERLOADED', blockedBy: 'max' })
  expect(await ctx.get('x')).toBe(5)
})

test('a worker that is in use when somebody begins to wait goes to them when it is not any more', async () => {
  const [acme, beta] = [makeToken(), makeToken()]
  using directory = temporaryDirectory()
  const policy = join(directory.path, 'policy.json')
  writeFileSync(policy, JSON.stringify({ tenants: { acme: { tokens: [acme.hash] }, beta: { tokens: [beta.hash] } } }))
  await using daemon = await testDaemon({ policy, max: 2, spare: 1 })
  await using one = await daemon.connect({ token: acme.token })
  await using two = await daemon.connect({ token: beta.token })
  const held = await one.createContext()
  const abort = new AbortController()
  const long = rejection(one.run('new Promise(() => {})', { fresh: 'process', signal: abort.signal, timeout: 20_000 }))
  await eventually('both in use', async () => (await bound(one)).length === 2)
  // It may hope for the end of the run.
  const waits = two.run('1 + 1')
  await eventually('it waits', async () => (await two.status()).queue?.waiting === 1)
  await held.dispose()
  expect(await waits).toBe(2)
  abort.abort()
  await long
})

test('a context that keeps overrunning takes no named context along when it goes', async () => {
  await using daemon = await testDaemon({ max: 3, spare: 1, maxPerTenant: 1 })
  await using box = await daemon.connect()
  const named = await box.createContext({ mine: 1 }, { name: 'kept' })
  const [first] = await bound(box)
  await named.dispose()
  const bad = await box.createContext()
  for (let time = 0; time < 3; time++) await overrun(bad)
  const others: Context[] = []
  await eventually('a context elsewhere', async () => {
    others.push(await box.createContext())
    return (await bound(box)).length > 1
  })
  await Promise.all(others.map(async (ctx) => ctx.dispose()))
  await bad.dispose()
  await eventually('nothing else there', async () =>
    (await bound(box)).every(({ worker, contexts }) => worker !== first?.worker || contexts <= 1),
  )
  await using again = await box.createContext({}, { name: 'kept', attach: 'only' })
  expect(await again.get('mine')).toBe(1)
  await again.dispose({ destroy: true })
})

test('a named context that keeps overrunning is left alone, and stays what it is to its clients', async () => {
  await using daemon = await testDaemon({ max: 3, spare: 1, maxPerTenant: 1 })
  await using box = await daemon.connect()
  await using other = await daemon.connect()
  const named = await box.createContext({ mine: 1 }, { name: 'bad' })
  const same = await other.createContext({}, { name: 'bad' })
  await overrun(named)
  await overrun(same)
  await overrun(named)
  const after = await eventually('a context elsewhere', async () => {
    const next = await box.createContext({ mine: 2 })
    if ((await bound(box)).length === 2) return next
    await next.dispose()
    return undefined
  })
  await using last = await daemon.connect()
  const late = await last.createContext({}, { name: 'bad', attach: 'only' })
  const bad = named.worker
  expect([same.worker, late.worker, after.worker === bad]).toEqual([bad, bad, false])
  expect(await last.run('1')).toBe(1)
  expect([await named.get('mine'), await same.get('mine'), await late.get('mine'), await after.get('mine')]).toEqual([1, 1, 1, 2])
  await named.dispose({ destroy: true })
  await same.dispose()
  await late.dispose()
  // Though all of its clients are there.
  await eventually('the end of the first worker', async () => (await bound(box)).every(({ worker }) => worker !== bad))
  expect([await last.run('2'), await after.get('mine')]).toEqual([2, 2])
})

test('a worker of its own takes the place of one that the tenant shares and does not use', async () => {
  await using daemon = await testDaemon({ max: 1, spare: 1 })
  await using box = await daemon.connect()
  expect(await box.run('1')).toBe(1)
  expect(await box.run('2', { fresh: 'process' })).toBe(2)
  expect(await box.run('3')).toBe(3)
})

test('workers that die while nobody uses them are replaced before anybody notices', async () => {
  await using daemon = await testDaemon({ max: 2, spare: 1 })
  await using box = await daemon.connect()
  expect(await box.run('1')).toBe(1)
  const { workers } = await eventually('a spare', async () => {
    const status = await box.status()
    return status.workers.some(({ state }) => state === 'spare') ? status : undefined
  })
  expect(workers).toHaveLength(2)
  for (const { pid } of workers) process.kill(pid as number, 'SIGKILL')
  await eventually('both deaths', async () => (await box.status()).deaths.length === 2)
  expect(await box.run('2')).toBe(2)
  await eventually('a full pool', async () => (await box.status()).workers.filter(({ state }) => state === 'spare').length === 1)
})
