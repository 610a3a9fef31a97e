import type { Box, Context, GuestFunction } from 'glovebox'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MAX_REENTRANCE } from '../../src/protocol/limits.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
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

describe('a host function that uses the context which called it', () => {
  let ctx: Context
  beforeEach(async () => {
    ctx = await box.createContext({
      run: (source: string) => ctx.run(source),
      get: async (name: string) => ctx.get(name),
      set: (name: string, value: unknown) => ctx.set(name, value),
      call: async (name: string, ...args: unknown[]) => ctx.call(name, ...args),
      globals: () => ctx.globals(),
      invoke: (f: GuestFunction, ...args: unknown[]) => f(...args),
    })
    await ctx.run('var n = 1; const add = (a, b) => a + b')
    return () => ctx.dispose()
  })

  test.each<[what: string, source: string, expected: unknown]>([
    ['runs code', "run('n += 41')", 42],
    ['runs code that waits', "run('new Promise((resolve) => setTimeout(resolve, 1, n))')", 1],
    ['reads a global', "get('n')", 1],
    ['sets one', "set('n', { deep: [1] }).then(() => n)", { deep: [1] }],
    ['calls a function by name', "call('add', 20, 22)", 42],
    ['calls a function that it was given', 'invoke(add, 1, 2)', 3],
    ['calls a function that calls it again', "invoke((x) => invoke((y) => run('n + 1'), x), 1)", 2],
    ['several at once', "Promise.all([run('n'), get('n'), call('add', 1, 1), invoke(add, 2, 2)])", [1, 1, 2, 4]],
    ['one after the other', "(async () => [await run('++n'), await run('++n'), n])()", [2, 3, 3]],
    ['while the guest computes on', "const later = run('n = 9'); n = 2; later.then((x) => [x, n])", [9, 9]],
    [
      'what it throws',
      "run('throw new RangeError(n)').catch((error) => [error.name, error.message, error instanceof RangeError])",
      ['RangeError', '1', true],
    ],
    ['a snapshot', "globals().then((all) => 'n' in all && typeof all.run === 'function')", true],
    [
      'in a microtask and a timer',
      "Promise.resolve().then(() => run('n')).then((a) => new Promise((resolve) => setTimeout(() => run('n + 1').then((b) => resolve([a, b])), 1)))",
      [1, 2],
    ],
  ])('%s', async (_what, source, expected) => {
    expect(await ctx.run(source)).toEqual(expected)
  })

  test('its request has a deadline of its own', async () => {
    await using impatient = await daemon.connect({ limits: { timeout: 100 } })
    const own: Context = await impatient.createContext({ run: (source: string) => own.run(source) })
    const error = await rejection(own.run("run('for (;;);').catch((error) => { throw error })", { timeout: 5_000 }))
    expect(error.message).toMatch(/computed until its deadline of 100 ms passed/)
    expect(await own.run('1')).toBe(1)
  })

  test('disposes it: the run is lost, and nothing else', async () => {
    const own: Context = await box.createContext({ end: () => own.dispose(), endNow: () => void own.dispose() })
    expect((await rejection(own.run('end()'))).code).toBe('ERR_CONTEXT_LOST')
    const other: Context = await box.createContext({ end: () => void other.dispose() })
    expect(await other.run('end(); 5')).toBe(5)
    expect((await rejection(other.run('1'))).code).toBe('ERR_CONTEXT_LOST')
    expect(await ctx.run('n')).toBe(1)
  })
})

