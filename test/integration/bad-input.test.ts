import { chmodSync, chownSync, closeSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Box, connect, type Context } from 'glovebox'
import { type DaemonOptions, startDaemon } from 'glovebox/daemon'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { clientToWorker, workerToClient } from '../../src/protocol/channel-link.ts'
import { clientToDaemon } from '../../src/protocol/control-link.ts'
import { MAX_CONTROL_FRAME_BYTES, MAX_HELLO_FRAME_BYTES } from '../../src/protocol/limits.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack/writer.ts'
import { closeFrame } from '../../src/protocol/link.ts'
import { writeValue } from '../../src/protocol/values/value-encoder.ts'
import { temporaryDirectory, type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { listeningSocket } from '../../src/daemon/listening-socket.ts'
import { checkLeaks } from '../support/leaks.ts'
import { CONTROL_HELLO, RawClient, RawPeer, rawFrame } from '../support/raw-peer.ts'

checkLeaks()
let daemon: TestDaemon
/** Another client, which must notice nothing. */
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon({ maxTimeout: 10_000 })
  box = await daemon.connect()
  ctx = await box.createContext({ kept: 1 })
})
/** Code of the answer that tells of a failure. */
const FAILED = 3

const undisturbed = async (): Promise<void> => {
  expect(await ctx.run('kept')).toBe(1)
  expect((await box.status()).deaths).toEqual([])
}
afterEach(undisturbed)
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

