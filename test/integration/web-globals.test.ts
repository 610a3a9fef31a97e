import type { Box, Context } from 'glovebox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { WEB_NAMES } from '../support/web-names.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})
beforeEach(async () => {
  ctx = await box.createContext()
})
afterEach(async () => {
  await ctx.dispose()
})

/** One or two of each library: test/unit/web/ has the rest. */
test.each<[code: string, expected: unknown]>([
  [`new URL('b?c#d', 'http://ä.example:80/a/').href`, 'http://xn--4ca.example/a/b?c#d'],
  [
    `const u = new URL('http://a/b'); u.searchParams.append('q', 'é'); u.port = '81'; u.host = 'bad host'; u.href`,
    'http://a:81/b?q=%C3%A9',
  ],
  [`try { new URL('nowhere') } catch (e) { [e instanceof TypeError, e.message] }`, [true, 'Invalid URL']],
  [`new URLSearchParams('a=1&b=2').get('b')`, '2'],
  [`btoa(atob('aGk='))`, 'aGk='],
  [`try { atob('=') } catch (e) { [e instanceof DOMException, e.name] }`, [true, 'InvalidCharacterError']],
  [
    `const m = new Map([['k', new Date(5)]]); const c = structuredClone(m); [c !== m, c.get('k').getTime(), c instanceof Map]`,
    [true, 5, true],
  ],
  [`new TextDecoder('shift_jis').decode(new TextEncoder().encode('ab'))`, 'ab'],
  [
    `const t = new EventTarget(); let n = 0; t.addEventListener('x', () => n++, { once: true }); t.dispatchEvent(new Event('x')); t.dispatchEvent(new Event('x')); n`,
    1,
  ],
  [
    `(async () => { const out = []; for await (const c of ReadableStream.from(['a', 'b']).pipeThrough(new TextEncoderStream())) out.push(...c); return out })()`,
    [97, 98],
  ],
  [`const before = performance.now(); for (let i = 0; i < 1e5; i++); performance.now() >= before`, true],
  [`Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000`, true],
  [`/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())`, true],
])('%s', async (code, expected) => {
  expect(await ctx.run(code)).toEqual(expected)
  // Loaded by the text that the first context had it from.
  expect(await box.run(code)).toEqual(expected)
})

describe('random bytes', () => {
  test.each([0, 1, 1023, 1025, 65536])('%i of them', async (size) => {
    const bytes = (await ctx.run(`crypto.getRandomValues(new Uint8Array(${size}))`)) as Uint8Array
    expect(bytes.length).toBe(size)
    const kinds = new Set(bytes).size
    expect(kinds).toBeGreaterThanOrEqual(Math.min(256, size) / 4)
    // No two blocks of the buffer that they come through are the same.
    const blocks = new Set(Array.from({ length: Math.floor(size / 16) }, (_, i) => bytes.subarray(16 * i, 16 * i + 16).toString()))
    expect(blocks.size).toBe(Math.floor(size / 16))
  })

  test('are others in each context', async () => {
    const uuids = await Promise.all(Array.from({ length: 20 }, async () => box.run('crypto.randomUUID()')))
    expect(new Set(uuids).size).toBe(20)
  })
})

describe('time', () => {
  test('a signal times out, and wakes who waits for it', async () => {
    expect(
      await ctx.run(`new Promise((resolve) => { const signal = AbortSignal.timeout(5)
        signal.addEventListener('abort', () => resolve([signal.reason.name, signal.reason instanceof DOMException])) })`),
    ).toEqual(['TimeoutError', true])
  })

  test('nobody waits for a signal that may time out', async () => {
    await ctx.run('AbortSignal.timeout(1e9); 0')
    await ctx.idle()
    await ctx.run('for (let id = 1; id < 100; id++) clearTimeout(id); 0')
    await ctx.idle()
    const waiting = ctx.run(`new Promise((resolve) => { setTimeout(resolve, 5, 'timer') })`)
    expect(await waiting).toBe('timer')
  })
})

