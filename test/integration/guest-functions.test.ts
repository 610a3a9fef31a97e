import type { Box, Context, GuestFunction } from 'glovebox'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MAX_HANDLES } from '../../src/protocol/limits.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { collectGarbage, pressMemory } from '../support/garbage.ts'
import { handleCounts, NONE } from '../support/handle-counts.ts'
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

type Fn = GuestFunction

/** An object with a function. To read it queues a microtask that never ends. */
const ENDLESS_AFTERWARDS = '{ f() {}, get x() { queueMicrotask(() => { for (;;); }) } }'

describe('a function of a guest’s', () => {
  let ctx: Context
  beforeAll(async () => {
    ctx = await box.createContext()
  })
  afterAll(() => ctx.dispose())

  test.each<[what: string, source: string, args: readonly unknown[], expected: unknown]>([
    ['an arrow', '(x) => x + 1', [41], 42],
    ['a function', '(function (a, b) { return [a, b, arguments.length] })', [1], [1, undefined, 1]],
    ['an async function', 'async (x) => { await null; return x }', [{ a: [1] }], { a: [1] }],
    ['one that gives a promise', '(x) => Promise.resolve(x)', ['p'], 'p'],
    ['one that gives a thenable', '(x) => ({ then: (resolve) => resolve(x) })', ['t'], 't'],
    ['one that waits for a timer', '(x) => new Promise((resolve) => setTimeout(resolve, 1, x))', ['timer'], 'timer'],
    ['a bound function', '(function () { return this.n }).bind({ n: 7 })', [], 7],
    ['a method of an object, without it', "({ f() { 'use strict'; return this } }).f", [], undefined],
    ['sloppy code, whose `this` is the global object', 'var n = 8; (function () { return this.n })', [], 8],
    ['a Proxy of a function', 'new Proxy(() => 1, { apply: (target, self, args) => [target(), args] })', [2], [1, [2]]],
    ['a built-in', 'Math.max', [3, 9, 4], 9],
    ['one that gives itself', '(function me() { return me === arguments[0] })', ['not'], false],
  ])('%s', async (_what, source, args, expected) => {
    using f = (await ctx.run(source)) as Fn
    expect(typeof f).toBe('function')
    const result = f(...args)
    expect(result).toBeInstanceOf(Promise)
    expect(await result).toEqual(expected)
  })

  test('anywhere in a value, with its name', async () => {
    const got = (await ctx.run(
      "({ list: [function one() { return 1 }], map: new Map([['f', () => 2]]), async three() { return 3 } })",
    )) as {
      list: [Fn]
      map: Map<string, Fn>
      three: Fn
    }
    expect(got.list[0].name).toBe('one')
    expect([await got.list[0](), await got.map.get('f')?.(), await got.three()]).toEqual([1, 2, 3])
  })

  test('is one function on the host as long as that holds it, and itself in the guest when it comes home', async () => {
    const [one, two] = (await ctx.run('var home = () => 1; [home, home]')) as [Fn, Fn]
    expect(one).toBe(two)
    expect(await ctx.get('home')).toBe(one)
    await ctx.set('back', [one, { one }])
    expect(await ctx.run('back[0] === home && back[1].one === home')).toBe(true)
    expect(await ctx.call('back.0')).toBe(1)
  })

  test('takes functions of the host’s and of the guest’s, and gives them', async () => {
    const apply = (await ctx.run('(f, x) => f(x)')) as Fn
    expect(await apply((x: number) => x * 2, 21)).toBe(42)
    expect(await apply((await ctx.run('(f) => f')) as Fn, apply)).toBe(apply)
    const host = (): string => 'host'
    expect(await apply((f: unknown) => f === host, host)).toBe(true)
    const make = (await ctx.run('(n) => () => n')) as Fn
    expect(await ((await make(5)) as Fn)()).toBe(5)
  })

  test('what it throws rejects, as a guest’s error', async () => {
    const f = (await ctx.run("(function thrower() { throw Object.assign(new RangeError('mine'), { extra: 1 }) })", {
      filename: 'f.js',
    })) as Fn
    const error = await rejection(f())
    expect([error.constructor.name, error.name, error.message, (error as unknown as { extra: unknown }).extra]).toEqual([
      'GuestError',
      'RangeError',
      'mine',
      1,
    ])
    expect(error.stack).toMatch(/^RangeError: mine\n {4}at thrower \(f\.js:1:/)
    expect(((await rejection(((await ctx.run('async () => { throw [1] }')) as Fn)())) as unknown as { value: unknown }).value).toEqual([1])
  })

  test('what cannot cross is an error that names it, both ways', async () => {
    const f = (await ctx.run('(x) => [x, new WeakMap()]')) as Fn
    expect((await rejection(f(new WeakMap()))).message).toBe('value[0]: a WeakMap cannot cross')
    expect((await rejection(f(1))).message).toBe('value[1]: a WeakMap cannot cross')
  })

  test('has the deadline of the connection', async () => {
    await using impatient = await daemon.connect({ limits: { timeout: 100 } })
    const f = (await impatient.run('(forever) => { for (; forever;); return 1 }')) as Fn
    expect((await rejection(f(true))).code).toBe('ERR_TIMEOUT')
    expect(await f(false)).toBe(1)
    f[Symbol.dispose]()
  })

  test('nobody’s unhandled rejection ends the process', async () => {
    const f = (await ctx.run("() => { throw new Error('unheard') }")) as Fn
    void f()
    expect(await ctx.run('1')).toBe(1)
  })
})

describe('a callback that a host function was given', () => {
  test('works during the call, after it, and after the run, in any order', async () => {
    const kept: Fn[] = []
    await using ctx = await box.createContext({
      now: (f: Fn) => f('during'),
      later: async (f: Fn) => {
        await Promise.resolve()
        return f('later')
      },
      keep: (f: Fn) => void kept.push(f),
    })
    expect(
      await ctx.run('var heard = []; const hear = (x) => { heard.push(x); return x }; keep(hear); Promise.all([now(hear), later(hear)])'),
    ).toEqual(['during', 'later'])
    expect(kept.length).toBe(1)
    expect(await kept[0]?.('after')).toBe('after')
    expect(await ctx.run('heard')).toEqual(['during', 'later', 'after'])
  })

  test('of a single run keeps its context alive until it is released', async () => {
    let kept: Fn | undefined
    expect(await box.run('let n = 0; keep(() => ++n); n', { globals: { keep: (f: Fn) => void (kept = f) } })).toBe(0)
    expect([await kept?.(), await kept?.()]).toEqual([1, 2])
    kept?.[Symbol.dispose]()
    kept = undefined
  })
})

describe('a handle', () => {
  beforeEach(() => handleCounts(box, NONE, collectGarbage))

  test('keeps the context of a single run until it is disposed, which may be twice', async () => {
    const f = (await box.run('let n = 0; () => ++n')) as Fn
    expect([await f(), await f()]).toEqual([1, 2])
    await handleCounts(box, { contexts: 1, handles: 1, guestFunctions: 1 })
    f[Symbol.dispose]()
    f[Symbol.dispose]()
    const error = await rejection(f())
    expect([error.code, error.message]).toEqual(['ERR_FUNCTION_GONE', "the guest's function '' was released"])
    await handleCounts(box, NONE)
  })

  test('that was disposed cannot be sent home, nor anything with it', async () => {
    await using ctx = await box.createContext()
    const f = (await ctx.run('var f = () => 1; f')) as Fn
    f[Symbol.dispose]()
    const error = await rejection(ctx.set('back', [() => 1, f]))
    expect([error.code, error.message]).toEqual(['ERR_VALUE_UNSUPPORTED', "a guest's function that was released cannot cross"])
    await handleCounts(box, { contexts: 1 })
    const again = (await ctx.run('f')) as Fn
    expect(again).not.toBe(f)
    expect(await again()).toBe(1)
    expect((await rejection(f())).code).toBe('ERR_FUNCTION_GONE')
  })

  test('is void with its context', async () => {
    const ctx = await box.createContext({ host: () => 1 })
    const f = (await ctx.run('() => 1')) as Fn
    await handleCounts(box, { contexts: 1, handles: 2, guestFunctions: 1, hostFunctions: 1 })
    await ctx.dispose()
    const error = await rejection(f())
    expect([error.constructor.name, error.code]).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
    await handleCounts(box, NONE)
  })

  test('is void with its worker', async () => {
    await using other = await daemon.connect()
    const ctx = await other.createContext()
    const f = (await ctx.run('() => 1')) as Fn
    const { workers } = await other.status()
    for (const { pid, contexts } of workers) if (contexts > 0 && pid !== undefined) process.kill(pid, 'SIGKILL')
    await eventually('the loss', async () => (await rejection(f())).constructor.name === 'ContextLostError')
    expect((await other.status()).client).toEqual({ guestFunctions: 0, hostFunctions: 0 })
  })

  test('of one context given to another is a function there, whose results are copies, and itself again on the host', async () => {
    await using other = await box.createContext()
    const ctx = await box.createContext()
    const f = (await ctx.run('var n = 0; (x) => { n++; return { x, n } }')) as Fn
    await other.set('f', f)
    expect(await other.run('f({ deep: [5] })')).toEqual({ x: { deep: [5] }, n: 1 })
    expect(await other.run('f')).toBe(f)
    expect(await ctx.run('n')).toBe(1)
    await ctx.dispose()
    expect(await other.run('f(1).catch((error) => [error.name, error.code])')).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
  })
})

/** Afterwards nothing is left on either side. */
describe('what is given back', () => {
  beforeEach(() => handleCounts(box, NONE, collectGarbage))

  const open = (ctx: Context | Box): Promise<unknown> => ctx.run('Array.from({ length: 10_000 }, (_, n) => () => n)')

  test('ten thousand handles, disposed', async () => {
    const handles = (await open(box)) as Fn[]
    await handleCounts(box, { contexts: 1, handles: 10_000, guestFunctions: 10_000 })
    expect(await handles[9_999]?.()).toBe(9_999)
    for (const handle of handles) handle[Symbol.dispose]()
    await handleCounts(box, NONE)
  })

  test('ten thousand handles, collected', async () => {
    await using ctx = await box.createContext()
    await open(ctx)
    await handleCounts(box, { contexts: 1 }, collectGarbage)
    await open(box)
    await handleCounts(box, { contexts: 1 }, collectGarbage)
  })

  test('ten thousand host functions, collected in the guest', async () => {
    await using ctx = await box.createContext()
    await ctx.set(
      'all',
      Array.from({ length: 10_000 }, (_, n) => () => n),
    )
    await handleCounts(box, { contexts: 1, handles: 10_000, hostFunctions: 10_000 })
    expect(await ctx.run('all[9_999]()')).toBe(9_999)
    await ctx.delete('all')
    await handleCounts(box, { contexts: 1 }, () => pressMemory(ctx))
  })

  test('ten thousand host functions, with their context', async () => {
    const ctx = await box.createContext({ all: Array.from({ length: 10_000 }, (_, n) => () => n) })
    await handleCounts(box, { contexts: 1, handles: 10_000, hostFunctions: 10_000 })
    await ctx.dispose()
    await handleCounts(box, NONE)
  })

  test('the result of a run that was ended when it was whole, in a context that goes on', async () => {
    await using ctx = await box.createContext()
    await ctx.run(`var sent = () => 1, afterwards = ${ENDLESS_AFTERWARDS}`)
    const sent = (await ctx.run('sent')) as Fn
    for (const source of ['[afterwards, sent]', 'Promise.resolve([afterwards, sent])', 'throw [afterwards, sent]'])
      expect((await rejection(ctx.run(source, { timeout: 50 }))).code).toBe('ERR_TIMEOUT')
    expect(await sent()).toBe(1)
    sent[Symbol.dispose]()
    // Which it was not before that.
    await handleCounts(box, { contexts: 1 }, collectGarbage)
  })

  test('a handle that is sent again while it is given back stays good', async () => {
    await using ctx = await box.createContext()
    await ctx.run('var f = () => 1')
    for (let n = 0; n < 300; n++) {
      const [handle, again] = (await Promise.all([ctx.run('f'), ctx.run('f')])) as [Fn, Fn]
      const third = ctx.run('f') as Promise<Fn>
      handle[Symbol.dispose]()
      again[Symbol.dispose]()
      const last = await third
      expect(await last()).toBe(1)
      last[Symbol.dispose]()
    }
    await handleCounts(box, { contexts: 1 })
  })

  test.each<[what: string, act: () => Promise<unknown>]>([
    [
      'the results of runs that were given up as they came',
      async () => {
        for (let n = 0; n < 50; n++) {
          const given = new AbortController()
          const run = box.run('[() => 1]', { signal: given.signal }).catch(() => undefined)
          setImmediate(() => given.abort())
          await run
        }
      },
    ],
    ['a result that ran out of time while it was read', () => rejection(box.run('({ f() {}, get x() { for (;;); } })', { timeout: 50 }))],
    ['a result that was whole when the time ran out', () => rejection(box.run(`(${ENDLESS_AFTERWARDS})`, { timeout: 50 }))],
    ['an error that was told when the time ran out', () => rejection(box.run(`throw ${ENDLESS_AFTERWARDS}`, { timeout: 50 }))],
    [
      'a result that was whole, and functions that left before the time ran out',
      async () => {
        const given: Fn[] = []
        const host = (f: Fn): void => void given.push(f)
        await rejection(
          box.run(`({ f() {}, get x() { queueMicrotask(() => { host(() => 1); for (;;); }) } })`, { globals: { host }, timeout: 300 }),
        )
        expect(given.length).toBe(1)
        expect(await given[0]?.()).toBe(1)
        given[0]?.[Symbol.dispose]()
      },
    ],
    ['a result that cannot cross', () => rejection(box.run('[() => 1, new WeakMap()]'))],
    ['an argument that cannot cross', () => rejection(box.run('1', { globals: { f: () => 1, w: new WeakMap() } }))],
    ['a context that could not be made', () => rejection(box.createContext({ f: () => 1, w: new WeakMap() }))],
    ['an error that cannot cross as it is', () => rejection(box.run('throw Object.assign(new Error(), { f() {}, w: new WeakMap() })'))],
    [
      'an argument of a host call that cannot cross',
      () => rejection(box.run('host([() => 1, new WeakMap()])', { globals: { host: () => 1 } })),
    ],
    [
      'a result of a host function that cannot cross',
      () => rejection(box.run('host()', { globals: { host: () => [() => 1, new WeakMap()] } })),
    ],
    [
      'functions in what a single run left unhandled',
      async () => {
        const heard = Promise.withResolvers<Error>()
        box.on('unhandledRejection', heard.resolve)
        await box.run("Promise.reject(Object.assign(new Error('left'), { f: () => 1 })); 1")
        const { f } = (await heard.promise) as unknown as { f: Fn }
        box.off('unhandledRejection', heard.resolve)
        expect((await rejection(f())).code).toBe('ERR_FUNCTION_GONE')
      },
    ],
    [
      'outcomes of runMany that nobody took',
      async () => {
        for await (const { index } of box.runMany('(x) => () => x', Array.from({ length: 2_000 }))) if (index > 100) break
      },
    ],
    [
      'what a host function gives after its run was ended',
      async () => {
        const answer = Promise.withResolvers<unknown>()
        const error = await rejection(box.run('host()', { globals: { host: async () => answer.promise }, timeout: 50 }))
        expect(error.code).toBe('ERR_TIMEOUT')
        answer.resolve([() => 1])
      },
    ],
  ])('%s', async (_what, act) => {
    await act()
    await handleCounts(box, NONE, collectGarbage)
  })

  test('nothing is left of all that', async () => {
    await using ctx = await box.createContext()
    // What the worker says of these it says after all that.
    using _handle = (await ctx.run('() => 1')) as Fn
    using _another = (await ctx.run('() => 2')) as Fn
    await handleCounts(box, { contexts: 1, handles: 2, guestFunctions: 2 })
  })

  test('what a host function gives a context after its run was ended', async () => {
    let giveLate = true
    const host = (): unknown => {
      if (giveLate) for (const until = performance.now() + 100; performance.now() < until; );
      return [() => 1]
    }
    await using ctx = await box.createContext({ host })
    expect((await rejection(ctx.run('host()', { timeout: 50 }))).code).toBe('ERR_TIMEOUT')
    giveLate = false
    await handleCounts(box, { contexts: 1, handles: 1, hostFunctions: 1 }, () => pressMemory(ctx))
  })
})

describe('the bound on how many are open', () => {
  test('for functions of a guest: the run fails, and the context goes on', async () => {
    await using ctx = await box.createContext()
    const error = await rejection(
      ctx.run(`var all = Array.from({ length: ${MAX_HANDLES + 1} }, (_, n) => () => n); all`, { timeout: 30_000 }),
    )
    expect([error.code, error.message]).toEqual([
      'ERR_OUTPUT_LIMIT',
      `the other side holds the limit of ${MAX_HANDLES} functions; release some`,
    ])
    expect(await ctx.run('all[5]()')).toBe(5)
    expect(await ((await ctx.run('all[5]')) as Fn)()).toBe(5)
  })

  test('for functions of the host: the call fails', async () => {
    await using ctx = await box.createContext()
    const error = await rejection(
      ctx.set(
        'all',
        Array.from({ length: MAX_HANDLES + 1 }, (_, n) => () => n),
      ),
    )
    expect([error.code, error.message]).toEqual([
      'ERR_VALUE_TOO_LARGE',
      `the other side holds the limit of ${MAX_HANDLES} functions; release some`,
    ])
    await ctx.set('one', () => 1)
    expect(await ctx.run('one()')).toBe(1)
  })
})
