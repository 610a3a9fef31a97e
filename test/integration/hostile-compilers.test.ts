import type { Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type ClientToCompiler, type CompilerToClient, compilerToClient } from '../../src/protocol/compiler-link.ts'
import { ERROR_CODES } from '../../src/protocol/error-codes.ts'
import { closeFrame } from '../../src/protocol/link.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack/writer.ts'
import { writeValue } from '../../src/protocol/values/value-encoder.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { type CompilerPart, fakeDaemon } from '../support/fake-daemon.ts'
import { checkLeaks } from '../support/leaks.ts'
import { rawFrame } from '../support/raw-peer.ts'

checkLeaks()
afterEach(() => void vi.useRealTimers())

type Compile = Extract<ClientToCompiler, { readonly type: 'compile' }>

const say = (socket: Socket, ...messages: readonly CompilerToClient[]): void => {
  for (const message of messages) socket.write(compilerToClient.encode(message))
}
/** A frame that ends with a value. */
const threw = (request: number, value: unknown): Uint8Array => {
  const out = new MsgpackWriter()
  const start = compilerToClient.open(out, { type: 'threw', request })
  writeValue(out, value)
  closeFrame(out, start)
  return out.view()
}
/** Says welcome, and leaves the rest to the test. */
const polite =
  (onCompile: (request: Compile, socket: Socket, lease: number) => void): CompilerPart =>
  (message, socket, lease) => {
    if (message.type === 'hello') say(socket, { type: 'welcome', version: 1 })
    if (message.type === 'compile') onCompile(message, socket, lease)
  }
const compiled = (request: number): CompilerToClient => ({
  type: 'compiled',
  request,
  hash: new Uint8Array(32),
  code: 'evil()',
  imports: [],
  sourceMap: undefined,
  cachedData: undefined,
})

describe('a compiler that', () => {
  test.each<[title: string, part: CompilerPart, reason: RegExp]>([
    ['answers garbage', polite((_message, socket) => socket.write(rawFrame(3, [0xc1, 1, 2]))), /an array was expected/],
    ['announces a frame of gigabytes', polite((_message, socket) => socket.write(rawFrame(0xffff_ffff))), /a frame of 4294967295 bytes/],
    ['says what there is not', polite((_message, socket) => socket.write(rawFrame(2, [0x91, 0x63]))), /there is no message 99/],
    [
      'lists a billion imports',
      polite(({ request }, socket) =>
        socket.write(rawFrame(43, [0x97, 2, request, 0xc4, 32, ...new Uint8Array(32), 0xa0, 0xdd, 0x3b, 0x9a, 0xca, 0])),
      ),
      /1000000000/,
    ],
    ['throws a value that is none', polite(({ request }, socket) => socket.write(rawFrame(4, [0x93, 3, request, 0xc1]))), /type byte 193/],
  ])('%s is ended, and the call fails', async (_title, part, reason) => {
    await using daemon = await fakeDaemon(part)
    const error = await rejection(daemon.box.compile('x'))
    expect([error.constructor.name, error.code]).toEqual(['ProtocolError', 'ERR_PROTOCOL'])
    expect(error.message).toMatch(reason)
    expect(await eventually('a word to the daemon', () => daemon.heard.find(({ type }) => type === 'distrust'))).toMatchObject({
      worker: 1,
    })
  })

  test('answers with another source is not believed', async () => {
    await using daemon = await fakeDaemon(polite(({ request }, socket) => say(socket, compiled(request))))
    const error = await rejection(daemon.box.compile('x'))
    expect([error.code, error.message]).toEqual(['ERR_PROTOCOL', 'the compiler answered with another source than it was asked for'])
  })

  test('answers what nobody asked is not heard', async () => {
    await using daemon = await fakeDaemon(
      polite(({ request }, socket) => {
        say(socket, compiled(99), { type: 'started', request: 98 })
        socket.write(threw(97, 'x'))
        say(socket, { type: 'failed', request, code: ERROR_CODES.ERR_OVERLOADED, message: 'full', retryAfterMs: 70, wallMs: 0 })
        say(socket, { type: 'failed', request, code: ERROR_CODES.ERR_TIMEOUT, message: 'again', retryAfterMs: undefined, wallMs: 0 })
      }),
    )
    expect(await rejection(daemon.box.compile('x'))).toMatchObject({ code: 'ERR_OVERLOADED', message: 'full', retryAfter: 70 })
  })

  test.each<[title: string, value: unknown, seen: object]>([
    [
      'an error with a false name',
      Object.assign(new SyntaxError('m'), { name: 'Ok', code: 'ERR_X' }),
      { name: 'Ok', message: 'm', code: 'ERR_X' },
    ],
    ['no error', { a: 1 }, { name: 'GuestError', message: 'the guest threw an object', value: { a: 1 } }],
  ])('throws %s: that is what the caller sees', async (_title, value, seen) => {
    await using daemon = await fakeDaemon(polite(({ request }, socket) => socket.write(threw(request, value))))
    const error = await rejection(daemon.box.compile('x'))
    expect(error.constructor.name).toBe('GuestError')
    expect(error).toMatchObject(seen)
  })

  test('refuses its client', async () => {
    await using daemon = await fakeDaemon((_message, socket) =>
      say(socket, { type: 'failed', request: 0, code: ERROR_CODES.ERR_ACCESS_DENIED, message: 'no', retryAfterMs: undefined, wallMs: 0 }),
    )
    expect(await rejection(daemon.box.compile('x'))).toMatchObject({ code: 'ERR_ACCESS_DENIED', message: 'no' })
  })

  test('says nothing for long is given up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using daemon = await fakeDaemon(polite(() => vi.advanceTimersByTime(40_000)))
    const error = await rejection(daemon.box.compile('x'))
    expect([error.code, error.message]).toEqual(['ERR_TIMEOUT', 'the compiler said nothing for 40000 ms'])
  })

  test('does not greet is given up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using daemon = await fakeDaemon(() => vi.advanceTimersByTime(5_000))
    const error = await rejection(daemon.box.compile('x'))
    expect([error.code, error.message]).toEqual(['ERR_CONNECTION', 'the compiler did not answer within 5000 ms'])
  })

  test('dies of each source: it is tried once more alone, and then blamed', async () => {
    const asked: boolean[] = []
    await using daemon = await fakeDaemon(
      polite(({ request, alone }, socket, lease) => {
        asked.push(alone)
        say(socket, { type: 'started', request })
        socket.end(() => daemon.lost(lease))
      }),
    )
    const error = await rejection(daemon.box.compile('x'))
    expect(asked).toEqual([false, true])
    expect([error.code, error.message]).toEqual(['ERR_COMPILER_CRASHED', 'the compiler died while it compiled this source alone: SIGSEGV'])
    expect(error.report).toMatchObject({ phase: 'compile', signal: 'SIGSEGV' })
  })

  test('dies before it starts anything is asked five times', async () => {
    const asked: boolean[] = []
    await using daemon = await fakeDaemon(
      polite(({ alone }, socket, lease) => {
        asked.push(alone)
        socket.end(() => daemon.lost(lease))
      }),
    )
    const error = await rejection(daemon.box.compile('x'))
    expect(asked).toEqual([false, false, false, false, false])
    expect([error.code, error.message]).toEqual([
      'ERR_COMPILER_CRASHED',
      'the compiler died 5 times before it came to this source: SIGSEGV',
    ])
  })
})
