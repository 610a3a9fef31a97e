import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_TIMERS } from '../../src/protocol/limits.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { pressMemory } from '../support/garbage.ts'
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

/** Bytes of a module with nothing in it, and of one whose export `spin` never returns. */
const EMPTY_MODULE = 'new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])'
const WAIT = 'const cell = new Int32Array(new SharedArrayBuffer(4));'

describe('a run settles with its promise', () => {
  test.each<[what: string, source: string, expected: unknown]>([
    ['an async function', '(async () => { await null; return { a: await 1 } })()', { a: 1 }],
    ['a thenable', '({ then(resolve) { resolve([2]) } })', [2]],
    ['a promise of a promise', 'Promise.resolve(Promise.resolve(3))', 3],
    [
      'an async iteration',
      '(async () => { const seen = []; async function* g() { for (let i = 0; i < 3; i++) { await null; yield i } } for await (const x of g()) seen.push(x); return seen })()',
      [0, 1, 2],
    ],
    [
      'an async iteration of promises',
      '(async () => { const seen = []; for await (const x of [1, Promise.resolve(2)]) seen.push(x); return seen })()',
      [1, 2],
    ],
    [
      'return and throw of an async generator',
      '(async () => { const log = []; async function* g() { try { yield 1 } finally { log.push("end") } } for await (const x of g()) { log.push(x); break } return log })()',
      [1, 'end'],
    ],
    ['Array.fromAsync', 'Array.fromAsync((async function* () { yield* [1, 2] })())', [1, 2]],
    [
      'await using',
      '(async () => { const log = []; { await using x = { async [Symbol.asyncDispose]() { await null; log.push("gone") } }; log.push("in") } return log })()',
      ['in', 'gone'],
    ],
    [
      'Promise.race with a timer',
      'Promise.race([new Promise(() => {}), new Promise((resolve) => setTimeout(resolve, 1, "timer"))])',
      'timer',
    ],
    ['Promise.withResolvers', 'const { promise, resolve } = Promise.withResolvers(); setImmediate(resolve, 4); promise', 4],
    ['a chain of a thousand awaits', '(async () => { let n = 0; while (n < 1000) { await null; n++ } return n })()', 1000],
    ['a tampered Promise.prototype.then', 'Promise.prototype.then = () => { throw 1 }; (async () => { await null; return 5 })()', 5],
    ['a promise of a subclass', 'class P extends Promise {}; P.resolve(6)', 6],
    ['a promise with another constructor', 'const p = Promise.resolve(7); p.constructor = undefined; p', 7],
    [
      'WebAssembly.compile and instantiate',
      `WebAssembly.compile(${EMPTY_MODULE}).then((m) => WebAssembly.instantiate(m)).then((i) => i instanceof WebAssembly.Instance)`,
      true,
    ],
    [
      'WebAssembly.instantiate of bytes',
      `WebAssembly.instantiate(${EMPTY_MODULE}).then(({ instance, module }) => [instance instanceof WebAssembly.Instance, module instanceof WebAssembly.Module])`,
      [true, true],
    ],
    ['WebAssembly that does not compile', 'WebAssembly.compile(new Uint8Array([1])).catch((error) => error.name)', 'CompileError'],
    ['Atomics.waitAsync, notified', `${WAIT} setTimeout(() => Atomics.notify(cell, 0), 1); Atomics.waitAsync(cell, 0, 0).value`, 'ok'],
    ['Atomics.waitAsync, timed out', `${WAIT} Atomics.waitAsync(cell, 0, 0, 5).value`, 'timed-out'],
    ['Atomics.waitAsync, not equal', `${WAIT} Atomics.waitAsync(cell, 0, 1).value`, 'not-equal'],
  ])('%s', async (_what, source, expected) => {
    expect(await box.run(source)).toEqual(expected)
  })

  test('with what it is rejected with', async () => {
    const error = await rejection(box.run("(async () => { await null; throw new RangeError('late') })()", { filename: 'late.js' }))
    expect([error.constructor.name, error.name, error.message]).toEqual(['GuestError', 'RangeError', 'late'])
    expect(error.stack).toMatch(/^RangeError: late\n {4}at late\.js:1:/)
    expect(((await rejection(box.run('Promise.reject([1])'))) as unknown as { value: unknown }).value).toEqual([1])
  })

  test.each([
    ['a promise that nobody settles', 'new Promise(() => {})', 'waited for a promise'],
    // The deadline may come while it is looked whether the wait is over.
    [
      'a wait that nobody ends',
      `${WAIT} Atomics.waitAsync(cell, 0, 0).value`,
      '(?:waited for a promise \\(WebAssembly or Atomics.waitAsync is under way\\)|computed)',
    ],
    // The deadline may come while one of them runs.
    [
      'a chain of timers',
      'new Promise(() => { const again = () => setTimeout(again, 1); again() })',
      '(?:waited for a promise \\(.*\\)|computed)',
    ],
    ['a timer', 'new Promise((resolve) => setTimeout(resolve, 60_000))', 'waited for a promise \\(the next timer is due in \\d{5} ms\\)'],
    ['microtasks without end', '(async () => { for (;;) await null })()', 'computed'],
    ['a loop after an await', '(async () => { await null; for (;;); })()', 'computed'],
    ['a loop in a timer', 'new Promise(() => setTimeout(() => { for (;;); }, 1))', 'computed'],
    ['a loop after a wait', `${WAIT} Atomics.waitAsync(cell, 0, 0, 1).value.then(() => { for (;;); })`, 'computed'],
    ['a loop after WebAssembly.compile', `WebAssembly.compile(${EMPTY_MODULE}).then(() => { for (;;); })`, 'computed'],
  ])('%s ends at the deadline, and the context goes on', async (_what, source, state) => {
    await using ctx = await box.createContext({ kept: 1 })
    const error = await rejection(ctx.run(source, { timeout: 100, filename: 'slow.js' }))
    expect(error.code).toBe('ERR_TIMEOUT')
    expect(error.message).toMatch(new RegExp(`^run \\d+ \\('slow.js'\\) ${state} until its deadline of 100 ms passed`))
    expect(error.report).toMatchObject({ phase: 'run', limit: 'timeout', configured: 100 })
    expect(await ctx.run('kept')).toBe(1)
  })
})

