import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Box, connect, LimitError, type LimitWarning, OverloadedError, type ReportedError } from 'glovebox'
import { expect, test } from 'vitest'
import { startDaemonWithWorker } from '../../dist/daemon/start-daemon.js'
import { makeToken } from '../../src/daemon/tenants/token.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const ACME = makeToken()
const BETA = makeToken()
const LOOP = 'for (;;);'
const PATIENT = { timeout: 60_000 }

async function drained(outcomes: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of outcomes);
}

const failure = async (call: Promise<unknown>): Promise<ReportedError> => (await rejection(call)) as ReportedError

async function withTenants(
  limits: { readonly cpu: number },
  use: (acme: Box, beta: Box, setCpu: (cpu: number) => void) => Promise<void>,
): Promise<void> {
  using directory = temporaryDirectory()
  const policy = join(directory.path, 'policy.json')
  const write = ({ cpu }: { readonly cpu: number }): void =>
    writeFileSync(policy, JSON.stringify({ tenants: { acme: { tokens: [ACME.hash], limits: { cpu } }, beta: { tokens: [BETA.hash] } } }))
  write(limits)
  const socket = join(directory.path, 'd', 'd.sock')
  await using daemon = await startDaemonWithWorker({ socket, policy, logLevel: 'silent', max: 6, maxPerTenant: 2 }, undefined)
  await using acme = await connect({ socket, token: ACME.token })
  await using beta = await connect({ socket, token: BETA.token })
  await use(acme, beta, (cpu) => {
    write({ cpu })
    daemon.reload()
  })
}

test('a tenant that spins in all its workers stands still when its processor time is used up, and goes on when it has some again', async () => {
  await withTenants({ cpu: 1 }, async (acme, beta, setCpu) => {
    const warnings: LimitWarning[] = []
    acme.on('warning', (warning) => warnings.push(warning))
    const [first, second] = [await acme.createContext(), await acme.createContext()]
    await first.run('var ticks = 0; setInterval(() => { ticks++ }, 5); var x = 1')
    const waits = [failure(first.run('new Promise(() => {})', PATIENT)), failure(first.idle(PATIENT))]
    const many = failure(drained(second.runMany('for (const until = Date.now() + 20; Date.now() < until;);', Array(1e5).fill(0), PATIENT)))
    for (const error of await Promise.all([failure(first.run(LOOP, PATIENT)), many, ...waits])) {
      expect(error).toBeInstanceOf(LimitError)
      expect([error.code, error.report?.phase, error.report?.limit, error.report?.configured]).toEqual(['ERR_CPU_LIMIT', 'run', 'cpu', 1])
      expect(error.report?.observed).toBeGreaterThanOrEqual(1)
      expect(error.message).toMatch(/^the run was ended: this tenant has used up its processor time: [\d.]+ s in the last minute, of 1 s$/)
    }
    const { cpu } = (await acme.status()).tenants?.find(({ tenant }) => tenant === 'acme') ?? {}
    expect(cpu?.limitMs).toBe(1_000)
    expect(cpu?.usedMs).toBeGreaterThanOrEqual(1_000)
    const refused = [
      first.run('1'),
      first.get('x'),
      second.call('f'),
      acme.run('1'),
      acme.run('1', { fresh: 'process' }),
      acme.createContext(),
      acme.compile('1'),
    ]
    for (const error of await Promise.all(refused.map(failure))) {
      expect(error).toBeInstanceOf(OverloadedError)
      const { code, blockedBy, retryAfter } = error as OverloadedError
      expect([code, blockedBy]).toEqual(['ERR_OVERLOADED', 'cpu'])
      expect(retryAfter).toBeGreaterThan(30_000)
      expect(retryAfter).toBeLessThanOrEqual(61_000)
    }
    expect((await failure(first.run('1'))).report).toMatchObject({ phase: 'queued', limit: 'cpu', configured: 1 })
    await second.dispose()
    expect(await beta.run('1 + 1')).toBe(2)
    setCpu(60)
    const ticks = await eventually('time to compute', async () => first.get('ticks').catch(() => undefined) as Promise<number | undefined>)
    await eventually('a timer that goes on', async () => (await first.get('ticks')) !== ticks)
    expect(await first.run('++x')).toBe(2)
    expect(await acme.run('1 + 1', { fresh: 'process' })).toBe(2)
    expect(warnings).toMatchObject([{ limit: 'cpu', configured: 1, worker: undefined }])
    expect((await acme.status()).deaths).toEqual([])
  })
})

test('what no signal interrupts is ended with its worker; the tenant is warned before', async () => {
  await withTenants({ cpu: 1 }, async (acme) => {
    const warned = new Promise<LimitWarning>((resolve) => {
      acme.on('warning', resolve)
    })
    await using ctx = await acme.createContext()
    const stuck = failure(ctx.run('Array.prototype.includes.call({ length: 2 ** 50 }, 1)', PATIENT))
    expect(await warned).toMatchObject({
      limit: 'cpu',
      configured: 1,
      worker: undefined,
      message: expect.stringMatching(/^this tenant has used [\d.]+ s of processor time in the last minute, of 1 s$/),
    })
    const error = await stuck
    expect([error.constructor.name, error.code]).toEqual(['LimitError', 'ERR_CPU_LIMIT'])
    expect(error.report).toMatchObject({ phase: 'run', limit: 'cpu', configured: 1, cause: 'cpu', signal: 'SIGKILL' })
    expect((await failure(acme.run('1'))).code).toBe('ERR_OVERLOADED')
  })
})

test('processes that come and go count, with what it takes to start them', async () => {
  await withTenants({ cpu: 1 }, async (acme) => {
    const warned = new Promise<LimitWarning>((resolve) => {
      acme.on('warning', resolve)
    })
    const spend = async (): Promise<ReportedError> => {
      for (;;) await acme.run('1', { fresh: 'process' })
    }
    const error = await failure(spend())
    expect(error).toMatchObject({ code: 'ERR_OVERLOADED', blockedBy: 'cpu' })
    expect(error.message).toMatch(/^this tenant has used up its processor time: [\d.]+ s in the last minute, of 1 s/)
    expect((await warned).limit).toBe('cpu')
  })
})
