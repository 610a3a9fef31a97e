import type { Box } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { childrenOf, lives } from '../support/processes.ts'

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

describe('one-shot runs', () => {
  test.each<[string, unknown]>([
    ['1 + 1', 2],
    ['-0', -0],
    ['NaN', Number.NaN],
    ['undefined', undefined],
    ['null', null],
    ["'ä€😀'", 'ä€😀'],
    ['2n ** 70n', 2n ** 70n],
    ['[1, [2], { a: 3 }]', [1, [2], { a: 3 }]],
    ['new Map([[1, new Set([2])]])', new Map([[1, new Set([2])]])],
    ['new Date(5)', new Date(5)],
    ['new Uint8Array([1, 2])', new Uint8Array([1, 2])],
    ['Promise.resolve(3)', 3],
    ['(async () => { await 0; return { deep: await 1 } })()', { deep: 1 }],
    ['({ then(resolve) { resolve(4) } })', 4],
    ['Promise.resolve(Promise.resolve(5))', 5],
    ["'x'.repeat(100_000)", 'x'.repeat(100_000)],
    ['', undefined],
    ['var a = 1; let b = 2; a + b', 3],
    ['this === globalThis', true],
    ['typeof process + typeof require + typeof module', 'undefinedundefinedundefined'],
  ])('%s', async (source, expected) => {
    expect(await box.run(source)).toEqual(expected)
  })

  test('a cycle comes back as a cycle', async () => {
    const value = (await box.run('const a = { b: [] }; a.b.push(a); a')) as { b: unknown[] }
    expect(value.b[0]).toBe(value)
  })

  test('globals are given, and gone afterwards', async () => {
    expect(await box.run('x + list.length', { globals: { x: 40, list: [1, 2] } })).toBe(42)
    expect(await box.run('typeof x')).toBe('undefined')
  })

  test('globals are the run’s own copies', async () => {
    const given = { list: [1] }
    expect(await box.run('list.push(2); list', { globals: given })).toEqual([1, 2])
    expect(given.list).toEqual([1])
  })

  test('many at once keep their own results', async () => {
    const results = await Promise.all(Array.from({ length: 500 }, (_, n) => box.run(`${n} * 2`)))
    expect(results).toEqual(Array.from({ length: 500 }, (_, n) => n * 2))
  })

  test('one run sees nothing of another', async () => {
    await box.run('globalThis.leak = 1; Array.prototype.leak = 1')
    expect(await box.run('typeof leak + typeof [].leak')).toBe('undefinedundefined')
  })

  test('a source of a megabyte', async () => {
    expect(await box.run(`'${'y'.repeat(1 << 20)}'.length`)).toBe(1 << 20)
  })

  test("fresh: 'process' takes a process of its own and leaves none", async () => {
    const bound = async (): Promise<number[]> =>
      (await box.status()).workers.flatMap(({ pid, state }) => (state === 'bound' && pid !== undefined ? [pid] : []))
    const shared = await bound()
    const pids = new Set<number>()
    const running = Array.from({ length: 2 }, async () => box.run("let i = 0; while (i < 3e7) i++; 'ran'", { fresh: 'process' }))
    await eventually('two dedicated workers', async () => {
      for (const pid of await bound()) if (!shared.includes(pid)) pids.add(pid)
      return pids.size >= 2
    })
    expect(await Promise.all(running)).toEqual(['ran', 'ran'])
    await eventually('the end of the dedicated workers', async () => (await bound()).every((pid) => !pids.has(pid)))
    await eventually('the end of their processes', () => ![...pids].some((pid) => lives(pid)))
    // Shared workers, two spares, and the daemon's guardian.
    expect(childrenOf(process.pid).length).toBeLessThanOrEqual(shared.length + 3)
  })
})