describe('timers', () => {
  const collect = (setup: string): Promise<unknown> =>
    box.run(`const seen = []; const see = (x) => () => seen.push(x); ${setup}; new Promise((resolve) => setTimeout(resolve, 30, seen))`)

  test.each<[what: string, setup: string, seen: unknown]>([
    [
      'the code, microtasks, immediates, timers',
      "setTimeout(see('timer')); setImmediate(see('immediate')); queueMicrotask(see('microtask')); see('code')()",
      ['code', 'microtask', 'immediate', 'timer'],
    ],
    ['equal delays in the order in which they were set', 'for (const n of [1, 2, 3, 4]) setTimeout(see(n), 5)', [1, 2, 3, 4]],
    ['delays by their length', 'setTimeout(see(20), 20); setTimeout(see(1), 1); setTimeout(see(10), 10)', [1, 10, 20]],
    [
      'no delay, a negative one, NaN and a text are 1 ms',
      "setTimeout(see('a')); setTimeout(see('b'), -5); setTimeout(see('c'), NaN); setTimeout(see('d'), '1')",
      ['a', 'b', 'c', 'd'],
    ],
    ['a delay beyond 32 bits is at once', 'setTimeout(see(1), 2 ** 31); setTimeout(see(2), Infinity)', [1, 2]],
    ['arguments', 'setTimeout((...args) => seen.push(args), 1, 1, [2])', [[1, [2]]]],
    ['this', 'setTimeout(function () { seen.push(this === globalThis) }, 1)', [true]],
    ['code as a text', "globalThis.seen = seen; setTimeout('seen.push(5)', 1)", [5]],
    [
      'cleared',
      'clearTimeout(setTimeout(see(1), 1)); clearInterval(setTimeout(see(2), 1)); clearTimeout(setInterval(see(3), 1)); clearImmediate(setImmediate(see(4))); setTimeout(see(5), 1)',
      [5],
    ],
    ['cleared by another', 'const later = setTimeout(see(1), 5); setTimeout(() => clearTimeout(later), 1)', []],
    [
      'nothing to clear',
      "clearTimeout(); clearTimeout(null); clearTimeout({}); clearTimeout('x'); clearTimeout(12345); clearInterval(Symbol()); setTimeout(see(1), 1)",
      [1],
    ],
    [
      'an interval, until it is cleared by itself',
      'const id = setInterval((x) => { if (seen.push(x) === 3) clearInterval(id) }, 1, "i")',
      ['i', 'i', 'i'],
    ],
    ['set inside each other', 'let n = 0; const again = () => { if (seen.push(n++) < 4) setTimeout(again) }; again()', [0, 1, 2, 3]],
    [
      'microtasks between two timers',
      "setTimeout(() => { seen.push(1); Promise.resolve().then(see('job')) }, 1); setTimeout(see(2), 1)",
      [1, 'job', 2],
    ],
    [
      'microtasks between two immediates',
      "setImmediate(() => { seen.push(1); queueMicrotask(see('job')) }); setImmediate(see(2))",
      [1, 'job', 2],
    ],
    ['one that throws does not keep others', 'setTimeout(() => { throw 1 }, 1); setTimeout(see(2), 1)', [2]],
    [
      'ids are numbers of their own',
      'const ids = [setTimeout(() => {}), setInterval(() => {}, 1e6), setImmediate(() => {})]; seen.push(new Set(ids).size, ids.every(Number.isInteger))',
      [3, true],
    ],
    [
      'tampered prototypes',
      'Array.prototype.push = 1; Map.prototype.get = 2; Function.prototype.apply = 3; Object.prototype.value = 4; let n = 0; setTimeout(() => { seen[0] = 1 }, 1)',
      [1],
    ],
  ])('%s', async (_what, setup, seen) => {
    expect(await collect(setup)).toEqual(seen)
  })

  test('what is no callback is refused', async () => {
    expect(await box.run("try { queueMicrotask('code') } catch (error) { [error.name, error instanceof TypeError] }")).toEqual([
      'TypeError',
      true,
    ])
  })

  test('look like those of any host', async () => {
    expect(
      await box.run('[setTimeout.name, setTimeout.length, String(setInterval), Object.keys(globalThis), "prototype" in setTimeout]'),
    ).toEqual(['setTimeout', 1, 'function () { [native code] }', ['atob', 'btoa', 'structuredClone', 'crypto', 'performance'], false])
  })

  test('a context has a bounded number of them, and clearing makes room', async () => {
    await using ctx = await box.createContext()
    expect(
      await ctx.run('let made = 0; try { for (;;) { setTimeout(() => {}, 1e9); made++ } } catch (error) { [made, error.code] }'),
    ).toEqual([MAX_TIMERS, 'ERR_OVERLOADED'])
    expect(await ctx.run('clearTimeout(1); setTimeout(() => {}, 1e9); 1')).toBe(1)
  })

  test('setting and clearing millions of long ones takes no memory', async () => {
    expect(await box.run('for (let i = 0; i < 3e6; i++) clearTimeout(setTimeout(() => {}, 1e9)); 1', { timeout: 60_000 })).toBe(1)
    expect((await box.status()).deaths).toEqual([])
  })

  test('many contexts at once each get their turns', async () => {
    const contexts = await Promise.all(Array.from({ length: 20 }, () => box.createContext()))
    await Promise.all(
      contexts.map((ctx) => ctx.run('var n = 0; const id = setInterval(() => { if (++n === 20) clearInterval(id) }, 1); 0')),
    )
    await Promise.all(contexts.map((ctx) => ctx.idle()))
    expect(await Promise.all(contexts.map((ctx) => ctx.get('n')))).toEqual(contexts.map(() => 20))
    await Promise.all(contexts.map((ctx) => ctx.dispose()))
  })
})

