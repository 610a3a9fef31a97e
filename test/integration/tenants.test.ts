import { statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { connect, type GloveboxError } from 'glovebox'
import type { DaemonOptions } from 'glovebox/daemon'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startDaemonWithWorker } from '../../dist/daemon/start-daemon.js'
import { hashOf, makeToken } from '../../src/daemon/tenants/token.ts'
import { glovebox } from '../support/command.ts'
import { temporaryDirectory, type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { RawPeer } from '../support/raw-peer.ts'
import { runScript } from '../support/scripts.ts'

checkLeaks()

const ACME = makeToken()
const BETA = makeToken()
/** `nobody` on every Linux. */
const OTHER_USER = 65_534
const isRoot = process.getuid?.() === 0

let directory: ReturnType<typeof temporaryDirectory>
let policy: string
beforeEach(() => {
  directory = temporaryDirectory()
  policy = join(directory.path, 'policy.json')
})
afterEach(() => directory[Symbol.dispose]())

function write(tenants: unknown): void {
  writeFileSync(policy, JSON.stringify({ tenants }, undefined, 2))
}

async function start(tenants: unknown, options: DaemonOptions = {}): Promise<TestDaemon> {
  write(tenants)
  return testDaemon({ policy, ...options })
}

const TENANTS = { acme: { tokens: [ACME.hash], limits: { timeout: 200, maxTimeout: 300, maxWorkers: 1 } }, beta: { tokens: [BETA.hash] } }

describe('who may connect', () => {
  test.each([
    ['a bad token', { token: 'guessed' }],
    ['a hash in the place of its token', { token: ACME.hash }],
    ["another tenant's token", { tenant: 'beta', token: ACME.token }],
    ['a tenant that there is not', { tenant: 'gamma', token: ACME.token }],
    ['a tenant without a token', { tenant: 'acme' }],
  ])('refused: %s', async (_title, options) => {
    await using daemon = await start(TENANTS)
    const error = await rejection(connect({ socket: daemon.socket, ...options }))
    expect([error.constructor.name, error.code]).toEqual(['AccessDeniedError', 'ERR_ACCESS_DENIED'])
    expect(error.message).toMatch(/does not stand for (any tenant|tenant '\w+') in this daemon's policy$/)
  })

  test('a daemon without a policy knows no tokens', async () => {
    await using daemon = await testDaemon()
    for (const options of [{ token: ACME.token }, { tenant: 'acme' }]) {
      expect((await rejection(connect({ socket: daemon.socket, ...options }))).code).toBe('ERR_ACCESS_DENIED')
    }
  })

  test('the user of the daemon who is no tenant may look and stop it, and runs nothing', async () => {
    await using daemon = await start(TENANTS)
    await using box = await connect({ socket: daemon.socket })
    expect((await box.status()).daemon.pid).toBe(process.pid)
    const error = await rejection(box.run('1'))
    expect(error.code).toBe('ERR_ACCESS_DENIED')
    expect(error.message).toMatch(/operator/)
  })

  test.runIf(isRoot)("another user's processes, by what the kernel says", async () => {
    await using daemon = await start({ guests: { uids: [OTHER_USER] }, ...TENANTS }, { socketMode: '666' })
    await using acme = await connect({ socket: daemon.socket, token: ACME.token })
    await acme.run('1')
    await using client = runScript('other-user.mjs', [String(OTHER_USER), daemon.socket])
    const said = JSON.parse(await client.line) as { sum: number; tenants: string[]; stop: string }
    expect(said.sum).toBe(2)
    expect(said.tenants).toEqual(['guests'])
    expect(said.stop).toBe("ERR_ACCESS_DENIED: only the daemon's own user and root may stop it")
    expect(await acme.run('2')).toBe(2)
  })

  test.runIf(isRoot)('another user without a tenant, and one who may not even open the socket', async () => {
    await using open = await start(TENANTS, { socketMode: '666' })
    await using client = runScript('other-user.mjs', [String(OTHER_USER), open.socket])
    expect(JSON.parse(await client.line)).toEqual({
      refused: `ERR_ACCESS_DENIED: uid ${OTHER_USER} does not stand for any tenant in this daemon's policy`,
    })
    await using closed = await start(TENANTS)
    await using stranger = runScript('other-user.mjs', [String(OTHER_USER), closed.socket])
    expect((JSON.parse(await stranger.line) as { refused: string }).refused).toMatch(
      /^ERR_CONNECTION: cannot connect to .*: this user may not open it$/,
    )
  })

  test.runIf(isRoot)('a daemon that only another user may open is none, where one is looked for', async () => {
    using locked = temporaryDirectory()
    const env = { XDG_RUNTIME_DIR: join(locked.path, 'glovebox'), TMPDIR: '/tmp', GLOVEBOX_SOCKET: '' }
    await using client = runScript('other-user.mjs', [String(OTHER_USER)], { env })
    // It starts its own, unless that user may not even read this checkout.
    expect(await client.line).not.toContain('cannot connect')
  })

  test('modes of the sockets and their directory', async () => {
    await using daemon = await start(TENANTS, { socketMode: '660', socketGroup: '0' })
    await using box = await connect({ socket: daemon.socket, token: BETA.token })
    await box.run('1')
    const mode = (path: string) => statSync(path).mode & 0o777
    expect([mode(dirname(daemon.socket)), mode(daemon.socket)]).toEqual([0o711, 0o660])
    const worker = (await box.status()).workers[0]?.worker
    expect(mode(join(dirname(daemon.socket), `w${worker}.sock`))).toBe(0o660)
  })

  test.each([
    [{ socketMode: '666' }, "option 'socketMode' needs a 'policy' to be more than '600', got \"666\""],
    [{ socketGroup: 'no such group' }, 'option \'socketGroup\' must be a group of this machine, got "no such group"'],
  ])('bad options %o', async (options, message) => {
    const socket = join(directory.path, 'd.sock')
    expect((await rejection(startDaemonWithWorker({ socket, logLevel: 'silent', ...options }, undefined))).message).toBe(message)
  })
})

describe('a tenant by itself', () => {
  test('gets no worker that is not confined as its policy requires; others do', async () => {
    const tenants = {
      acme: { tokens: [ACME.hash], confinement: 'strict' },
      beta: { tokens: [BETA.hash], confinement: 'process', require: ['L2'] },
    }
    await using daemon = await start(tenants, { confinement: 'process' })
    await using acme = await connect({ socket: daemon.socket, token: ACME.token })
    await using beta = await connect({ socket: daemon.socket, token: BETA.token })
    const calls = [acme.run('1'), acme.createContext(), acme.createContext({}, { name: 'n' }), acme.compile('1')]
    for (const error of await Promise.all(calls.map(async (call) => rejection(call)))) {
      expect([error.constructor.name, error.code]).toEqual(['AccessDeniedError', 'ERR_ACCESS_DENIED'])
      expect(error.message).toMatch(/^workers are not confined as this tenant's policy requires: L3 /)
    }
    expect(await beta.run('2')).toBe(2)
    expect((await beta.status()).deaths).toEqual([])
  })

  test('sees its own workers and deaths only; the operator sees all', async () => {
    await using daemon = await start(TENANTS)
    await using acme = await connect({ socket: daemon.socket, token: ACME.token })
    await using beta = await connect({ socket: daemon.socket, token: BETA.token, tenant: 'beta' })
    const [a, b] = [await acme.createContext(), await beta.createContext()]
    const workers = async (box: typeof acme) => (await box.status()).workers.filter(({ state }) => state === 'bound')
    expect((await workers(acme)).map(({ tenant }) => tenant)).toEqual(['acme'])
    expect((await workers(beta)).map(({ tenant }) => tenant)).toEqual(['beta'])
    process.kill((await workers(beta))[0]?.pid as number, 'SIGKILL')
    await rejection(b.run('1'))
    expect((await beta.status()).deaths).toMatchObject([{ tenant: 'beta' }])
    expect((await acme.status()).deaths).toEqual([])
    expect(await a.run('1')).toBe(1)
    // This test's user is the daemon's own: with no token it is the operator.
    await using operator = await connect({ socket: daemon.socket })
    expect((await operator.status()).deaths).toMatchObject([{ tenant: 'beta' }])
  })

  test('has its own limits', async () => {
    await using daemon = await start(TENANTS)
    await using acme = await connect({ socket: daemon.socket, token: ACME.token })
    const late = await rejection(acme.run('for (;;);'))
    expect(late.message).toMatch(/deadline of 200 ms/)
    expect((await rejection(acme.run('1', { timeout: 301 }))).message).toMatch(/whole number from 1 to 300/)
    await acme.createContext()
    const full = await rejection(acme.run('1', { fresh: 'process' }))
    expect(full.code).toBe('ERR_OVERLOADED')
    expect(full.message).toMatch(/^this tenant has its 1 workers already/)
    await using beta = await connect({ socket: daemon.socket, token: BETA.token })
    expect(await beta.run('1', { timeout: 301, fresh: 'process' })).toBe(1)
  })
})

describe('connections', () => {
  test('a tenant has as many as it may, and keeps no other out', async () => {
    await using daemon = await start({ acme: { tokens: [ACME.hash], limits: { maxClients: 2 } }, beta: { tokens: [BETA.hash] } })
    const open = async (token: string) => connect({ socket: daemon.socket, token })
    const [first, second] = [await open(ACME.token), await open(ACME.token)]
    const error = await rejection(open(ACME.token))
    expect([error.constructor.name, error.message]).toEqual(['OverloadedError', 'this tenant has 2 clients connected already'])
    await using beta = await open(BETA.token)
    expect(await beta.run('1')).toBe(1)
    await first.dispose()
    await using next = await eventually('room', async () => open(ACME.token).catch(() => undefined))
    expect(await next.run('2')).toBe(2)
    await second.dispose()
  })

  test('those that say nothing keep nobody out', async () => {
    await using daemon = await start(TENANTS)
    const silent = Array.from({ length: 2_500 }, () => new RawPeer(daemon.socket))
    await eventually('the end of the first ones', () => silent.filter(({ isClosed }) => isClosed).length >= 2_500 - 2_048)
    await using acme = await connect({ socket: daemon.socket, token: ACME.token })
    expect(await acme.run('1')).toBe(1)
    for (const peer of silent) await peer[Symbol.asyncDispose]()
  })
})

describe('reload', () => {
  test('clients of a tenant that is gone are closed, others go on; new tokens hold', async () => {
    write(TENANTS)
    const socket = join(directory.path, 'r', 'd.sock')
    await using daemon = await startDaemonWithWorker({ socket, policy, logLevel: 'silent' }, undefined)
    await using acme = await connect({ socket, token: ACME.token })
    await using beta = await connect({ socket, token: BETA.token })
    await acme.run('1')
    await beta.createContext({}, { name: 'kept' })
    const next = makeToken()
    write({ acme: { tokens: [next.hash], limits: { maxTimeout: 50 } } })
    daemon.reload()
    // A run may be on its way to the worker just then.
    const ending = async (): Promise<unknown> =>
      beta.run('1').then(
        () => undefined,
        (error: GloveboxError) => error.code,
      )
    await eventually(
      'the end of the connection',
      async () => !['ERR_OVERLOADED', undefined].includes((await ending()) as string | undefined),
    )
    expect((await rejection(connect({ socket, token: BETA.token }))).code).toBe('ERR_ACCESS_DENIED')
    expect((await rejection(connect({ socket, token: ACME.token }))).code).toBe('ERR_ACCESS_DENIED')
    // Nobody may come for it.
    expect(daemon.status().names).toEqual([])
    await using again = await connect({ socket, token: next.token })
    expect((await rejection(again.run('for (;;);'))).message).toMatch(/deadline of 50 ms/)
    expect(await acme.run('1 + 1')).toBe(2)
  })

  test('errors: the old policy stays', async () => {
    write(TENANTS)
    const socket = join(directory.path, 'r', 'd.sock')
    await using daemon = await startDaemonWithWorker({ socket, policy, logLevel: 'silent' }, undefined)
    writeFileSync(policy, '{ "tenants": {\n "acme": { "limits": { "maxWorkers": 0 } } } }')
    expect(() => daemon.reload()).toThrow(`${policy}:2: 'tenants.acme.limits.maxWorkers' must be a whole number from 1 to 256, got 0`)
    await using acme = await connect({ socket, token: ACME.token })
    expect(await acme.run('1')).toBe(1)
  })

  test('a policy is not taken away while others may connect', async () => {
    write(TENANTS)
    const socket = join(directory.path, 'r', 'd.sock')
    await using daemon = await startDaemonWithWorker({ socket, policy, socketMode: '666', logLevel: 'silent' }, undefined)
    expect(() => daemon.reload({ socket, logLevel: 'silent' })).toThrow(
      "option 'policy' cannot be taken away while others than this user may connect;",
    )
    await using acme = await connect({ socket, token: ACME.token })
    expect(await acme.run('1')).toBe(1)
  })

  test('a daemon does not start with errors', async () => {
    writeFileSync(policy, '{ "tenants": { "acme": 1 } }')
    const socket = join(directory.path, 'r', 'd.sock')
    expect((await rejection(startDaemonWithWorker({ socket, policy, logLevel: 'silent' }, undefined))).code).toBe('ERR_POLICY')
  })
})

test('glovebox token', async () => {
  const { stdout, code } = await glovebox(['token', '--json'], {}).ended
  const { token, hash } = JSON.parse(stdout) as { token: string; hash: string }
  expect([code, hash]).toEqual([0, hashOf(token)])
})
