import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import type { Box, WorkerStatus } from 'glovebox'
import { describe, expect, test } from 'vitest'
import { errorCode } from '../../src/base/error.ts'
import { ERROR_CODES } from '../../src/protocol/error-codes.ts'
import { MAX_HELLO_FRAME_BYTES, MAX_SOURCE } from '../../src/protocol/limits.ts'
import { testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { gone, lives } from '../support/processes.ts'
import { compileRequest, leaseCompiler, RawCompilerClient } from '../support/raw-compiler.ts'
import { CONTROL_HELLO, RawClient, rawFrame } from '../support/raw-peer.ts'

checkLeaks()

const HELLO = { type: 'hello', minVersion: 1, maxVersion: 1 } as const

/** It may be gone already. */
function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}

async function compilerOf(box: Box): Promise<number> {
  return eventually('a compiler', async () => (await box.status()).compilers[0]?.pid)
}

describe('a compiler', () => {
  test('starts when the first client asks, and serves all of its tenant', async () => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    await using other = await daemon.connect()
    await box.run('1')
    expect((await box.status()).compilers).toEqual([])
    await Promise.all([box.compile('a'), other.compile('b'), other.compile('c', { format: 'module' })])
    const { compilers } = await eventually('its requests', async () => {
      const status = await box.status()
      return status.compilers[0]?.runs === 3 ? status : undefined
    })
    expect(compilers).toEqual([
      {
        worker: expect.any(Number) as number,
        pid: expect.any(Number) as number,
        state: 'bound',
        draining: false,
        tenant: 'default',
        contexts: 0,
        handles: 0,
        runs: 3,
        cpuMs: expect.any(Number) as number,
        memoryBytes: expect.any(Number) as number,
        rssBytes: expect.any(Number) as number,
        peakRssBytes: expect.any(Number) as number,
      },
    ])
  })

  test('is nicer than workers, in every thread', async () => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    await box.compile('a')
    await box.run('1')
    const niceness = (pid: number): Set<number> => new Set(readdirSync(`/proc/${pid}/task`).map((thread) => getPriority(Number(thread))))
    expect([...niceness(await compilerOf(box))]).toEqual([10])
    const worker = (await box.status()).workers.find(({ state }) => state === 'bound')?.pid as number
    expect([...niceness(worker)]).toEqual([0])
  })

  test.skipIf(!existsSync('/proc/self/autogroup'))('is nicer than workers as a session, and nobody else is', async () => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    const own = readFileSync('/proc/self/autogroup', 'utf8')
    await box.compile('a')
    await box.run('1')
    const niceness = (pid: number | undefined): unknown => / nice (\d+)/.exec(readFileSync(`/proc/${pid}/autogroup`, 'utf8'))?.[1]
    expect(niceness(await compilerOf(box))).toBe('10')
    expect(niceness((await box.status()).workers.find(({ state }) => state === 'bound')?.pid)).toBe('0')
    expect(readFileSync('/proc/self/autogroup', 'utf8')).toBe(own)
  })

  test('that is killed at work is replaced, and what it worked on is compiled all the same', async () => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    await box.compile('first()')
    const pid = await compilerOf(box)
    process.kill(pid, 'SIGSTOP')
    const scripts = Promise.all(Array.from({ length: 50 }, async (_, n) => (await box.compile(`again(${n})`)).code))
    process.kill(pid, 'SIGKILL')
    expect(await scripts).toEqual(Array.from({ length: 50 }, (_, n) => `again(${n})`))
    expect(await compilerOf(box)).not.toBe(pid)
    expect((await box.status()).deaths).toMatchObject([{ signal: 'SIGKILL' }])
  })

  test('that lost a thread leaves by itself, which is no death to tell of', async () => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    await rejection(box.compile('['.repeat(100_000), { language: 'ts' }))
    expect((await box.compile('1')).code).toBe('1')
    expect((await box.status()).deaths).toEqual([])
  })

  test('ends when nobody used it for long, and the next who asks gets another', async () => {
    await using daemon = await testDaemon({ compilerIdle: 100 })
    await using box = await daemon.connect()
    // Looked for from the start: it may be gone soon after its answer.
    const [pid] = await Promise.all([compilerOf(box), box.compile('a')])
    await gone([pid])
    expect((await box.compile('b')).code).toBe('b')
    expect((await box.status()).deaths).toEqual([])
  })

  test('ends when its tenant left, and with its daemon', async () => {
    await using daemon = await testDaemon()
    const box = await daemon.connect()
    await box.compile('a')
    const pid = await compilerOf(box)
    await using other = await daemon.connect()
    await box.dispose()
    expect([(await other.compile('b')).code, lives(pid)]).toEqual(['b', true])
    await other.dispose()
    await gone([pid])
    await using last = await daemon.connect()
    await last.compile('c')
    const next = await compilerOf(last)
    await daemon[Symbol.asyncDispose]()
    expect(lives(next)).toBe(false)
  })

  test('that does not boot is an error for who asked, and not for the daemon', async () => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    // No new process gets as far as its first word while every one is killed.
    const telling = new AbortController()
    const told = telling.signal
    const killing = (async () => {
      while (!told.aborted) {
        for (const { pid } of (await box.status()).compilers) kill(pid)
        await new Promise(setImmediate)
      }
    })()
    const error = await rejection(box.compile('a'))
    telling.abort()
    await killing
    expect([error.constructor.name, error.code]).toEqual(['ConnectionError', 'ERR_WORKER_BOOT'])
    expect((await box.compile('a')).code).toBe('a')
  })
})