describe('errors of listeners', () => {
  test('are events of the context', async () => {
    const heard = new Promise<Error>((resolve) => {
      ctx.on('uncaughtException', resolve)
    })
    expect(
      await ctx.run(
        `const t = new EventTarget(); t.addEventListener('x', () => { throw new RangeError('listener') }); t.dispatchEvent(new Event('x'))`,
      ),
    ).toBe(true)
    expect(await heard).toMatchObject({ name: 'RangeError', message: 'listener' })
  })
})

describe('as globals of a context', () => {
  test('they are no globals of its own, loaded or not, until the guest puts something in their place', async () => {
    expect(await ctx.globals()).toEqual({})
    await ctx.run(`for (const name of Reflect.ownKeys(globalThis)) globalThis[name]; 0`)
    expect(await ctx.globals()).toEqual({})
    await ctx.run(`var x = 1; performance = 2; btoa = 3; Object.defineProperty(globalThis, 'crypto', { value: 4, enumerable: true }); 0`)
    expect(await ctx.globals()).toEqual({ x: 1, performance: 2, btoa: 3, crypto: 4 })
  })

  test.each(WEB_NAMES)('%s can be given', async (name) => {
    expect(await box.run(name, { globals: { [name]: 'mine' } })).toBe('mine')
  })

  test('set, deleted, called', async () => {
    await ctx.set('URL', 1)
    expect(await ctx.get('URL')).toBe(1)
    expect(await ctx.delete('atob')).toBe(true)
    expect(await ctx.run('typeof atob')).toBe('undefined')
    expect(await ctx.call('btoa', 'hi')).toBe('aGk=')
    expect(await rejection(ctx.set('crypto', 1))).toMatchObject({ name: 'TypeError' })
  })
})

describe('what asks the worker', () => {
  const LOOPS = [
    `for (;;) new URL('http://a/')`,
    'for (;;) performance.now()',
    'for (;;) crypto.randomUUID()',
    `const u = new URL('http://a/'); for (;;) u.hash += 'x'`,
  ]
  test.each(LOOPS)('ends with the deadline: %s', async (loop) => {
    expect(await rejection(ctx.run(loop, { timeout: 100 }))).toMatchObject({ code: 'ERR_TIMEOUT', report: { phase: 'run' } })
    expect(await ctx.run(`new URL('http://a/').href + typeof performance.now()`)).toBe('http://a/number')
  })

  test.each(LOOPS)('ends when its run is cancelled: %s', async (loop) => {
    const controller = new AbortController()
    const begun = Promise.withResolvers<void>()
    await ctx.set('begun', begun.resolve)
    const run = rejection(ctx.run(`begun(); ${loop}`, { timeout: 20_000, signal: controller.signal }))
    await begun.promise
    controller.abort(new Error('mine'))
    expect((await run).message).toBe('mine')
    expect(await ctx.run('performance.now() > 0')).toBe(true)
  })

  test('near the end of the stack throws as any call does, and works afterwards', async () => {
    expect(
      await ctx.run(`const errors = new Set(); const dive = () => { try { dive() } catch (e) { errors.add(e instanceof RangeError) }
          try { new URL('http://a/'); performance.now(); crypto.randomUUID() } catch (e) { errors.add(e instanceof RangeError) } }
        dive(); [[...errors], new URL('http://a/').href, typeof crypto.randomUUID()]`),
    ).toEqual([[true], 'http://a/', 'string'])
  })

  test('with a URL that is too long: no URL', async () => {
    expect(
      await ctx.run(`const long = 'http://a/' + 'x'.repeat(4 << 20); const u = new URL('http://a/b'); u.search = long
        ;[URL.canParse(long), URL.canParse('b', long), URL.canParse(long.slice(0, 1 << 20)), u.href]`),
    ).toEqual([false, false, true, 'http://a/b'])
  })

  test('in a job, while the outcome of the run waits', async () => {
    await ctx.run(
      `function f() { Promise.resolve().then(() => { performance.now(); new URL('http://a/'); crypto.randomUUID() }); return { n: 1 } }; 0`,
    )
    expect(await ctx.call('f')).toEqual({ n: 1 })
    expect(await ctx.run(`Promise.resolve().then(() => new URL('http://a/')); 'text'`)).toBe('text')
  })
})