describe('options', () => {
  const any = (value: unknown): never => value as never
  test.each<[title: string, call: () => Promise<unknown>, message: string]>([
    [
      'connect: unknown',
      () => connect(any({ sockett: 'x' })),
      "option 'sockett' is not an option of connect(); it takes 'socket', 'tenant', 'token', 'cacheDir', 'reconnect', 'spawn', 'queueTimeCounts', 'trust', 'jit', 'limits', got \"x\"",
    ],
    ['connect: type', () => connect(any({ socket: 5 })), "option 'socket' must be a string, got 5"],
    ['connect: spawn', () => connect(any({ spawn: 'yes' })), 'option \'spawn\' must be true or false, got "yes"'],
    ['connect: limits', () => connect(any({ limits: [] })), "option 'limits' must be an object, got an array"],
    [
      'connect: unknown limit',
      () => connect(any({ limits: { time: 1 } })),
      "option 'time' is not an option of connect({ limits }); it takes 'memory', 'timeout', 'maxOutput', 'maxDepth', 'maxSource', 'maxConsole', 'maxConsoleLines', 'maxHostCalls', 'maxHostCallsInFlight', 'maxContexts', 'queueTimeout', got 1",
    ],
    [
      'connect: a limit over the daemon’s',
      () => connect({ limits: { maxSource: (16 << 20) + 1 } }),
      "option 'maxSource' must be a whole number from 1 to 16777216, got 16777217",
    ],
    ['connect: no object', () => connect(any('socket')), 'option \'connect()\' takes an object of options, got "socket"'],
    ['run: no source', () => box.run(any(undefined)), "option 'source' must be a string, got undefined"],
    [
      'run: a source that is no string',
      () => ctx.run(any({ toString: () => '1' })),
      "option 'source' must be a string, or a Script of box.compile(), got an object",
    ],
    [
      'run: unknown',
      () => box.run('1', any({ timeOut: 5 })),
      "option 'timeOut' is not an option of run(); it takes 'trust', 'fresh', 'filename', 'language', 'timeout', 'signal', 'queueTimeCounts', 'sourceMap', 'globals', 'preset', 'deterministic', 'maxOutput', 'maxDepth', 'maxHostCalls', 'maxConsole', 'maxConsoleLines', 'maxHostCallsInFlight', 'jit', 'memory', got 5",
    ],
    ['run: timeout 0', () => box.run('1', { timeout: 0 }), "option 'timeout' must be a whole number from 1 to 10000, got 0"],
    [
      'run: timeout above the daemon’s',
      () => ctx.run('1', { timeout: 10_001 }),
      "option 'timeout' must be a whole number from 1 to 10000, got 10001",
    ],
    [
      'run: timeout of a text',
      () => ctx.run('1', any({ timeout: '5' })),
      'option \'timeout\' must be a whole number from 1 to 10000, got "5"',
    ],
    ['run: timeout NaN', () => ctx.run('1', { timeout: Number.NaN }), "option 'timeout' must be a whole number from 1 to 10000, got NaN"],
    ['run: fresh', () => box.run('1', any({ fresh: 'thread' })), "option 'fresh' must be one of 'context', 'process', got \"thread\""],
    [
      'run: fresh in a context',
      () => ctx.run('1', any({ fresh: 'process' })),
      "option 'fresh' is not an option of run(); it takes 'filename', 'language', 'timeout', 'signal', 'queueTimeCounts', 'sourceMap', 'maxOutput', 'maxDepth', 'maxHostCalls', got \"process\"",
    ],
    [
      'run: filename',
      () => box.run('1', { filename: 'x'.repeat(1025) }),
      `option 'filename' must have at most 1024 characters, got "${'x'.repeat(80)}…"`,
    ],
    ['run: signal', () => box.run('1', any({ signal: {} })), "option 'signal' must be an AbortSignal, got an object"],
    ['run: globals', () => box.run('1', any({ globals: null })), "option 'globals' must be an object, got null"],
    ['createContext', () => box.createContext(any([1])), "option 'globals' must be an object, got an array"],
    ['get: name', () => ctx.get(any(5)), "option 'name' must be a string, got 5"],
    [
      'get: a name that is too long',
      () => ctx.get('x'.repeat(1025)),
      `option 'name' must have at most 1024 characters, got "${'x'.repeat(80)}…"`,
    ],
    [
      'set: unknown',
      () => ctx.set('a', 1, any({ filename: 'x' })),
      "option 'filename' is not an option of set(); it takes 'timeout', 'signal', 'queueTimeCounts', got \"x\"",
    ],
    ['startDaemon: spare', () => startDaemon({ spare: 65 }), "option 'spare' must be a whole number from 0 to 64, got 65"],
    [
      'startDaemon: memory',
      () => startDaemon({ memory: 1 }),
      "option 'memory' must be a number of bytes from 33554432 to 4294967296, or such a text as '256M', got 1",
    ],
    [
      'startDaemon: logLevel',
      () => startDaemon(any({ logLevel: 'loud' })),
      "option 'logLevel' must be one of 'silent', 'error', 'warn', 'info', 'debug', got \"loud\"",
    ],
  ])('%s', async (_title, call, message) => {
    const error = await rejection(call())
    expect([error.name, error.code, error.message]).toEqual(['InvalidOptionError', 'ERR_INVALID_OPTION', message])
  })

  test.each<[what: string, make: () => object]>([
    ['a Map', () => new Map([['a', 1]])],
    ['a Set', () => new Set()],
    ['a Date', () => new Date()],
    ['a RegExp', () => /x/],
    ['an Error', () => Object.assign(new TypeError('m'), { a: 1 })],
    ['a view of a buffer', () => new Uint8Array(2)],
    ['an ArrayBuffer', () => new ArrayBuffer(2)],
    ['a boxed string', () => new String('ab')],
    ['a Promise', () => Promise.resolve({ a: 1 })],
    ['a generator', () => (function* () {})()],
    ['a stream, an async iterable or an AbortSignal', () => new ReadableStream()],
    ['a stream, an async iterable or an AbortSignal', () => AbortSignal.abort()],
    ['a stream, an async iterable or an AbortSignal', () => (async function* () {})()],
  ])('%s as globals', async (what, make) => {
    const globals = make()
    for (const call of [() => box.createContext(any(globals)), () => box.run('1', { globals: any(globals) })]) {
      const error = await rejection(call())
      expect([error.code, error.message]).toEqual([
        'ERR_INVALID_OPTION',
        `option 'globals' must be an object that holds the globals, and not ${what}, got an object`,
      ])
    }
    // Nothing was taken of it.
    expect((globals as Partial<ReadableStream>).locked ?? false).toBe(false)
  })

  test.each<[what: string, globals: object]>([
    ['no prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    [
      'a class of its own',
      new (class {
        a = 1
      })(),
    ],
    ['a Proxy', new Proxy({ a: 1 }, {})],
    ['a prototype of its own', Object.assign(Object.create({ b: 2 }) as object, { a: 1 })],
  ])('globals with %s are as good as any', async (_what, globals) => {
    await using own = await box.createContext(any(globals))
    expect(await own.globals()).toEqual({ a: 1 })
    expect(await box.run('[a, typeof b]', { globals: any(globals) })).toEqual([1, 'undefined'])
  })

  test('startDaemon: unknown', async () => {
    const error = await rejection(startDaemon(any({ workers: 3 })))
    expect(error.code).toBe('ERR_INVALID_OPTION')
    expect(error.message).toMatch(/^option 'workers' is not an option of startDaemon\(\); it takes '.*'logLevel', got 3$/)
  })

  test('a source over the limit', async () => {
    const error = await rejection(box.run(' '.repeat((16 << 20) + 1)))
    expect([error.constructor.name, error.code, error.message]).toEqual([
      'LimitError',
      'ERR_SOURCE_LIMIT',
      'the source has 16777217 characters, over the limit of 16777216',
    ])
    expect(await box.run(`${' '.repeat((16 << 20) - 1)}7`)).toBe(7)
  })

  test('a tenant that does not exist', async () => {
    const error = await rejection(daemon.connect({ tenant: 'nobody' }))
    expect([error.constructor.name, error.code, error.message]).toEqual([
      'AccessDeniedError',
      'ERR_ACCESS_DENIED',
      "this daemon has no tenant 'nobody'",
    ])
  })

  test('limits.timeout is the default of a connection', async () => {
    await using quick = await daemon.connect({ limits: { timeout: 30 } })
    expect((await rejection(quick.run('for (;;);'))).code).toBe('ERR_TIMEOUT')
    const error = await rejection(daemon.connect({ limits: { timeout: 10_001 } }))
    expect([error.code, error.message]).toEqual([
      'ERR_INVALID_OPTION',
      "option 'timeout' must be a whole number from 1 to 10000, got 10001",
    ])
  })
})

describe('limits.maxSource of a connection', () => {
  const message = 'the source has 11 characters, over the limit of 10'
  test.each<[title: string, use: (strict: Box, context: Context, source: string) => Promise<unknown>, result: unknown]>([
    ['run', (strict, _context, source) => strict.run(source), 7],
    ['run of a context', (_strict, context, source) => context.run(source), 7],
    ['run of TypeScript', (strict, _context, source) => strict.run(source, { language: 'ts' }), 7],
    ['compile', async (strict, _context, source) => (await strict.compile(source)).code, '         7'],
    [
      'runMany',
      async (strict, _context, source) => (await strict.runMany(source, [1]).next()).value,
      { index: 0, status: 'fulfilled', value: 7 },
    ],
    [
      'runMany of a context',
      async (_strict, context, source) => (await context.runMany(source, [1]).next()).value,
      { index: 0, status: 'fulfilled', value: 7 },
    ],
  ])('%s: at it, and above', async (_title, use, result) => {
    await using strict = await daemon.connect({ limits: { maxSource: 10 } })
    await using context = await strict.createContext()
    expect(await use(strict, context, '7'.padStart(10))).toEqual(result)
    const error = await rejection(Promise.resolve().then(() => use(strict, context, '7'.padStart(11))))
    expect([error.constructor.name, error.code, error.message]).toEqual(['LimitError', 'ERR_SOURCE_LIMIT', message])
    expect(await box.run('7'.padStart(11))).toBe(7)
  })
})

describe('on the daemon’s socket', () => {
  const hello = clientToDaemon.encode(CONTROL_HELLO)
  const lease = clientToDaemon.encode({ type: 'lease', request: 1, purpose: 'run', known: [], waitMs: 1_000 })

  test.each<[title: string, bytes: Uint8Array, message: RegExp]>([
    ['a text', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /^a frame of 1195725856 bytes, over the cap of 4096$/],
    ['a frame of no bytes', rawFrame(0), /^a frame of no bytes$/],
    ['a hello that is too large', rawFrame(MAX_HELLO_FRAME_BYTES + 1), /^a frame of 4097 bytes, over the cap of 4096$/],
    ['garbage in a frame', rawFrame(4, [0xc1, 0xc1, 0xc1, 0xc1]), /./],
    ['an unknown message', rawFrame(2, [0x91, 99]), /^there is no message 99 on this link$/],
    ['too few fields', rawFrame(2, [0x91, 1]), /^message 1 has 1 elements, not 5$/],
    ['a request before hello', lease, /^a request before hello$/],
    ['a second hello', Buffer.concat([hello, hello]), /^a second hello$/],
    [
      'a request over the cap',
      Buffer.concat([hello, rawFrame(MAX_CONTROL_FRAME_BYTES + 1)]),
      /^a frame of 262145 bytes, over the cap of 262144$/,
    ],
    ['garbage after hello', Buffer.concat([hello, rawFrame(1, [0xff])]), /./],
    ['bytes after a message', Buffer.concat([hello, rawFrame(4, [0x92, 5, 1, 1])]), /^message 5 is followed by 1 bytes$/],
  ])('%s: refused and closed', async (_title, bytes, message) => {
    await using peer = new RawClient(daemon.socket)
    peer.write(bytes)
    await peer.closed
    const last = await peer.answer(peer.frames.length - 1)
    expect(last).toEqual({ type: 'refused', code: 'ERR_PROTOCOL', message: expect.stringMatching(message) as string })
  })

  test('a protocol that is too new', async () => {
    await using peer = new RawClient(daemon.socket)
    expect(await peer.answerTo({ ...CONTROL_HELLO, minVersion: 2, maxVersion: 9 } as typeof CONTROL_HELLO, 'refused')).toEqual({
      type: 'refused',
      code: 'ERR_VERSION',
      message: 'this daemon speaks protocol 1 to 1, the client 2 to 9; install matching versions',
    })
    await peer.closed
  })

  test('half a frame and then nothing, or nothing at all: closed after five seconds', async () => {
    await using silent = new RawClient(daemon.socket)
    await using half = new RawClient(daemon.socket)
    half.write(hello.subarray(0, hello.length - 1))
    const startedMs = performance.now()
    await Promise.all([silent.closed, half.closed])
    expect(performance.now() - startedMs).toBeGreaterThan(4_900)
    for (const peer of [silent, half])
      expect(await peer.answer(0)).toEqual({ type: 'refused', code: 'ERR_PROTOCOL', message: 'no hello within 5000 ms' })
  })

  test('a client that goes away in the middle of a frame', async () => {
    await using peer = new RawClient(daemon.socket)
    peer.write(hello, lease.subarray(0, 3))
    expect((await peer.answer(0)).type).toBe('welcome')
    peer.end()
    await peer.closed
  })

  test('hello and half a request in one write', async () => {
    await using peer = new RawClient(daemon.socket)
    const status = clientToDaemon.encode({ type: 'status', request: 7 })
    peer.write(hello, status.subarray(0, 5))
    expect((await peer.answer(0)).type).toBe('welcome')
    peer.write(status.subarray(5))
    expect(await peer.answer(1)).toMatchObject({ type: 'status', request: 7 })
  })

  test('hello and a request larger than a hello may be in one write', async () => {
    await using peer = new RawClient(daemon.socket)
    const known = Array.from({ length: 999 }, (_, n) => 4_000_000_000 + n)
    peer.write(hello, clientToDaemon.encode({ type: 'lease', request: 3, purpose: 'run', known, waitMs: 1_000 }))
    expect(await peer.answer(1)).toMatchObject({ type: 'leased', request: 3 })
  })

  test('requests about workers and channels of others have no effect', async () => {
    const { workers } = await box.status()
    await using peer = new RawClient(daemon.socket)
    await peer.answerTo(CONTROL_HELLO, 'welcome')
    for (const { worker } of workers) {
      for (let channel = 0; channel < 5; channel++) peer.tell({ type: 'interrupt', worker, channel, run: 1 })
      peer.tell({ type: 'distrust', worker, reason: 'spite' })
    }
    await peer.answerTo({ type: 'status', request: 1 }, 'status')
  })

  test('a client that asks for ever and never reads is dropped', async () => {
    await using peer = new RawClient(daemon.socket)
    await peer.answerTo(CONTROL_HELLO, 'welcome')
    peer.pause()
    await eventually('the end of the connection', async () => {
      peer.tell(...Array.from({ length: 500 }, (_, request) => ({ type: 'status', request }) as const))
      return (await box.status()).daemon.clients === 1
    })
  })

  test('a hundred connections that come and go', async () => {
    const peers = Array.from({ length: 100 }, () => new RawClient(daemon.socket))
    for (const [n, peer] of peers.entries()) peer.write(n % 2 === 0 ? hello : hello.subarray(0, n % 10))
    await Promise.all(peers.map(async (peer) => peer[Symbol.asyncDispose]()))
    await eventually('the daemon to forget them', async () => (await box.status()).daemon.clients === 1)
  })
})

describe('on a worker’s socket', () => {
  async function leased(): Promise<{ readonly client: RawClient; readonly path: string; readonly ticket: Uint8Array }> {
    const client = new RawClient(daemon.socket)
    await client.answerTo(CONTROL_HELLO, 'welcome')
    const { path, ticket } = await client.answerTo({ type: 'lease', request: 1, purpose: 'run', known: [], waitMs: 1_000 }, 'leased')
    return { client, path: path as string, ticket }
  }
  const helloWith = (ticket: Uint8Array, minVersion = 1): Uint8Array =>
    clientToWorker.encode({ type: 'hello', minVersion, maxVersion: minVersion, ticket })
  const run = (number: number, source: string): Uint8Array =>
    clientToWorker.encode({ type: 'once', run: number, context: 0, timeoutMs: 1_000, filename: undefined, source })
  const said = (peer: RawPeer, index: number) =>
    peer.frame(index).then((bytes) => workerToClient.decode(bytes.subarray(0, bytes.length), 0, bytes.length))

  test('a wrong ticket, a used one and one of another worker are refused', async () => {
    const { client, path, ticket } = await leased()
    await using wrong = new RawPeer(path)
    wrong.write(helloWith(ticket.map((byte) => byte ^ 1)))
    await wrong.closed
    await using first = new RawPeer(path)
    first.write(helloWith(ticket))
    expect(await said(first, 0)).toEqual({ type: 'welcome', version: 1 })
    await using second = new RawPeer(path)
    second.write(helloWith(ticket))
    await second.closed
    const refusal = {
      type: 'failed',
      run: 0,
      code: 13,
      message: 'this ticket is not valid: unknown, used or expired',
      phase: 'queued',
      wallMs: 0,
      cpuMs: 0,
    }
    expect(await said(wrong, 0)).toEqual(refusal)
    expect(await said(second, 0)).toEqual(refusal)
    expect(first.isClosed).toBe(false)
    await client[Symbol.asyncDispose]()
  })

  test.each<[title: string, bytes: (ticket: Uint8Array) => Uint8Array, message: RegExp]>([
    ['a text', () => Buffer.from('hello, worker'), /over the cap of 4096/],
    ['a frame of no bytes', () => rawFrame(0), /no bytes/],
    ['a hello over the cap', () => rawFrame(4097), /over the cap/],
    ['a run before hello', () => run(1, '1'), /a request before hello/],
    ['a second hello', (ticket) => Buffer.concat([helloWith(ticket), helloWith(ticket)]), /a second hello/],
    ['a protocol that is too new', (ticket) => helloWith(ticket, 2), /no protocol version in common/],
    ['garbage after hello', (ticket) => Buffer.concat([helloWith(ticket), rawFrame(3, [0xc1, 1, 2])]), /./],
    [
      'a frame over the cap after hello',
      (ticket) => Buffer.concat([helloWith(ticket), rawFrame(0xffff_ffff)]),
      /over the cap of 201342976/,
    ],
    ['a ticket of the wrong size', () => rawFrame(10, [0x94, 0, 1, 1, 0xc4, 4, 1, 2, 3, 4]), /ticket is not valid/],
  ])('%s: told and closed', async (_title, bytes, message) => {
    const { client, path, ticket } = await leased()
    await using peer = new RawPeer(path)
    peer.write(bytes(ticket))
    await peer.closed
    expect(await said(peer, peer.frames.length - 1)).toMatchObject({
      type: 'failed',
      run: 0,
      message: expect.stringMatching(message) as string,
    })
    await client[Symbol.asyncDispose]()
  })

  test('hello and half a run in one write; a run larger than a hello may be', async () => {
    const { client, path, ticket } = await leased()
    await using peer = new RawPeer(path)
    const whole = run(1, `'${'x'.repeat(100_000)}'.length`)
    peer.write(helloWith(ticket), whole.subarray(0, 5_000))
    expect(await said(peer, 0)).toEqual({ type: 'welcome', version: 1 })
    peer.write(whole.subarray(5_000), run(2, '2'))
    expect([...(await peer.frame(1))]).toEqual([0x93, 1, 1, 0xce, 0, 1, 0x86, 0xa0])
    expect([...(await peer.frame(2))]).toEqual([0x93, 1, 2, 2])
    await client[Symbol.asyncDispose]()
  })

  test.each<[title: string, payload: Uint8Array]>([
    ['no value', new Uint8Array(0)],
    ['a value of an unknown type', new Uint8Array([0xc1])],
    ['an array without its elements', new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff])],
    ['a text that is cut short', new Uint8Array([0xdb, 0, 0, 1, 0, 65])],
    ['two values', new Uint8Array([0x80, 0x80])],
    ['a number where an object is expected', new Uint8Array([5])],
  ])('a payload that is none (%s) fails its run only', async (_title, payload) => {
    const { client, path, ticket } = await leased()
    await using peer = new RawPeer(path)
    const out = new MsgpackWriter()
    const start = clientToWorker.open(out, { type: 'onceWith', run: 1, context: 0, timeoutMs: 1_000, filename: undefined, source: '1' })
    out.ensure(payload.length)
    out.bytes.set(payload, out.position)
    out.position += payload.length
    closeFrame(out, start)
    peer.write(helloWith(ticket), out.view(), run(2, '2'))
    // What is known of a failure may come in a message of its own, before it.
    const bytes = [...(await peer.frame(2))]
    expect(bytes[1] === FAILED ? [...(await peer.frame(3))] : bytes).toEqual([0x93, 1, 2, 2])
    await client[Symbol.asyncDispose]()
  })

  test('contexts that do not exist, exist already, or were disposed', async () => {
    const { client, path, ticket } = await leased()
    await using peer = new RawPeer(path)
    const create = (number: number): Uint8Array => {
      const out = new MsgpackWriter()
      const start = clientToWorker.open(out, { type: 'create', run: number, context: 5 })
      writeValue(out, {})
      closeFrame(out, start)
      return out.view()
    }
    const access = (number: number, context: number): Uint8Array =>
      clientToWorker.encode({ type: 'get', run: number, context, timeoutMs: 1_000, name: 'x' })
    peer.write(
      helloWith(ticket),
      access(1, 9),
      create(2),
      create(3),
      access(4, 5),
      clientToWorker.encode({ type: 'dispose', run: 5, context: 5 }),
      access(6, 5),
    )
    await peer.frame(6)
    expect(await said(peer, 1)).toMatchObject({ type: 'failed', run: 1, code: 4 })
    expect(await said(peer, 3)).toMatchObject({ type: 'failed', run: 3, code: 11, message: 'context 5 exists already' })
    expect(await said(peer, 6)).toMatchObject({ type: 'failed', run: 6, code: 4 })
    await client[Symbol.asyncDispose]()
  })

  test('a client that sends for ever and never reads: its worker stays within bounds', async () => {
    const { client, path, ticket } = await leased()
    await using peer = new RawPeer(path)
    peer.pause()
    peer.write(helloWith(ticket), ...Array.from({ length: 3_000 }, (_, n) => run(n + 1, "'z'.repeat(1 << 20)")))
    await eventually('a worker that holds back', async () => {
      const before = (await box.status()).workers.map(({ cpuMs }) => cpuMs).join()
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
      return before === (await box.status()).workers.map(({ cpuMs }) => cpuMs).join()
    })
    const peaks = (await box.status()).workers.map(({ peakRssBytes }) => peakRssBytes)
    expect(Math.max(...peaks)).toBeLessThan(400 << 20)
    await client[Symbol.asyncDispose]()
  })
})