describe('who talks to a compiler by hand', () => {
  test.each<[title: string, bytes: (peer: RawCompilerClient, ticket: Uint8Array) => void, code: keyof typeof ERROR_CODES]>([
    ['asks before hello', (peer) => peer.compile(1, 'x'), 'ERR_PROTOCOL'],
    ['has another ticket', (peer, ticket) => peer.tell({ ...HELLO, ticket: ticket.map((byte) => byte ^ 1) }), 'ERR_ACCESS_DENIED'],
    ['uses a ticket twice', (peer, ticket) => peer.tell({ ...HELLO, ticket }, { ...HELLO, ticket }), 'ERR_PROTOCOL'],
    ['speaks another version', (peer, ticket) => peer.tell({ ...HELLO, ticket, minVersion: 9, maxVersion: 9 }), 'ERR_VERSION'],
    ['says too much before hello', (peer) => peer.write(rawFrame(MAX_HELLO_FRAME_BYTES + 1)), 'ERR_PROTOCOL'],
    ['says nothing that is known', (peer) => peer.write(rawFrame(2, [0x91, 0x55])), 'ERR_PROTOCOL'],
    ['sends a frame of nothing', (peer) => peer.write(rawFrame(0)), 'ERR_PROTOCOL'],
    [
      'asks for a language that there is not',
      (peer, ticket) => {
        peer.tell({ ...HELLO, ticket })
        peer.write(rawFrame(9, [0x98, 1, 1, 9, 0, 0xc2, 0xc2, 0xc0, 0xa0]))
      },
      'ERR_PROTOCOL',
    ],
    [
      'asks twice under one number',
      (peer, ticket) => {
        peer.tell({ ...HELLO, ticket })
        for (let n = 0; n < 3; n++) peer.compile(7, `${n}`)
      },
      'ERR_PROTOCOL',
    ],
    [
      'sends a frame that is too large',
      (peer, ticket) => {
        peer.tell({ ...HELLO, ticket })
        peer.write(rawFrame(3 * MAX_SOURCE.default + 100_000))
      },
      'ERR_PROTOCOL',
    ],
  ])('and %s is refused; others do not notice', async (_title, act, code) => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    await box.compile('before()')
    const pid = await compilerOf(box)
    const { control, path, ticket } = await leaseCompiler(daemon.socket)
    await using _control = control
    await using peer = new RawCompilerClient(path)
    act(peer, ticket)
    await peer.closed
    expect(peer.said.at(-1)).toMatchObject({ type: 'failed', request: 0, code: ERROR_CODES[code] })
    expect((await box.compile('after()')).code).toBe('after()')
    expect(await compilerOf(box)).toBe(pid)
  })

  test('gets each request answered once; what waits can be cancelled; a source over the limit is refused', async () => {
    await using daemon = await testDaemon()
    const { control, path, ticket } = await leaseCompiler(daemon.socket)
    await using _control = control
    await using peer = new RawCompilerClient(path)
    peer.tell({ ...HELLO, ticket })
    await peer.frame(0)
    // In one write: all of it is read before a thread's answer is.
    peer.tell(
      compileRequest(1, 'let a; let a', { alone: true }),
      compileRequest(2, 'let b; let b'),
      compileRequest(3, 'waits()'),
      ...[3, 3, 99].map((request) => ({ type: 'cancel', request }) as const),
    )
    peer.compile(4, ' '.repeat(50_000_000))
    peer.compile(5, 'let x: 1', { language: 'ts', cache: true, alone: true })
    expect(await peer.answerTo(3)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_CANCELLED })
    expect(await peer.answerTo(4)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_SOURCE_LIMIT })
    expect(await peer.answerTo(5)).toMatchObject({ type: 'compiled', code: 'let x   ' })
    for (const request of [1, 2]) expect(await peer.answerTo(request)).toMatchObject({ type: 'threw' })
    const finals = peer.said.filter(({ type }) => type !== 'started' && type !== 'welcome')
    expect(finals).toHaveLength(5)
    expect(peer.said.filter(({ type }) => type === 'started').map((message) => 'request' in message && message.request)).toEqual([1, 2, 5])
  })

  test('and leaves takes with it what waits', async () => {
    await using daemon = await testDaemon()
    const { control, path, ticket } = await leaseCompiler(daemon.socket)
    await using _control = control
    const peer = new RawCompilerClient(path)
    peer.tell({ ...HELLO, ticket })
    for (let n = 1; n <= 200; n++) peer.compile(n, `${n};${'let a = 1;'.repeat(10_000)}`)
    await peer.answerTo(1)
    await peer[Symbol.asyncDispose]()
    await using box = await daemon.connect()
    expect((await box.compile('after()')).code).toBe('after()')
  })

  test('a client that only has the number of a compiler cannot interrupt or end it', async () => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    await box.compile('a')
    const [{ worker, pid }] = (await box.status()).compilers as readonly [WorkerStatus & { readonly pid: number }]
    await using stranger = new RawClient(daemon.socket)
    await stranger.answerTo(CONTROL_HELLO, 'welcome')
    stranger.tell({ type: 'distrust', worker, reason: 'no reason' }, { type: 'interrupt', worker, channel: 1, run: 1 })
    await stranger.answerTo({ type: 'status', request: 1 }, 'status')
    expect([(await box.compile('b')).code, lives(pid)]).toEqual(['b', true])
  })
})