describe('contexts', () => {
  test('the example of node:vm', async () => {
    await using ctx = await box.createContext({ x: 2 })
    expect(await ctx.run('x += 40; var y = 17')).toBe(42)
    expect(await ctx.get('x')).toBe(42)
    expect(await ctx.get('y')).toBe(17)
    expect(await ctx.globals()).toEqual({ x: 42, y: 17 })
  })

  test('lexical globals stay, and are read by name', async () => {
    await using ctx = await box.createContext()
    await ctx.run('let a = 1; const b = { c: 2 }; class D { static e = 3 }')
    expect(await ctx.get('a')).toBe(1)
    expect(await ctx.get('b')).toEqual({ c: 2 })
    expect(await ctx.run('a++; a + b.c + D.e')).toBe(7)
    expect(await ctx.globals()).toEqual({})
    expect(await ctx.get('neverDefined')).toBeUndefined()
    expect(await ctx.get('not an identifier')).toBeUndefined()
    expect(await ctx.get('if')).toBeUndefined()
  })

  test('set, get, delete', async () => {
    await using ctx = await box.createContext()
    const value = new Map<unknown, unknown>([[1, new Date(7)]])
    await ctx.set('z', value)
    expect(await ctx.get('z')).toEqual(value)
    expect(await ctx.run('z instanceof Map && z.get(1) instanceof Date')).toBe(true)
    expect(await ctx.delete('z')).toBe(true)
    expect(await ctx.get('z')).toBeUndefined()
    expect(await ctx.delete('z')).toBe(true)
    expect(await ctx.delete('undefined')).toBe(false)
  })

  test('a read-only global cannot be set', async () => {
    await using ctx = await box.createContext()
    const error = await rejection(ctx.set('NaN', 1))
    expect([error.constructor.name, error.name, error.message]).toEqual([
      'GuestError',
      'TypeError',
      "Cannot assign to read only property 'NaN' of the global object",
    ])
  })

  test('call passes values, keeps this of a path and awaits', async () => {
    await using ctx = await box.createContext()
    await ctx.run(`
      function add(a, b) { return a + b }
      const tools = { factor: 3, times(n) { return this.factor * n }, deep: { later: async (v) => ({ got: v }) } }
      let notAFunction = 1`)
    expect(await ctx.call('add', 20, 22)).toBe(42)
    expect(await ctx.call('tools.times', 14)).toBe(42)
    expect(await ctx.call('tools.deep.later', [1n])).toEqual({ got: [1n] })
    for (const name of ['notAFunction', 'missing', 'missing.deeper', 'tools.absent']) {
      const error = await rejection(ctx.call(name))
      expect([error.code, error.message]).toEqual(['ERR_NOT_A_FUNCTION', `'${name}' is not a function in this context`])
    }
  })

  test('contexts of one box do not see each other', async () => {
    await using a = await box.createContext({ n: 1 })
    await using b = await box.createContext({ n: 2 })
    await a.run('Object.prototype.poisoned = 1; n = 10')
    expect(await b.run('n')).toBe(2)
    expect(await b.run('({}).poisoned')).toBeUndefined()
  })

  test('a guest that patches its own intrinsics only harms itself', async () => {
    await using ctx = await box.createContext()
    await ctx.run(`
      for (const name of ['push', 'slice', 'indexOf']) Array.prototype[name] = () => { throw 'patched' }
      Object.defineProperty(Object.prototype, 'get', { get() { throw 'patched' } })
      Promise.prototype.then = () => { throw 'patched' }
      Reflect.apply = Reflect.get = Reflect.ownKeys = () => { throw 'patched' }
      globalThis.eval = () => { throw 'patched' }
      Uint8Array = Map = Object = undefined
      var kept = { list: [1, new Date(3)] }; let lexical = 4`)
    expect(await ctx.get('kept')).toEqual({ list: [1, new Date(3)] })
    expect(await ctx.get('lexical')).toBe(4)
    await ctx.set('given', { a: [1] })
    expect(await ctx.run('given.a[0]')).toBe(1)
    expect(await ctx.run('(async () => 5)()')).toBe(5)
    expect(await box.run('[1].push(2)')).toBe(2)
  })

  test('disposing is idempotent; afterwards every method is refused', async () => {
    const ctx = await box.createContext()
    await Promise.all([ctx.dispose(), ctx.dispose()])
    await ctx.dispose()
    for (const call of [() => ctx.run('1'), () => ctx.get('a'), () => ctx.set('a', 1), () => ctx.globals(), () => ctx.call('f')]) {
      const error = await rejection(call())
      expect([error.constructor.name, error.code]).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
    }
  })

  test('a run that waits when its context is disposed is refused', async () => {
    const ctx = await box.createContext()
    const waiting = rejection(ctx.run('new Promise(() => {})'))
    await ctx.get('x')
    await ctx.dispose()
    expect((await waiting).code).toBe('ERR_CONTEXT_LOST')
  })

  test('runs wait side by side, and each gets its own answer', async () => {
    await using ctx = await box.createContext()
    await ctx.run('var resolvers = {}; const later = (n) => new Promise((resolve) => { resolvers[n] = resolve })')
    const waiting = [1, 2, 3].map(async (n) => ctx.run(`later(${n})`))
    await ctx.run("resolvers[2]('b'); resolvers[3]('c'); resolvers[1]('a')")
    expect(await Promise.all(waiting)).toEqual(['a', 'b', 'c'])
  })

  test('promises that V8 settles by itself continue', async () => {
    await using ctx = await box.createContext()
    const wait = `const cell = new Int32Array(new SharedArrayBuffer(4)); Atomics.waitAsync(cell, 0, 0, 5).value`
    expect(await ctx.run(wait)).toBe('timed-out')
    const empty = 'WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then((m) => m instanceof WebAssembly.Module)'
    expect(await ctx.run(empty)).toBe(true)
  })

  test('a context with thousands of waiting runs and a late answer', async () => {
    await using ctx = await box.createContext()
    await ctx.run('let open; const gate = new Promise((resolve) => { open = resolve })')
    const waiting = Array.from({ length: 2_000 }, async (_, n) => ctx.run(`gate.then((v) => v + ${n})`))
    await ctx.run('open(1); 0')
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 2_000 }, (_, n) => n + 1))
  })
})

test('status tells workers, limits and versions', async () => {
  const status = await box.status()
  expect(status.daemon).toMatchObject({ pid: process.pid, socket: daemon.socket, clients: 1 })
  expect(status.versions).toMatchObject({ node: process.versions.node, v8: process.versions.v8, runtime: process.execPath })
  expect(status.limits).toMatchObject({ timeoutMs: 5_000, maxTimeoutMs: 3_600_000, memoryBytes: 256 * 1024 * 1024 })
  expect(status.deaths).toEqual([])
})

test('a disposed box refuses calls; disposing it again does nothing', async () => {
  const other = await daemon.connect()
  const ctx = await other.createContext()
  const waiting = rejection(ctx.run('new Promise(() => {})'))
  await ctx.get('x')
  await other.dispose()
  await other[Symbol.asyncDispose]()
  expect([(await waiting).constructor.name, (await waiting).code]).toEqual(['ConnectionError', 'ERR_DISPOSED'])
  for (const call of [() => other.run('1'), () => other.createContext(), () => ctx.run('1'), () => other.status()]) {
    expect((await rejection(call())).code).toBe('ERR_DISPOSED')
  }
  expect(await box.run('1')).toBe(1)
})