describe('the socket of a daemon', () => {
  const failure = async (options: DaemonOptions) => {
    const error = await rejection(startDaemon({ logLevel: 'silent', spare: 0, ...options }))
    return [error.name, error.code, error.message]
  }

  test('is in use', async () => {
    expect(await failure({ socket: daemon.socket })).toEqual([
      'DaemonError',
      'ERR_SOCKET_IN_USE',
      `another daemon serves ${daemon.socket}; stop it with 'glovebox stop --socket ${daemon.socket}', or choose another path`,
    ])
  })

  test('is too long', async () => {
    using directory = temporaryDirectory()
    const socket = join(directory.path, 'x'.repeat(100))
    const [, code, message] = await failure({ socket })
    expect([code, message]).toEqual([
      'ERR_SOCKET_PATH',
      `the socket path ${socket} is too long: with the workers' names it needs ${socket.length} bytes of 107; choose a shorter one`,
    ])
  })

  test('leaves no room for the workers’ sockets', async () => {
    using directory = temporaryDirectory()
    const socket = join(directory.path, 'd'.repeat(95 - directory.path.length), 's')
    expect((await failure({ socket }))[1]).toBe('ERR_SOCKET_PATH')
  })

  test('lies in a directory that others may write to', async () => {
    using directory = temporaryDirectory()
    for (const mode of [0o770, 0o777, 0o702]) {
      chmodSync(directory.path, mode)
      expect(await failure({ socket: join(directory.path, 'd.sock') })).toEqual([
        'DaemonError',
        'ERR_SOCKET_DIRECTORY',
        `others may write to the socket directory ${directory.path}; 'chmod 700 ${directory.path}', or choose a directory of its own`,
      ])
    }
  })

  test('lies in a directory that others may read: it is closed to them', async () => {
    using directory = temporaryDirectory()
    chmodSync(directory.path, 0o755)
    await using own = await startDaemon({ socket: join(directory.path, 'd.sock'), logLevel: 'silent', spare: 0 })
    expect(lstatSync(directory.path).mode & 0o777).toBe(0o700)
    expect(lstatSync(own.socket).mode & 0o777).toBe(0o600)
  })

  test('lies in a directory with other files, which others may read: that stays so, and the socket is closed to them', async () => {
    using directory = temporaryDirectory()
    chmodSync(directory.path, 0o755)
    writeFileSync(join(directory.path, 'index.html'), 'hello')
    await using own = await startDaemon({ socket: join(directory.path, 'd.sock'), logLevel: 'silent', spare: 0 })
    expect(lstatSync(directory.path).mode & 0o777).toBe(0o755)
    expect(lstatSync(own.socket).mode & 0o777).toBe(0o600)
  })

  test('is a file, which stays as it is', async () => {
    using directory = temporaryDirectory()
    const file = join(directory.path, 'precious')
    writeFileSync(file, 'precious')
    expect((await failure({ socket: file })).slice(1)).toEqual([
      'ERR_SOCKET_PATH',
      `${file} is there already, and is no socket; choose another path`,
    ])
    expect([readdirSync(directory.path), readFileSync(file, 'utf8')]).toEqual([['precious'], 'precious'])
  })

  test('lies in a directory of someone else’s', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'only root can give a directory away')
    using directory = temporaryDirectory()
    chownSync(directory.path, 65534, 65534)
    expect(await failure({ socket: join(directory.path, 'd.sock') })).toEqual([
      'DaemonError',
      'ERR_SOCKET_DIRECTORY',
      `the socket directory ${directory.path} belongs to uid 65534, not to this user (uid 0): whoever owns it could replace the socket; choose a path in a directory of your own as 'socket'`,
    ])
  })

  test.each<[title: string, make: (path: string) => void]>([
    ['a file', (path) => writeFileSync(path, '')],
    ['a link to a directory', (path) => symlinkSync('/tmp', path)],
    ['below a file', (path) => writeFileSync(path.slice(0, path.lastIndexOf('/')), '')],
  ])('lies in what is not a directory: %s', async (_title, make) => {
    using directory = temporaryDirectory()
    const folder = join(directory.path, 'a', 'b')
    if (_title !== 'below a file') mkdirSync(join(directory.path, 'a'))
    make(folder)
    expect((await failure({ socket: join(folder, 'd.sock') }))[1]).toBe('ERR_SOCKET_DIRECTORY')
  })

  test('is stale: a dead socket, its lock and dead workers’ sockets are swept away', async () => {
    using directory = temporaryDirectory()
    const socket = join(directory.path, 'd.sock')
    closeSync(listeningSocket(socket))
    for (const name of ['d.sock.lock', 'w1.sock', 'w77.sock']) writeFileSync(join(directory.path, name), '')
    writeFileSync(join(directory.path, 'mine.txt'), '')
    const own = await startDaemon({ socket, logLevel: 'silent' })
    await using client = await connect({ socket })
    expect(await client.run('1')).toBe(1)
    await client.dispose()
    await own[Symbol.asyncDispose]()
    await own[Symbol.asyncDispose]()
    await own.stopped
    expect(lstatSync(join(directory.path, 'mine.txt')).isFile()).toBe(true)
    expect(() => lstatSync(socket)).toThrow('ENOENT')
  })
})

