import type { Box, Context } from 'glovebox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MAX_UNHANDLED } from '../../src/protocol/limits.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

interface Heard {
  readonly event: string
  readonly name: string
  readonly message: string
  readonly value?: unknown
}

const EVENTS = ['unhandledRejection', 'uncaughtException'] as const

/** What the box hears, what the context hears. */
let ofBox: Heard[] = []
let ofContext: Heard[] = []
let ctx: Context
const into = (heard: Heard[], event: string) => (error: Error) => {
  const { name, message, value } = error as Error & { value?: unknown }
  heard.push({ event, name, message, ...('value' in error ? { value } : {}) })
}
beforeEach(async () => {
  ofBox = []
  ofContext = []
  ctx = await box.createContext()
  for (const event of EVENTS) ctx.on(event, into(ofContext, event))
})
beforeAll(() => {
  for (const event of EVENTS) box.on(event, (error) => into(ofBox, event)(error))
})
const undisturbed = async (): Promise<void> => {
  expect(await ctx.run('1 + 1')).toBe(2)
  await ctx.dispose()
  expect((await box.status()).deaths).toEqual([])
}
afterEach(undisturbed)

const rejected = (name: string, message: string, more: object = {}): Heard => ({ event: 'unhandledRejection', name, message, ...more })
const uncaught = (name: string, message: string, more: object = {}): Heard => ({ event: 'uncaughtException', name, message, ...more })
const primitive = (value: unknown, text: string): object => ({ name: 'GuestError', message: `the guest threw ${text}`, value })

test.each<[what: string, source: string, heard: readonly Heard[]]>([
  ['a rejection', "Promise.reject(new RangeError('r'))", [rejected('RangeError', 'r')]],
  [
    'several, in order',
    'Promise.reject(1); Promise.reject(2)',
    [{ event: 'unhandledRejection', ...primitive(1, '1') } as Heard, { event: 'unhandledRejection', ...primitive(2, '2') } as Heard],
  ],
  ['an async function that nobody waits for', "(async () => { await null; throw new TypeError('t') })()", [rejected('TypeError', 't')]],
  ['of a chain the last', "Promise.reject(new Error('c')).then(() => 1).finally(() => 2)", [rejected('Error', 'c')]],
  ['a timer', "setTimeout(() => { throw new TypeError('timer') }, 1)", [uncaught('TypeError', 'timer')]],
  ['an immediate', 'setImmediate(() => { throw 5 })', [{ event: 'uncaughtException', ...primitive(5, '5') } as Heard]],
  ['a microtask', "queueMicrotask(() => { throw new Error('job') })", [uncaught('Error', 'job')]],
  [
    'an interval, each time',
    'let n = 0; const id = setInterval(() => { if (++n === 2) clearInterval(id); throw new Error(`i${n}`) }, 1)',
    [uncaught('Error', 'i1'), uncaught('Error', 'i2')],
  ],
  ['code of a timer that does not parse', "setTimeout('a b', 1)", [uncaught('SyntaxError', "Unexpected identifier 'b'")]],
  ['in a timer', "setTimeout(() => { Promise.reject(new Error('late')) }, 1)", [rejected('Error', 'late')]],
  ['one that is handled at once', 'Promise.reject(1).catch(() => 0)', []],
  ['one that is handled later in the same turn', 'const p = Promise.reject(1); Promise.resolve().then(() => p.catch(() => 0))', []],
  ['those of Promise.allSettled', 'Promise.allSettled([1, 2, 3].map((x) => Promise.reject(x)))', []],
  ['the rest of Promise.all', 'Promise.all([1, 2].map((x) => Promise.reject(x))).catch(() => 0)', []],
  [
    'among many that are handled',
    "for (let i = 0; i < 500; i++) { const p = Promise.reject(i); p.catch(() => 0) } Promise.reject(new Error('one'))",
    [rejected('Error', 'one')],
  ],
])('%s', async (_what, source, heard) => {
  expect(await ctx.run(`${source}; 0`)).toBe(0)
  await ctx.idle()
  expect(ofContext).toEqual(heard)
  expect(ofBox).toEqual(heard)
})

test('what a run itself is rejected with is no event', async () => {
  expect((await rejection(ctx.run('Promise.reject(new Error(1))'))).name).toBe('Error')
  expect((await rejection(ctx.run('(async () => { await null; throw 2 })()'))).name).toBe('GuestError')
  await ctx.run('async function fails() { throw 3 } 0')
  await rejection(ctx.call('fails'))
  await ctx.idle()
  expect(ofContext).toEqual([])
})

test('of a single run the box hears', async () => {
  expect(await box.run("Promise.reject(new Error('single')); queueMicrotask(() => { throw new Error('job') }); 5")).toBe(5)
  expect(await box.run("Promise.reject(new Error('waits')); new Promise((resolve) => setTimeout(resolve, 1, 6))")).toBe(6)
  await eventually('the events', () => ofBox.length === 3)
  expect(ofBox).toEqual([rejected('Error', 'single'), uncaught('Error', 'job'), rejected('Error', 'waits')])
})