describe('depth', () => {
  type Down = (n: number) => unknown
  /** A context whose `g(n)` calls the host's `down(n)`, which calls `g(n - 1)`, down to 0. */
  async function well(down: (ctx: Context) => Down): Promise<Context> {
    const ctx: Context = await box.createContext({ down: (n: number) => down(ctx)(n) })
    await ctx.run("async function g(n) { return n === 0 ? 'bottom' : `.${await down(n - 1)}` }")
    return ctx
  }

  test.each<[what: string, down: (ctx: Context) => Down]>([
    ['a synchronous function that gives a promise', (ctx) => (n) => ctx.call('g', n)],
    ['an asynchronous function', (ctx) => async (n) => ctx.call('g', n)],
    [
      'a function that waits before',
      (ctx) => async (n) => {
        await new Promise(setImmediate)
        return ctx.call('g', n)
      },
    ],
    ['a function that runs code', (ctx) => (n) => ctx.run(`g(${n})`)],
    [
      'a function that calls a handle',
      (ctx) => async (n) => {
        using g = (await ctx.get('g')) as GuestFunction
        return await g(n)
      },
    ],
  ])('fifty levels, by %s', async (_what, down) => {
    await using ctx = await well(down)
    expect(await ctx.call('g', 50)).toBe(`${'.'.repeat(50)}bottom`)
    await handleCounts(box, { contexts: 1, handles: 1, hostFunctions: 1 })
  })

  test('up to the bound, and no deeper', async () => {
    await using ctx = await well((own) => (n) => own.call('g', n))
    expect(await ctx.call('g', MAX_REENTRANCE)).toBe(`${'.'.repeat(MAX_REENTRANCE)}bottom`)
    const error = await rejection(ctx.call('g', MAX_REENTRANCE + 1))
    expect([error.name, error.code, error.message]).toEqual([
      'LimitError',
      'ERR_CALL_DEPTH',
      `host functions and contexts call each other more than ${MAX_REENTRANCE} levels deep, which is the limit`,
    ])
    expect(await ctx.call('g', 3)).toBe('...bottom')
  })

  test('without end it fails where the bound is, and whoever is there may go on', async () => {
    const ctx: Context = await box.createContext({ down: async (n: number) => ctx.call('g', n) })
    await ctx.run('async function g(n) { try { return await down(n + 1) } catch (error) { return [n, error.code] } }')
    expect(await ctx.call('g', 0)).toEqual([MAX_REENTRANCE, 'ERR_CALL_DEPTH'])
    await ctx.dispose()
  })

  /** Each has the guest call the host, and the host the guest, in turns, without either waiting for the other. */
  test.each<[what: string, g: string, again: (g: () => Promise<unknown>) => unknown]>([
    ['a synchronous function does not wait', 'function g() { again() }', (g) => void g()],
    ['a function calls back later', 'function g() { again() }', (g) => void setImmediate(() => void g())],
    [
      'a guest does not wait for an asynchronous function',
      'function g() { again() }',
      async (g) => {
        await new Promise(setImmediate)
        await g()
      },
    ],
    ['a guest calls from a timer', 'function g() { setTimeout(again, 1) }', (g) => g()],
    ['a guest calls from an immediate', 'function g() { setImmediate(() => { again() }) }', async (g) => g()],
  ])('a circle in which nobody waits has no end: %s', async (_what, source, again) => {
    const round = Promise.withResolvers<void>()
    let rounds = 0
    const ctx: Context = await box.createContext({
      again: () => {
        if (++rounds === 3 * MAX_REENTRANCE) round.resolve()
        return rounds < 3 * MAX_REENTRANCE ? again(() => ctx.call('g').catch(round.reject)) : undefined
      },
    })
    await ctx.run(source)
    await ctx.call('g')
    await round.promise
    await ctx.idle()
    await ctx.dispose()
  })

  test('through timers and answers of the host it counts', async () => {
    const ctx: Context = await box.createContext({ down: async () => ctx.call('g') })
    await ctx.run('async function g() { await new Promise((resolve) => setTimeout(resolve, 1)); await null; await down() }')
    expect((await rejection(ctx.call('g', undefined))).code).toBe('ERR_CALL_DEPTH')
    await ctx.dispose()
  })

  test('many chains at once do not add up', async () => {
    const ctx: Context = await box.createContext({ down: (n: number) => ctx.call('g', n) })
    await ctx.run('async function g(n) { return n === 0 ? 1 : await down(n - 1) }')
    expect(await Promise.all(Array.from({ length: 300 }, () => ctx.call('g', 3)))).toEqual(Array.from({ length: 300 }, () => 1))
    await ctx.dispose()
  })

  test('calls side by side do not add up', async () => {
    const ctx: Context = await box.createContext({ down: (n: number) => ctx.call('g', n) })
    await ctx.run('async function g(n) { return n === 0 ? 1 : (await Promise.all([down(n - 1), down(n - 1)])).reduce((a, b) => a + b) }')
    expect(await ctx.call('g', 7)).toBe(128)
    await ctx.dispose()
  })
})

describe('two contexts in two workers that call each other', () => {
  let one: Context
  let two: Context
  beforeEach(async () => {
    const call = (other: () => Context) => ({
      other: (...args: unknown[]) => other().call('g', ...args),
      slow: async (n: number) => other().call('g', n),
    })
    one = await box.createContext(
      call(() => two),
      { dedicated: true },
    )
    two = await box.createContext(
      call(() => one),
      { dedicated: true },
    )
    return async () => {
      await Promise.all([one.dispose(), two.dispose()])
      await handleCounts(box, NONE)
    }
  })

  test.each([
    ['give promises', 'function g(n) { return n === 0 ? "bottom" : other(n - 1) }'],
    ['wait', 'async function g(n) { return n === 0 ? "bottom" : await slow(n - 1) }'],
  ])('to a depth, by functions that %s', async (_what, source) => {
    await Promise.all([one.run(source), two.run(source)])
    await eventually('two workers', async () => (await box.status()).workers.filter(({ contexts }) => contexts === 1).length === 2)
    expect(await one.call('g', 50)).toBe('bottom')
    expect(await two.call('g', 51)).toBe('bottom')
  })

  test.each([
    ['give promises', 'function g() { return other() }'],
    ['wait', 'async function g() { return await slow() }'],
  ])('without end, by functions that %s: it fails at the bound', async (_what, source) => {
    await Promise.all([one.run(source), two.run(source)])
    const errors = await Promise.all([rejection(one.call('g')), rejection(two.call('g'))])
    expect(errors.map(({ code }) => code)).toEqual(['ERR_CALL_DEPTH', 'ERR_CALL_DEPTH'])
    expect(await Promise.all([one.run('1'), two.run('2')])).toEqual([1, 2])
  })

  test('a circle of promises that wait for each other ends at the deadline', async () => {
    // Each waits for what the other's run comes to, and that run for the host.
    const runs: Promise<unknown>[] = []
    const first = await box.createContext({ other: async () => runs[1] })
    const second = await box.createContext({ other: async () => runs[0] })
    runs.push(first.run('other()', { timeout: 200 }), second.run('other()', { timeout: 300 }))
    const errors = await Promise.all(runs.map((run) => rejection(run)))
    expect(errors[0]?.message).toMatch(/waited for host call 'other' until its deadline of 200 ms/)
    // The first one's failure is the second one's answer.
    expect(errors[1]?.message).toMatch(/waited for host call 'other' until its deadline of 200 ms/)
    expect(await Promise.all([first.run('1'), second.run('2')])).toEqual([1, 2])
    await Promise.all([first.dispose(), second.dispose()])
  })
})