describe('connect()', () => {
  test('nobody is there', async () => {
    const error = await rejection(connect({ socket: '/nonexistent/d.sock' }))
    expect([error.constructor.name, error.code, error.message]).toEqual([
      'ConnectionError',
      'ERR_CONNECTION',
      "cannot connect to /nonexistent/d.sock: no daemon is running there. Start one with 'glovebox serve'; connect() does so by itself with spawn: true",
    ])
  })

  test.each<[title: string, bytes: Uint8Array | undefined, message: RegExp]>([
    ['hangs up', undefined, /the daemon closed the connection|the connection to the daemon failed/],
    [
      'talks another protocol',
      Buffer.from('220 mail.example.com ESMTP\r\n'),
      /the daemon broke the protocol: a frame of \d+ bytes, over the cap/,
    ],
    ['answers with garbage', rawFrame(2, [0x91, 77]), /there is no message 77 on this link/],
  ])('somebody is there who %s', async (_title, bytes, message) => {
    using directory = temporaryDirectory()
    const socket = join(directory.path, 'd.sock')
    const server = createServer((peer) => {
      peer.on('error', () => undefined).resume()
      if (bytes === undefined) peer.destroy()
      else peer.write(bytes)
    })
    await new Promise<void>((resolve) => {
      server.listen(socket, resolve)
    })
    const error = await rejection(connect({ socket }))
    expect(['ConnectionError', 'ProtocolError']).toContain(error.constructor.name)
    expect(error.message).toMatch(message)
    await new Promise((resolve) => {
      server.close(resolve)
    })
  })
})