describe('after a run', () => {
  /** A context that counts calls of `tick`. */
  const ticking = async (): Promise<{ ctx: Context; ticks: unknown[] }> => {
    const ticks: unknown[] = []
    const ctx = await box.createContext({
      tick: async (value?: unknown) => {
        ticks.push(value)
      },
    })
    return { ctx, ticks }
  }

  test.each([
    ['timers', 'setTimeout(() => tick(1), 5); 0'],
    ['immediates', 'setImmediate(() => tick(1)); 0'],
    ['promises of host calls', 'tick(0).then(() => tick(1)); 0'],
    ['waits', `${WAIT} Atomics.waitAsync(cell, 0, 0, 5).value.then(() => tick(1)); 0`],
    ['WebAssembly', `WebAssembly.compile(${EMPTY_MODULE}).then(() => tick(1)); 0`],
    [
      'async generators',
      '(async () => { for await (const x of (async function* () { await new Promise((r) => setTimeout(r, 1)); yield 1 })()) tick(x) })(); 0',
    ],
  ])('%s go on', async (_what, source) => {
    const { ctx, ticks } = await ticking()
    await using _ctx = ctx
    expect(await ctx.run(source)).toBe(0)
    await eventually('the tick', () => ticks.includes(1))
    await ctx.idle()
  })

  test('until the context is disposed', async () => {
    const { ctx, ticks } = await ticking()
    await ctx.run('setInterval(tick, 1); 0')
    await eventually('ticks', () => ticks.length > 2)
    await ctx.dispose()
    const { length } = ticks
    for (let n = 0; n < 20; n++) await box.run('new Promise((resolve) => setTimeout(resolve, 1))')
    expect(ticks.length).toBe(length)
  })

  test('of a single run nothing goes on', async () => {
    const ticks: unknown[] = []
    const globals = {
      tick: async (value: unknown) => {
        ticks.push(value)
      },
    }
    expect(await box.run('setTimeout(tick, 1, 1); setInterval(tick, 1, 2); tick(0); 5', { globals })).toBe(5)
    expect(
      await box.run('let go; setImmediate(() => go(6)); setImmediate(tick, 3); new Promise((resolve) => { go = resolve })', { globals }),
    ).toBe(6)
    for (let n = 0; n < 10; n++) await box.run('new Promise((resolve) => setTimeout(resolve, 1))')
    expect(ticks).toEqual([0])
    expect((await box.status()).client).toEqual({ guestFunctions: 0, hostFunctions: 0 })
  })

  test('clean-up callbacks run, and what they throw is reported', async () => {
    await using ctx = await box.createContext()
    const thrown: string[] = []
    ctx.on('uncaughtException', ({ message }) => thrown.push(message))
    await ctx.run(`var cleaned = []
      const registry = new FinalizationRegistry((held) => { cleaned.push(held); if (held === 0) throw new Error('in clean-up') })
      ;(() => { for (let i = 0; i < 5; i++) registry.register({}, i) })()
      0`)
    await eventually('the clean-up', async () => {
      await pressMemory(ctx)
      return ((await ctx.get('cleaned')) as unknown[]).length === 5
    })
    expect(((await ctx.get('cleaned')) as number[]).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
    await eventually('the report', () => thrown.length > 0)
    expect(thrown).toEqual(['in clean-up'])
  })

  test('host calls go on when a run has made as many as it may', async () => {
    const { ctx, ticks } = await ticking()
    await using _ctx = ctx
    const source = `(async () => {
      for (let n = 0; n < 100; n++) await Promise.all(Array.from({ length: 1000 }, () => tick()))
      setTimeout(() => tick('later'), 5)
      return tick().catch((error) => error.code)
    })()`
    expect(await ctx.run(source, { timeout: 60_000 })).toBe('ERR_HOST_CALL_LIMIT')
    await eventually('a later tick', () => ticks.includes('later'))
    expect(ticks.length).toBe(100_001)
  })
})

describe('what goes on after a run has a budget', () => {
  const TOO_LONG =
    'code that went on after its run (a timer, an answer of the host) used up the time that it may hold the worker, and was ended'

  test.each([
    ['a timer', 'setTimeout(() => { for (;;); }, 1)'],
    ['an immediate', 'setImmediate(() => { for (;;); })'],
    ['a microtask of a timer', 'setTimeout(async () => { for (;;) await null }, 1)'],
    ['an answer of the host', 'host().then(() => { for (;;); })'],
    ['a wait', `${WAIT} Atomics.waitAsync(cell, 0, 0, 1).value.then(() => { for (;;); })`],
    ['a rejection that is read', 'Promise.reject({ get a() { for (;;); } })'],
  ])('%s that never ends is ended and reported; the context and all others go on', async (_what, source) => {
    await using ctx = await box.createContext({ host: async () => 1, kept: 1 })
    await using other = await box.createContext()
    const heard = Promise.withResolvers<Error>()
    ctx.on('uncaughtException', heard.resolve)
    expect(await ctx.run(`${source}; setTimeout(() => { kept = 2 }, 1); 0`)).toBe(0)
    const answer = other.run('5')
    const error = (await heard.promise) as Error & { code: string }
    expect([error.constructor.name, error.code, error.message]).toEqual(['GuestError', 'ERR_TIMEOUT', TOO_LONG])
    expect(await answer).toBe(5)
    await ctx.idle()
    expect(await ctx.run('kept')).toBe(2)
  })

  test('a synchronous call that is not answered in time says which', async () => {
    await using ctx = await box.createContext({
      block: () => {
        for (const until = performance.now() + 1_000; performance.now() < until; );
      },
    })
    const heard = Promise.withResolvers<Error>()
    ctx.on('uncaughtException', heard.resolve)
    await ctx.run('setTimeout(block, 1); 0')
    expect((await heard.promise).message).toBe(`${TOO_LONG} (it waited for host call 'block')`)
    expect(await ctx.run('1')).toBe(1)
  })

  test('callbacks that take long come to their end, and less often', async () => {
    await using ctx = await box.createContext()
    const thrown: Error[] = []
    ctx.on('uncaughtException', (error) => thrown.push(error))
    await ctx.run(
      'var begun = 0, ended = 0; setInterval(() => { begun++; for (const until = Date.now() + 50; Date.now() < until;); ended++ }, 1); 0',
    )
    await eventually('more than a burst', async () => ((await ctx.get('ended')) as number) > 12)
    expect(await ctx.run('begun - ended')).toBe(0)
    expect(thrown).toEqual([])
  })

  test('while a run waits, its deadline holds instead', async () => {
    await using ctx = await box.createContext()
    const thrown: Error[] = []
    ctx.on('uncaughtException', (error) => thrown.push(error))
    const run = ctx.run(
      'setTimeout(() => { for (const until = Date.now() + 700; Date.now() < until;); done() }, 1); let done; new Promise((resolve) => { done = resolve })',
    )
    expect(await run).toBeUndefined()
    expect(thrown).toEqual([])
  })
})

describe('idle', () => {
  test.each<[what: string, source: string]>([
    ['nothing', '0'],
    ['a timer', 'setTimeout(() => { state.done = true }, 5)'],
    ['timers that set timers', 'setTimeout(() => setTimeout(() => setImmediate(() => { state.done = true }), 1), 1)'],
    ['an interval that ends', 'let n = 0; const id = setInterval(() => { if (++n === 3) { clearInterval(id); state.done = true } }, 1)'],
    ['a host call', 'host().then(() => { state.done = true })'],
    ['host calls one after the other', '(async () => { await host(); await host(); await host(); state.done = true })()'],
    ['a wait', `${WAIT} Atomics.waitAsync(cell, 0, 0, 5).value.then(() => { state.done = true })`],
    ['WebAssembly', `WebAssembly.compile(${EMPTY_MODULE}).then(() => { state.done = true })`],
  ])('waits for %s', async (what, source) => {
    await using ctx = await box.createContext({
      host: async () => {
        await new Promise(setImmediate)
      },
      state: { done: what === 'nothing' },
    })
    await ctx.run(`${source}; 0`)
    await ctx.idle()
    expect(await ctx.run('state.done')).toBe(true)
  })

  test('waits for runs, and for what they leave', async () => {
    await using ctx = await box.createContext()
    const order: string[] = []
    const run = ctx
      .run('new Promise((resolve) => setTimeout(() => { setTimeout(() => { globalThis.left = 1 }, 5); resolve() }, 5))')
      .then(() => order.push('run'))
    await Promise.all([run, ctx.idle().then(() => order.push('idle'))])
    expect(order).toEqual(['run', 'idle'])
    expect(await ctx.get('left')).toBe(1)
  })

  test.each<[what: string, source: string, message: string, phase: string]>([
    ['an interval', 'setInterval(() => {}, 1)', 'its context to be idle \\(.*\\)', 'run'],
    ['a run', 'void 0', 'its context to be idle', 'run'],
    [
      'a wait without end',
      `${WAIT} Atomics.waitAsync(cell, 0, 0)`,
      'its context to be idle \\(WebAssembly or Atomics.waitAsync is under way\\)',
      'run',
    ],
    ['a host call that is never answered', 'never()', "its context to be idle: host call 'never'", 'host-call'],
  ])('gives up at its deadline: %s', async (what, source, message, phase) => {
    await using ctx = await box.createContext({ never: async () => new Promise(() => undefined) })
    await ctx.run(`${source}; 0`)
    if (what === 'a run') ctx.run('new Promise(() => {})').catch(() => undefined)
    const error = await rejection(ctx.idle({ timeout: 50 }))
    expect(error.code).toBe('ERR_TIMEOUT')
    expect(error.message).toMatch(new RegExp(`^run \\d+ waited for ${message} until its deadline of 50 ms passed`))
    expect(error.report).toMatchObject({ phase })
    expect(await ctx.run('1')).toBe(1)
  })

  test('hears that the last run was aborted, or ran out of time', async () => {
    await using ctx = await box.createContext()
    const given = new AbortController()
    const aborted = rejection(ctx.run('new Promise(() => {})', { signal: given.signal }))
    const late = rejection(ctx.run('new Promise(() => {})', { timeout: 50 }))
    const idle = ctx.idle()
    expect((await late).code).toBe('ERR_TIMEOUT')
    given.abort()
    expect((await aborted).name).toBe('AbortError')
    await idle
  })

  test('can be cancelled, and ends with its context', async () => {
    const ctx = await box.createContext()
    await ctx.run('setInterval(() => {}, 1); 0')
    const given = new AbortController()
    const cancelled = rejection(ctx.idle({ signal: given.signal }))
    const lost = rejection(ctx.idle())
    given.abort(new Error('enough'))
    expect((await cancelled).message).toBe('enough')
    await ctx.dispose()
    expect((await lost).code).toBe('ERR_CONTEXT_LOST')
  })
})
