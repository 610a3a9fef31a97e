import { inspect } from 'node:util'
import type { Box, Context } from 'glovebox'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

/**
 * A worker that is its attacker's, and speaks the protocol: what it says by itself must not reach a function that its context was not given, not grow in the client, and not end its process.
 * Contexts: 1 was given `f` and `never`, 2 was given `g`, 3 nothing, 4 was given `f` and is gone.
 */
checkLeaks()
const MIB = 1024 * 1024
let daemon: TestDaemon
let box: Box
let ctx: Context
let other: Context
let calls: unknown[][]
const pending: unknown[] = []

beforeEach(async () => {
  daemon = await testDaemon({ max: 2, maxPerTenant: 1 }, 'obeys')
  box = await daemon.connect()
  calls = []
  const called =
    (name: string, result: unknown = null) =>
    (...args: readonly unknown[]): unknown => {
      calls.push([name, ...args])
      return result
    }
  ctx = await box.createContext({
    f: called('f'),
    never: () => new Promise((resolve) => pending.push(resolve)),
    large: () => new Uint8Array(MIB),
  })
  other = await box.createContext({ g: called('g') })
  await box.createContext()
  const gone = await box.createContext({ f: called('gone') })
  await gone.dispose()
})
afterEach(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

/** Bytes of values, for what the worker says. */
const HELP = `const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const kind = (number, ...fields) => Buffer.concat([Buffer.from([0x91 + fields.length, 0xd4, 1, number]), ...fields.map(pack)])
const fn = (id, returns = false, name = '') => kind(14, id, returns ? 2 : 0, name)
const object = (entries) => Buffer.concat([Buffer.from([0x80 | Object.keys(entries).length]), ...Object.entries(entries).flat().map(pack)])
const deep = (levels) => Buffer.concat([Buffer.alloc(levels, 0x91), Buffer.from([0xc0])])
const call = (context, id, args = [], sync = false, number = 1) => send(4, context, number, id, 0, sync, args)
const released = (context, handles) => send(5, context, handles)
const unhandled = (context, reason) => send(7, context, true, reason);
`
const play = (source: string, context = ctx): Promise<unknown> => context.run(`${HELP}${source}`, { timeout: 20_000 })

describe('is believed as far as a guest may go', () => {
  test.each<[title: string, source: string, called: readonly unknown[][]]>([
    ['a function of its own context', 'call(1, 1, [7], true)', [['f', 7]]],
    ['a call that comes twice', 'call(1, 1, [7]); call(1, 1, [7])', [['f', 7], ['f', 7]]], // biome-ignore format: a case a line
    ['a number that was never given', 'call(1, 77, [], true); call(1, 0); call(1, 4294967295)', []],
    ["another context's function by its number: each has numbers of its own", 'call(2, 1, [7])', [['g', 7]]],
    ["another context's function in a context that has fewer", 'call(2, 2, [7]); call(2, 3)', []],
    ['a context that was given nothing', 'call(3, 1, [7], true); call(3, 2)', []],
    ['a context that is gone', 'call(4, 1, [7], true); call(4, 1, deep(5))', []],
    ['a function that it gave back', 'released(1, [1, 1]); call(1, 1, [7], true)', []],
    [
      'a function that it gave back too often, and others that it never had',
      'released(1, [1, 4294967295, 77, 1, 0, 4294967295]); call(1, 1)',
      [],
    ],
    ['handles of contexts that have none, or are gone', 'released(3, [1, 1]); released(4, [1, 1]); call(1, 1, [7])', [['f', 7]]],
    ["another context's handles: what one gives back is its own", 'released(2, [1, 1]); call(1, 1, [7])', [['f', 7]]],
    ['a function that comes home', 'call(1, 1, [fn(1, true)])', [['f', expect.any(Function)]]],
    [
      'names of prototypes',
      `call(1, 1, [object({ ['__proto__']: object({ polluted: 1 }), constructor: object({ prototype: object({ polluted: 1 }) }), toString: 1 })])`,
      [['f', expect.objectContaining({ constructor: { prototype: { polluted: 1 } } })]],
    ],
    [
      'events of contexts that are gone, or that nobody listens to',
      'unhandled(4, deep(9)); unhandled(3, object({ a: fn(1) })); send(6, 4, 1, 5, 0, "text", 7)',
      [],
    ],
    [
      'answers that nobody waits for',
      'send(1, 7777, deep(3)); send(2, 7777, null); send(8, 7777, true, [0, 1]); send(8, run, false, [0, 1]); send(3, 7777, 1, "", 1, 0, 0)',
      [],
    ],
  ])('%s', async (_title, source, called) => {
    expect(await play(`${source}; setTimeout(done, 5)`)).toBe(null)
    expect(calls).toEqual(called)
    expect((Object.prototype as { polluted?: unknown }).polluted).toBe(undefined)
    expect(await play('done("well")', other)).toBe('well')
    expect((await box.status()).deaths).toEqual([])
  })

  test('a function that comes home is the one that was given, and a call of it is answered', async () => {
    const seen: unknown[] = []
    const asked = (fn: unknown): number => seen.push(fn)
    const context = await box.createContext({ asked })
    expect(
      await play(
        `call(context, 1, [fn(1, true)], true, 9)
        const look = () => { const { length } = heard.filter(([code]) => code === 17); if (length > 0) done(length); else setTimeout(look, 1) }
        look()`,
        context,
      ),
    ).toBe(1)
    expect(seen).toEqual([asked])
  })

  test('handles are held once each, and given back', async () => {
    expect(await play('call(1, 1, [[fn(5), fn(5), object({ a: fn(6) })]]); setTimeout(done, 5)')).toBe(null)
    const [[, list]] = calls as [[string, [Disposable, Disposable, { a: Disposable }]]]
    const [five, again, { a: six }] = list
    expect(again).toBe(five)
    expect((await box.status()).client.guestFunctions).toBe(2)
    five[Symbol.dispose]()
    six[Symbol.dispose]()
    expect(await play('setTimeout(() => done(heard.filter(([code]) => code === 16).length), 5)')).toBe(1)
    expect((await box.status()).client.guestFunctions).toBe(0)
  })

  test('unhandled rejections are data, whatever they hold', async () => {
    const events: unknown[] = []
    ctx.on('unhandledRejection', (error) => events.push(error))
    const reason = `kind(6, '(', '')`
    await play(`unhandled(1, kind(7, 0, 'x', 'm', 's', object({ cause: fn(3) }), object({ code: 'ERR_TIMEOUT', constructor: 1, toJSON: fn(4), valueOf: 5 })))
      unhandled(1, fn(1)); unhandled(1, null); setTimeout(done, 5)`)
    expect(events).toEqual([
      expect.objectContaining({ name: 'x', message: 'm', stack: 's', code: 'ERR_TIMEOUT' }),
      expect.objectContaining({ value: expect.any(Function) as unknown }),
      expect.objectContaining({ value: null }),
    ])
    expect(inspect(events[0])).toMatch(/m/)
    expect(String(events[0])).toBe('x: m')
    expect((await rejection(play(`unhandled(1, ${reason})`))).code).toBe('ERR_PROTOCOL')
  })
})

describe('is ended', () => {
  test.each<[title: string, source: string, reason: RegExp]>([
    ['a context that never was', 'call(5, 1)', /speaks for a context that there never was/],
    ['no context', 'released(0, [])', /speaks for a context that there never was/],
    ['contexts by the thousand', 'for (let i = 0; i < 1e4; i++) released(1000 + i, [1, 1])', /speaks for a context that there never was/],
    ['a rejection in a context that never was', 'unhandled(4294967295, fn(1))', /speaks for a context that there never was/],
    ['arguments that are no list', 'call(1, 1, object({ length: 1 }))', /without a list of arguments/],
    ['arguments that are nothing', 'call(1, 1, null)', /without a list of arguments/],
    ['arguments that are as many holes as end a process', 'call(1, 1, kind(1, 1e8, [], object({})))', /without a list of arguments/],
    [
      'arguments of the console that are as many holes',
      'send(6, 1, 1, 1, 0, "text", kind(1, 1e8, [], object({})))',
      /output without a list of arguments/,
    ],
    ['no arguments at all', 'socket.write(Buffer.from([0, 0, 0, 6, 0x96, 4, 1, 1, 1, 0xc2]))', /./],
    ['arguments that are cut short', 'call(1, 1, hex("92 01"))', /./],
    ['something after the arguments', 'call(1, 1, hex("90 c0"))', /./],
    ['arguments a million deep', 'call(1, 1, deep(1e6))', /nested deeper than the limit/],
    ['arguments that announce more than there is', 'call(1, 1, hex("dd ff ff ff ff"))', /announces 4294967295/],
    ['a reference to nothing', 'call(1, 1, hex("91 d4 02 09"))', /a reference to the object 9/],
    ['a function that was never sent comes home', 'call(1, 1, [fn(77, true)])', /came back that was never sent/],
    ["another context's function comes home", 'call(2, 1, [fn(2, true)])', /came back that was never sent/],
    [
      'handles without end',
      'for (let i = 0; i < 101; i++) call(1, 1, Array.from({ length: 1000 }, (_, n) => fn(1000 * i + n)))',
      /the limit of 100000 functions/,
    ],
    ['a thenable as an argument', 'call(1, 1, [object({ then: fn(1) })])', /a thenable/],
    ['a thenable as a result', 'done(object({ then: fn(1) }))', /a thenable/],
    ['a thenable that is a function of the host', 'done(object({ then: fn(1, true) }))', /a thenable/],
    [
      'an error whose name is no text',
      'done(kind(7, 0, "x", "m", "s", object({}), object({ name: fn(1) })))',
      /an error whose name is no text/,
    ],
    [
      'an error whose stack is no text',
      'call(1, 1, [kind(7, 0, "x", "m", "s", object({}), object({ stack: 5 }))])',
      /an error whose stack is no text/,
    ],
    ['a thenable in what was thrown', 'send(2, run, kind(7, 0, "x", "m", "s", object({}), object({ then: fn(1) })))', /a thenable/],
    ['an id without its count', 'released(1, [1])', /an id without its number of handles/],
    ['more handles given back than fit a message', 'released(1, Array(2002).fill(1))', /over the cap of 2000/],
    ['a negative count', 'released(1, [1, hex("ff")])', /./],
    ['a level of the console that there is not', 'send(6, 1, 6, 1, 0, "text", [])', /./],
    ['a stream without its function', 'call(1, 1, [kind(16, null)])', /without its function/],
    ['a stream that is a function of the host', 'call(1, 1, [kind(16, fn(1, true))])', /with a function of its receiver/],
    ['one function for two objects', 'call(1, 1, [kind(16, fn(5)), kind(15, fn(5))])', /that was of kind/],
    ['a kind that there is not', 'call(1, 1, [kind(99, 1)])', /an unknown kind/],
    ['calls at once without end', 'for (let i = 0; i < 2100; i++) call(1, 2, [], false, i)', /more host calls than/],
    [
      'calls without end',
      'const some = Buffer.concat(Array(1e4).fill(frame(4, 1, 1, 1, 0, true, []))); for (let i = 0; i < 24; i++) socket.write(some)',
      /more host calls than/,
    ],
    ['an unknown message', 'send(9, 1)', /there is no message 9/],
  ])('%s', async (_title, source, reason) => {
    ctx.on('console', ({ args }) => calls.push([...args]))
    const error = await rejection(play(source))
    expect([error.constructor.name, error.code]).toEqual(['ProtocolError', 'ERR_PROTOCOL'])
    expect(error.message).toMatch(reason)
    expect(calls.length).toBeLessThanOrEqual(210_000)
    // What held on to it is told, and the daemon serves on.
    expect((await rejection(other.run('1'))).code).toBe('ERR_PROTOCOL')
    const again = await box.createContext({ f: () => 1 })
    expect(await play('done("well")', again)).toBe('well')
    expect((await box.status()).client).toEqual({ guestFunctions: 0, hostFunctions: 1 })
  })

  test('nothing is done that came with the reason, after it', async () => {
    await rejection(play('socket.write(Buffer.concat([frame(9, 1), frame(4, 1, 1, 1, 0, true, []), frame(1, run, null)]))'))
    expect(calls).toEqual([])
  })

  test('answers that it does not take: their number is bounded', async () => {
    const before = process.memoryUsage()
    const error = await rejection(
      play(
        'socket.pause(); const some = Buffer.concat(Array(100).fill(frame(4, 1, 1, 3, 0, false, []))); for (let i = 0; i < 10; i++) socket.write(some)',
      ),
    )
    expect(error.message).toMatch(/does not take the answers/)
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(700 * MIB)
  })

  test('small answers that it does not take', async () => {
    const error = await rejection(
      play(
        `socket.pause(); const some = Buffer.concat(Array(1e4).fill(frame(4, 1, 1, 1, 0, true, []))); const more = () => { while (socket.write(some)); }; socket.on('drain', more); more()`,
      ),
    )
    expect(error.message).toMatch(/more host calls than/)
  })
})

describe('runMany', () => {
  const outcomesOf = async (source: string, inputs: readonly unknown[]): Promise<unknown> => {
    const outcomes: unknown[] = []
    try {
      for await (const outcome of ctx.runMany(`${HELP}${source}`, inputs)) outcomes.push(outcome)
      return outcomes
    } catch (error) {
      return (error as Error).message
    }
  }

  test.each<[title: string, source: string, expected: unknown]>([
    [
      'as it should be',
      'send(8, run, false, [0, 1, 1, fn(1)]); send(8, run, true, [2, [19, "no"]])',
      [expect.anything(), expect.anything(), expect.anything()],
    ],
    ['more outcomes than inputs', 'send(8, run, true, [0, 1, 0, 1, 0, 1, 0, 1])', expect.stringMatching(/more outcomes than inputs/)],
    ['a thenable as an outcome', 'send(8, run, true, [0, object({ then: fn(1) })])', expect.stringMatching(/a thenable/)],
    ['an unknown status', 'send(8, run, true, [9, 1])', expect.stringMatching(/./)],
    ['a status without its value', 'send(8, run, true, [0])', expect.stringMatching(/./)],
    ['a failure without its code', 'send(8, run, true, [2, 1])', expect.stringMatching(/a failure without its code/)],
    [
      'a failure with a code that there is not',
      'send(8, run, true, [2, [4294967295, "no"]])',
      [{ index: 0, status: 'rejected', reason: expect.objectContaining({ code: 'ERR_PROTOCOL' }) as unknown }],
    ],
  ])('%s', async (_title, source, expected) => {
    expect(await outcomesOf(source, [1, 2, 3])).toEqual(expected)
  })

  test('outcomes that nobody asked for do not pile up', async () => {
    const inputs = Array.from({ length: 1_000 }, (_, n) => n)
    const outcomes = ctx.runMany(`${HELP}for (let i = 0; i < 1000; i++) send(8, run, false, [0, 1])`, inputs)
    await outcomes.next()
    expect((await rejection(play(''))).message).toMatch(/more outcomes than were asked for/)
    await outcomes.return?.()
  })
})