test('its stack is the guest’s', async () => {
  const heard = Promise.withResolvers<Error>()
  ctx.on('uncaughtException', heard.resolve)
  await ctx.run("\nsetTimeout(function late() { throw new Error('s') }, 1)", { filename: 'stack.js' })
  expect((await heard.promise).stack).toBe('Error: s\n    at late (stack.js:2:36)')
})

test('nobody listens: nothing happens', async () => {
  await using other = await daemon.connect()
  await using quiet = await other.createContext()
  await quiet.run('Promise.reject(new Error(1)); setTimeout(() => { throw 1 }, 1); 0')
  await quiet.idle()
  expect(await quiet.run('1')).toBe(1)
})

test('a listener that is taken off hears no more', async () => {
  let heard = 0
  const listener = (): void => void heard++
  ctx.on('unhandledRejection', listener)
  await ctx.run('Promise.reject(1); 0')
  ctx.off('unhandledRejection', listener)
  await ctx.run('Promise.reject(2); 0')
  expect([heard, ofContext.length]).toEqual([1, 2])
})

describe('reasons that resist', () => {
  test.each<[what: string, reason: string, told: object]>([
    ['undefined', 'undefined', primitive(undefined, 'undefined')],
    ['null', 'null', primitive(null, 'null')],
    ['an object', '({ a: [1] })', { ...primitive({ a: [1] }, 'an object') }],
    ['a registered symbol', "Symbol.for('s')", primitive(Symbol.for('s'), 'Symbol(s)')],
    [
      'a symbol',
      "Symbol('s')",
      { name: 'GuestError', message: 'the guest threw Symbol(s) (value: a symbol that is not registered with Symbol.for cannot cross)' },
    ],
    ['a getter that throws', '({ get a() { throw 1 } })', { name: 'GuestError', message: 'the guest threw an object' }],
    [
      'a Proxy that throws',
      'new Proxy({}, new Proxy({}, { get() { throw 1 } }))',
      { name: 'GuestError', message: 'the guest threw an object' },
    ],
    ['a WeakMap', 'new WeakMap()', { name: 'GuestError', message: 'the guest threw an object (value: a WeakMap cannot cross)' }],
    ['an error with a symbol', "Object.assign(new TypeError('with'), { s: Symbol() })", { name: 'TypeError', message: 'with' }],
    [
      'an error whose stack throws',
      "Object.defineProperty(new Error('stackless'), 'stack', { get() { throw 1 } })",
      { name: 'Error', message: 'stackless' },
    ],
    ['a frozen error', "Object.freeze(new Error('cold'))", { name: 'Error', message: 'cold' }],
    ['a cause that is itself', "(() => { const e = new Error('loop'); e.cause = e; return e })()", { name: 'Error', message: 'loop' }],
    ['a very large one', "new Error('x'.repeat(1e5))", { name: 'Error', message: 'x'.repeat(1e5) }],
  ])('%s', async (_what, reason, told) => {
    await ctx.run(`Promise.reject(${reason}); 0`)
    await ctx.run(`setTimeout(() => { throw ${reason} }, 1); 0`)
    await ctx.idle()
    expect(ofContext).toEqual([
      { event: 'unhandledRejection', ...told },
      { event: 'uncaughtException', ...told },
    ])
  })

  test('a function', async () => {
    await ctx.run('Promise.reject(() => 7); 0')
    expect(ofContext).toEqual([{ event: 'unhandledRejection', ...primitive(expect.any(Function), 'a function') }])
    expect(await (ofContext as { value: () => Promise<unknown> }[])[0]?.value()).toBe(7)
  })

  test.each([
    ['a getter', '{ get a() { for (;;); } }'],
    ['a trap', 'new Proxy({}, { ownKeys() { for (;;); } })'],
    ['a stack', "Object.defineProperty(new Error('e'), 'stack', { get() { for (;;); } })"],
  ])('%s that never returns: it is ended, and the reasons after it are told', async (_what, reason) => {
    await ctx.run(`Promise.reject('before'); Promise.reject(${reason}); Promise.reject('after'); 0`)
    await eventually('the last', () => ofContext.some(({ value }) => value === 'after'))
    expect(ofContext.map(({ event, value }) => [event, value])).toEqual([
      ['unhandledRejection', 'before'],
      ['uncaughtException', undefined],
      ['unhandledRejection', 'after'],
    ])
  })

  test('a reason whose reading rejects more, for ever, is bounded by time', async () => {
    await ctx.run('const again = () => { Promise.reject({ get a() { again(); return 1 } }) }; again(); 0')
    expect(await box.run('1')).toBe(1)
    expect(ofContext.length).toBeGreaterThan(0)
  })
})

test('a flood: as many as fit are told, and nothing grows', async () => {
  expect(await ctx.run('for (let i = 0; i < 1e5; i++) Promise.reject(i); 0')).toBe(0)
  expect(ofContext.map(({ value }) => value)).toEqual(Array.from({ length: MAX_UNHANDLED }, (_, n) => n))
})

test('a flood from timers does not keep others waiting', async () => {
  await ctx.run('const throwing = () => { setImmediate(throwing); throw 1 }; throwing; setImmediate(throwing); 0')
  await eventually('events', () => ofContext.length > 10)
  expect(await box.run('2')).toBe(2)
})
