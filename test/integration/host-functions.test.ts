import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

const require = createRequire(import.meta.url)
const NOWHERE = '/nowhere/module.cjs'
const twice = (value: number): number => value * 2
const throwing = (value: unknown) => (): never => {
  // oxlint-disable-next-line typescript/only-throw-error -- code of users may throw anything
  throw value
}

describe('a synchronous host function', () => {
  test.each<[where: string, source: string, globals: Record<string, unknown>, expected: unknown]>([
    ['a plain call', 'f(21)', { f: twice }, 42],
    ['Array.prototype.map', '[1, 2, 3].map(f)', { f: twice }, [2, 4, 6]],
    ['a sort comparator', "['bb', 'a', 'ccc'].sort(f)", { f: (a: string, b: string) => b.length - a.length }, ['ccc', 'bb', 'a']],
    ['a callback of replace', "'a-b'.replace(/[ab]/g, (x) => f(x))", { f: (x: string) => x.toUpperCase() }, 'A-B'],
    ['a getter', '({ get a() { return f(1) } }).a', { f: twice }, 2],
    ['a setter', 'let got; ({ set a(v) { got = f(v) } }).a = 4; got', { f: twice }, 8],
    ['toString', '`${{ toString: () => f(2) }}`', { f: String }, '2'],
    ['valueOf', '1 + { valueOf: () => f(2) }', { f: twice }, 5],
    ['Symbol.toPrimitive', '`${{ [Symbol.toPrimitive]: f }}`', { f: (hint: string) => hint }, 'string'],
    ['a trap of a Proxy', 'new Proxy({}, { get: (_, key) => f(key) }).name', { f: (key: string) => `got ${key}` }, 'got name'],
    ['a replacer of JSON.stringify', "JSON.stringify({ a: 1 }, (k, v) => (k === 'a' ? f(v) : v))", { f: twice }, '{"a":2}'],
    ['a reviver of JSON.parse', "JSON.parse('[1]', (k, v) => (k === '0' ? f(v) : v))", { f: twice }, [2]],
    ['toJSON', 'JSON.stringify({ toJSON: () => f(3) })', { f: twice }, '6'],
    ['a generator', '[...(function* () { yield f(1); yield f(2) })()]', { f: twice }, [2, 4]],
    ['an iterator', 'Array.from({ length: 2 }, (_, n) => f(n))', { f: twice }, [0, 2]],
    ['a class field', 'new (class { a = f(1) })().a', { f: twice }, 2],
    ['a static block', 'class C { static a; static { C.a = f(1) } } C.a', { f: twice }, 2],
    ['a default argument', '((a = f(1)) => a)()', { f: twice }, 2],
    ['a tagged template', 'f`a${1}b`', { f: (parts: string[], n: number) => [...parts, n] }, ['a', 'b', 1]],
    ['Symbol.hasInstance', '1 instanceof { [Symbol.hasInstance]: f }', { f: () => true }, true],
    ['a finally block', 'let n; try { n = 1 } finally { n = f(5) } n', { f: twice }, 10],
    ['a microtask', 'Promise.resolve(2).then(f)', { f: twice }, 4],
    ['a timer', 'new Promise((resolve) => setTimeout(() => resolve(f(2)), 1))', { f: twice }, 4],
    ['an async function after await', '(async () => { await null; return f(1) + f(2) })()', { f: twice }, 6],
    ['eval', "eval('f(4)')", { f: twice }, 8],
    ['Function', "Function('return f(4)')()", { f: twice }, 8],
    ['Reflect.apply, call and bind', '[Reflect.apply(f, null, [1]), f.call(9, 2), f.bind(null, 3)()]', { f: twice }, [2, 4, 6]],
    ['an object of functions', 'api.math.twice(api.list[0](1))', { api: { math: { twice }, list: [twice] } }, 4],
    ['a Map of functions', "m.get('f')(1)", { m: new Map([['f', twice]]) }, 2],
    ['a Set of functions', '[...s][0](1)', { s: new Set([twice]) }, 2],
    ['the result of the run: a getter', '({ get a() { return f(4) } })', { f: twice }, { a: 8 }],
    ['the result of the run: deep', '({ a: [{ get b() { return { c: f(f(1)) } } }] })', { f: twice }, { a: [{ b: { c: 4 } }] }],
    ['what a promise settles to', 'Promise.resolve({ get a() { return f(1) } })', { f: twice }, { a: 2 }],
    ['a getter of an argument', 'f({ get a() { return g(5) } })', { f: ({ a }: { a: number }) => a + 1, g: twice }, 11],
    [
      'a trap of an argument',
      'f(new Proxy([1], { get: (t, k) => (k === "0" ? g(5) : t[k]) }))',
      { f: (a: number[]) => a[0], g: twice },
      10,
    ],
  ])('in %s', async (_where, source, globals, expected) => {
    expect(await box.run(source, { globals })).toEqual(expected)
  })

  test('what it returns is what the guest gets, for all kinds of values', async () => {
    const values = [undefined, null, true, -0, Number.NaN, 1.5, 2n ** 70n, '', 'ä€😀', '\ud800', Symbol.for('s'), Symbol.iterator]
    const holey = [1]
    holey[2] = 3
    const objects = [holey, { a: { b: [] } }, new Map([[1, new Set([2])]]), new Date(5), /x/gi, new Uint8Array([1, 2]), Object(1n)]
    await using ctx = await box.createContext({
      give: (n: number) => [...values, ...objects][n],
      take: (value: unknown) => given.push(value),
    })
    const given: unknown[] = []
    for (let n = 0; n < values.length + objects.length; n++) {
      expect(await ctx.run(`give(${n})`)).toEqual([...values, ...objects][n])
      await ctx.run(`take(give(${n}))`)
    }
    expect(given).toEqual([...values, ...objects])
  })

  test('identity and cycles are kept within its arguments and its result', async () => {
    const f = (one: { self: unknown }, other: unknown): unknown => {
      expect(one).toBe(other)
      expect(one.self).toBe(one)
      return [one, other]
    }
    expect(
      await box.run('const a = {}; a.self = a; const r = f(a, a); r[0] === r[1] && r[0].self === r[0] && r[0] !== a', { globals: { f } }),
    ).toBe(true)
  })

  test('it runs with no `this`, and with the arguments of the call and no more', async () => {
    function f(this: unknown, ...args: unknown[]): unknown {
      return [this === undefined, args]
    }
    expect(await box.run('[f(), f.call({}, 1, undefined), o.f(2)]', { globals: { f, o: { f } } })).toEqual([
      [true, []],
      [true, [1, undefined]],
      [true, [2]],
    ])
  })

  test('to the guest it is a function of the engine with its name, which constructs nothing', async () => {
    const source = `[typeof f, f.name, f.length, String(f), Object.keys(f), 'prototype' in f, f instanceof Function,
      (() => { try { new f() } catch (error) { return error.name } })()]`
    expect(await box.run(source, { globals: { f: twice } })).toEqual([
      'function',
      'twice',
      0,
      'function () { [native code] }',
      [],
      false,
      true,
      'TypeError',
    ])
    const many = {
      long: Object.defineProperty(() => 1, 'name', { value: 'n'.repeat(500) }),
      odd: Object.defineProperty(() => 1, 'name', { value: 5 }),
    }
    expect(await box.run('[f.long.name.length, f.odd.name]', { globals: { f: many } })).toEqual([100, ''])
  })
})

describe('a host function keeps its identity', () => {
  let ctx: Context
  beforeAll(async () => {
    ctx = await box.createContext()
  })
  afterAll(() => ctx.dispose())

  test('given twice it is one function in the guest, in one value and in several', async () => {
    const f = (): number => 1
    await ctx.set('a', [f, { f }, new Map([['f', f]])])
    await ctx.set('b', f)
    expect(await ctx.run("a[0] === a[1].f && a[0] === a[2].get('f') && a[0] === b")).toBe(true)
    expect(await ctx.run('b()')).toBe(1)
  })

  test('sent home it is itself, as an argument and as a result, after any detour in the guest', async () => {
    const f = (value: unknown): unknown => value === f
    await ctx.set('f', f)
    expect(await ctx.run('f')).toBe(f)
    expect(await ctx.run('f(f)')).toBe(true)
    expect(((await ctx.run('({ list: [f] })')) as { list: unknown[] }).list[0]).toBe(f)
    expect(((await ctx.globals()) as { f: unknown }).f).toBe(f)
  })

  test('one that two contexts have is one function to the host', async () => {
    await using other = await box.createContext()
    const f = (): number => 1
    await ctx.set('shared', f)
    await other.set('shared', f)
    expect(await ctx.run('shared')).toBe(f)
    expect(await other.run('shared')).toBe(f)
  })
})

describe('what a host function throws', () => {
  class Custom extends RangeError {
    override readonly name = 'Custom'
    readonly secret = '/etc/shadow'
    readonly code = 'E_CUSTOM'
  }
  const hostile = new Error('hidden')
  Object.defineProperty(hostile, 'name', {
    get() {
      throw new Error('no')
    },
  })
  const told = 'error instanceof Error ? [error.constructor.name, error.name, error.message, error.code, Object.keys(error).join()] : error'
  test.each<[what: string, f: () => unknown, told: unknown]>([
    ['an Error', throwing(new Error('plain')), ['Error', 'Error', 'plain', undefined, '']],
    ['a TypeError', throwing(new TypeError('type')), ['TypeError', 'TypeError', 'type', undefined, '']],
    ['a subclass', throwing(new Custom('own')), ['Error', 'Custom', 'own', 'E_CUSTOM', 'name,code']],
    [
      'an error with a numeric code and more',
      throwing(Object.assign(new URIError('u'), { code: 7, host: 'db' })),
      ['URIError', 'URIError', 'u', 7, 'code'],
    ],
    [
      'an AggregateError',
      throwing(new AggregateError([new Error('inner')], 'several')),
      ['Error', 'AggregateError', 'several', undefined, 'name'],
    ],
    [
      'an AbortError',
      () => {
        AbortSignal.abort().throwIfAborted()
        return 0
      },
      ['Error', 'AbortError', 'This operation was aborted', 20, 'name,code'],
    ],
    [
      'an error of Node’s for a file',
      () => readFileSync('/nowhere/secret.txt'),
      ['Error', 'Error', "ENOENT: no such file or directory, open '…'", 'ENOENT', 'code'],
    ],
    ['an error of require', () => require(NOWHERE) as unknown, ['Error', 'Error', "Cannot find module '…'", 'MODULE_NOT_FOUND', 'code']],
    [
      'an error that names its directory',
      throwing(new Error(`bad file ${process.cwd()}/config.json`)),
      ['Error', 'Error', 'bad file …/config.json', undefined, ''],
    ],
    [
      'an error that names a file URL',
      throwing(new Error(`bad ${import.meta.url}, sorry`)),
      ['Error', 'Error', 'bad … sorry', undefined, ''],
    ],
    [
      'an error that names a path of a URL',
      throwing(new Error('GET /api/users: 404')),
      ['Error', 'Error', 'GET /api/users: 404', undefined, ''],
    ],
    [
      'an error that cannot be read',
      throwing(hostile),
      ['Error', 'Error', 'a host function failed with an error that cannot be read', undefined, ''],
    ],
    ['a string', throwing('text'), 'text'],
    ['undefined', throwing(undefined), undefined],
    ['null', throwing(null), null],
    ['an object', throwing({ a: [1] }), { a: [1] }],
    [
      'a symbol that is not registered',
      throwing(Symbol('own')),
      ['TypeError', 'TypeError', 'value: a symbol that is not registered with Symbol.for cannot cross', 'ERR_VALUE_UNSUPPORTED', 'code'],
    ],
  ])('%s', async (_what, f, expected) => {
    expect(await box.run(`try { f() } catch (error) { ${told} }`, { globals: { f } })).toEqual(expected)
    expect(await box.run(`f().catch((error) => ${told})`, { globals: { f: async () => f() } })).toEqual(expected)
  })

  test('an error of another realm is an error, without its stack', async () => {
    const { runInNewContext } = await import('node:vm')
    const f = (): never => {
      throw runInNewContext("const e = new TypeError('foreign'); e.path = '/home/someone'; e")
    }
    const got = await box.run('try { f() } catch (e) { [e.name, e.message, e instanceof TypeError, e.path, e.stack] }', {
      globals: { f },
      filename: 'g.js',
    })
    expect(got).toEqual(['TypeError', 'foreign', true, undefined, 'TypeError: foreign\n    at g.js:1:7'])
  })

  test('its stack holds the guest’s frames only, and nothing of the host', async () => {
    const f = (): never => {
      throw new RangeError('deep')
    }
    const error = await rejection(box.run('\nfunction outer() {\n  f()\n}\nouter()', { globals: { f }, filename: 'guest.js' }))
    expect([error.constructor.name, error.name, error.message, error.code]).toEqual(['GuestError', 'RangeError', 'deep', 'ERR_GUEST'])
    expect(error.stack).toBe('RangeError: deep\n    at outer (guest.js:3:3)\n    at guest.js:5:1')
  })

  test('a guest that formats stacks in its own way is asked to', async () => {
    const f = (): never => {
      throw new Error('e')
    }
    expect(await box.run("Error.prepareStackTrace = () => 'mine'; try { f() } catch (e) { e.stack }", { globals: { f } })).toBe('mine')
  })

  test('a guest’s error comes back to a guest as it was', async () => {
    await using ctx = await box.createContext({ f: (callback: () => Promise<unknown>) => callback() })
    expect(
      await ctx.run("f(() => { throw new TypeError('mine') }).catch((e) => [e.name, e.message, 'code' in e, e instanceof TypeError])"),
    ).toEqual(['TypeError', 'mine', false, true])
    expect(await ctx.run('f(() => { throw [1] }).catch((e) => e)')).toEqual([1])
  })
})

describe('what cannot cross', () => {
  test.each<[what: string, f: () => unknown, message: string, code: string]>([
    ['a WeakMap', () => new WeakMap(), 'value: a WeakMap cannot cross', 'ERR_VALUE_UNSUPPORTED'],
    [
      'a symbol, deep in the result',
      () => ({ items: [1, { key: Symbol('s') }] }),
      'value.items[1].key: a symbol that is not registered with Symbol.for cannot cross',
      'ERR_VALUE_UNSUPPORTED',
    ],
    ['a promise in data', () => ({ later: Promise.resolve(1) }), 'value.later: a Promise cannot cross', 'ERR_VALUE_UNSUPPORTED'],
    [
      'nesting without end',
      () => {
        let deep: unknown[] = []
        for (let n = 0; n < 200; n++) deep = [deep]
        return deep
      },
      'nested deeper than the limit of 100',
      'ERR_VALUE_TOO_DEEP',
    ],
    [
      'a getter that throws',
      () => ({
        get a() {
          throw new RangeError('getter')
        },
      }),
      'getter',
      '',
    ],
  ])('%s as a result fails where it was called', async (_what, f, message, code) => {
    const source = 'try { f() } catch (error) { [error.message, error.code ?? ""] }'
    const [text, got] = (await box.run(source, { globals: { f } })) as [string, string]
    expect(text.slice(-message.length)).toBe(message)
    expect(got).toBe(code)
    expect(await box.run(`f().catch((error) => error.message)`, { globals: { f: async () => f() } })).toBe(text)
  })

  test.each<[what: string, argument: string, message: string, code: string]>([
    ['a WeakMap', 'new WeakMap()', 'value[0]: a WeakMap cannot cross', 'ERR_VALUE_UNSUPPORTED'],
    [
      'a symbol, deep',
      "{ a: [Symbol('s')] }",
      'value[0].a[0]: a symbol that is not registered with Symbol.for cannot cross',
      'ERR_VALUE_UNSUPPORTED',
    ],
    ['more than a message may hold', "'y'.repeat(17 * 1024 * 1024)", 'larger than the limit of 16777216 bytes', 'ERR_VALUE_TOO_LARGE'],
    ['a getter that throws', '{ get a() { throw new RangeError("mine") } }', 'mine', ''],
  ])('%s as an argument: the host function is not called', async (_what, argument, message, code) => {
    let calls = 0
    const globals = { f: () => calls++, g: async () => calls++ }
    expect(await box.run(`try { f(${argument}) } catch (error) { [error.message, error.code ?? ''] }`, { globals })).toEqual([
      message,
      code,
    ])
    expect(await box.run(`g(${argument}).catch((error) => [error.message, error.code ?? ''])`, { globals })).toEqual([message, code])
    expect(calls).toBe(0)
  })

  test('a getter of an argument that never returns is ended at the deadline, and the context goes on', async () => {
    await using ctx = await box.createContext({ f: twice })
    const error = await rejection(ctx.run('f({ get a() { for (;;); } })', { timeout: 100 }))
    expect(error.code).toBe('ERR_TIMEOUT')
    expect(await ctx.run('f(4)')).toBe(8)
  })
})

describe('arguments and results while other values are on their way', () => {
  test('a getter on the path of a call may call a host function', async () => {
    await using ctx = await box.createContext({ f: () => ({ big: 'x'.repeat(50), list: [1, 2] }) })
    await ctx.run('const a = { get b() { f(); return (...args) => args } }')
    expect(await ctx.call('a.b', { one: 1 }, 'two')).toEqual([{ one: 1 }, 'two'])
  })

  test('a getter of a value of the host’s may use the context that the value goes to, and another', async () => {
    await using ctx = await box.createContext({ x: 7 })
    await using other = await box.createContext({ x: 8 })
    const asked: Promise<unknown>[] = []
    const value = {
      get a() {
        asked.push(
          ctx.get('x'),
          other.run('x + 1'),
          ctx.set('y', { nested: [() => 5] }),
          other.call('absent').catch((error: unknown) => (error as { code: unknown }).code),
        )
        return [() => 1]
      },
      b: 2,
    }
    await ctx.set('v', value)
    expect(await Promise.all(asked)).toEqual([7, 9, undefined, 'ERR_NOT_A_FUNCTION'])
    expect(await ctx.run('[v.a[0](), v.b, y.nested[0]()]')).toEqual([1, 2, 5])
  })

  test('if such a value cannot cross after all, what its getter asked for is done all the same', async () => {
    await using ctx = await box.createContext({ x: 7 })
    let asked: Promise<unknown> | undefined
    const value = {
      get a() {
        asked = ctx.get('x')
        return 1
      },
      b: new WeakMap(),
    }
    expect((await rejection(ctx.set('v', value))).code).toBe('ERR_VALUE_UNSUPPORTED')
    expect(await asked).toBe(7)
  })

  test.each([
    ['1 MB', 1_000_000],
    ['10 MB', 10_000_000],
  ])('%s each way', async (_size, bytes) => {
    await using ctx = await box.createContext({ f: (value: unknown) => value })
    expect(
      await ctx.run(`const b = new Uint8Array(${bytes}).fill(7); b[${bytes - 1}] = 9; const c = f(b); [c.length, c[0], c[${bytes - 1}]]`),
    ).toEqual([bytes, 7, 9])
    expect(await ctx.run(`f('z'.repeat(${bytes})).length`)).toBe(bytes)
    expect(await ctx.run('f(1)')).toBe(1)
  })

  test('an answer that no frame can hold is an error for the guest, and the connection goes on', async () => {
    await using ctx = await box.createContext({ f: () => new Uint8Array(210 * 1024 * 1024) })
    expect(await ctx.run('try { f() } catch (error) { error.code }', { timeout: 30_000 })).toBe('ERR_VALUE_TOO_LARGE')
    expect(await ctx.run('1 + 1')).toBe(2)
  })
})

describe('a client that sends ahead', () => {
  test('five hundred runs, each with a synchronous call', async () => {
    await using ctx = await box.createContext({ f: (n: number) => n + 1 })
    const all = Array.from({ length: 500 }, (_, n) => n)
    expect(await Promise.all(all.map((n) => ctx.run(`f(${n})`)))).toEqual(all.map((n) => n + 1))
    expect(await Promise.all(all.map((n) => box.run(`f(${n})`, { globals: { f: (m: number) => m + 1 } })))).toEqual(all.map((n) => n + 1))
  })

  test('calls go out while large results are still on their way', async () => {
    await using ctx = await box.createContext({ f: () => 1 })
    const runs: Promise<unknown>[] = []
    for (let n = 0; n < 10; n++) {
      runs.push(
        ctx.run("'x'.repeat(240_000)"),
        ctx.run('f()'),
        box.run("'x'.repeat(3_000_000)"),
        box.run('f()', { globals: { f: () => 2 } }),
      )
    }
    const lengths = (await Promise.all(runs)).map((value) => (typeof value === 'string' ? value.length : value))
    expect(lengths).toEqual(Array.from({ length: 10 }, () => [240_000, 1, 3_000_000, 2]).flat())
  })

  test('forty runs of one promise, whose large results call the host while they are read', async () => {
    await using ctx = await box.createContext({ f: () => ({ n: 1 }) })
    await ctx.run('let go; const all = new Promise((resolve) => { go = resolve })')
    const runs = Array.from({ length: 40 }, () => ctx.run("all.then(() => ({ s: 'x'.repeat(100_000), get n() { return f().n } }))"))
    await ctx.run('go()')
    for (const run of runs) expect(await run).toEqual({ s: 'x'.repeat(100_000), n: 1 })
  })
})

describe('an asynchronous host function', () => {
  test('gives a promise of the guest’s realm', async () => {
    const globals = { f: async (n: number) => n * 2, sync: (n: number) => Promise.resolve(n * 3) }
    expect(await box.run('[f(1) instanceof Promise, sync(1) instanceof Promise]', { globals })).toEqual([true, true])
    expect(await box.run('Promise.all([f(1), sync(1), f(2)])', { globals })).toEqual([2, 3, 4])
  })

  test('lets other work of the worker go on meanwhile', async () => {
    const answer = Promise.withResolvers<string>()
    await using slow = await box.createContext({ wait: async () => answer.promise })
    await using other = await box.createContext()
    const run = slow.run('wait()')
    expect(await slow.run('1 + 1')).toBe(2)
    expect(await other.run('2 + 2')).toBe(4)
    expect(await box.run('3 + 3')).toBe(6)
    answer.resolve('there')
    expect(await run).toBe('there')
  })

  test('a thenable is waited for, and one that fails is a rejection', async () => {
    const thenable =
      (then: (resolve: (value: unknown) => void, reject: (reason: unknown) => void) => void): (() => unknown) =>
      // oxlint-disable-next-line unicorn/no-thenable -- a query builder, say, is one
      () => ({ then })
    const globals = {
      good: thenable((resolve) => resolve(5)),
      bad: thenable((_, reject) => reject(new Error('rejected'))),
      worse: thenable(() => {
        throw new Error('thrown')
      }),
      both: thenable((resolve, reject) => {
        resolve(1)
        reject(new Error('too late'))
        throw new Error('later still')
      }),
    }
    const source = 'Promise.allSettled([good(), bad(), worse(), both()]).then((all) => all.map((one) => one.value ?? one.reason.message))'
    expect(await box.run(source, { globals })).toEqual([5, 'rejected', 'thrown', 1])
    expect(await box.run('1')).toBe(1)
  })

  test('what is called at the end of a single run is called', async () => {
    const said: string[] = []
    const globals = {
      log: async (text: string) => {
        said.push(text)
      },
    }
    expect(await box.run("log('a'); log('b'); 5", { globals })).toBe(5)
    expect(said).toEqual(['a', 'b'])
  })

  test('at most a thousand are unanswered at once; then calls are refused, until some are answered', async () => {
    const answers: (() => void)[] = []
    await using ctx = await box.createContext({
      f: async () => new Promise<void>((resolve) => answers.push(resolve)),
      sync: () => 'called',
    })
    const source = `const refused = []; const calls = []
      for (let n = 0; n < 1005; n++) calls.push(f().catch((error) => { refused.push(error.code) }))
      let sync; try { sync() } catch (error) { sync = error.code }
      new Promise((resolve) => setTimeout(resolve, 1)).then(() => [refused, sync])`
    expect(
      await ctx.run(
        source
          .replaceAll('sync;', 'syncResult;')
          .replace('sync = error', 'syncResult = error')
          .replace('refused, sync]', 'refused, syncResult]'),
      ),
    ).toEqual([Array.from({ length: 5 }, () => 'ERR_HOST_CALL_LIMIT'), 'ERR_HOST_CALL_LIMIT'])
    await eventually('the calls', () => answers.length === 1000)
    for (const answer of answers) answer()
    expect(await ctx.run('Promise.all(calls).then(() => sync())')).toBe('called')
  })

  test('a run makes at most a hundred thousand calls', async () => {
    await using ctx = await box.createContext({ f: async () => undefined })
    const source = `(async () => {
      let made = 0
      try { for (;;) { await Promise.all(Array.from({ length: 1000 }, () => f())); made += 1000 } } catch (error) { return [made, error.code, error.message] }
    })()`
    expect(await ctx.run(source, { timeout: 60_000 })).toEqual([
      100_000,
      'ERR_HOST_CALL_LIMIT',
      'over the limit of 100000 host calls in one run',
    ])
    expect(await ctx.run('f()')).toBeUndefined()
  })

  test('large arguments of many calls leave while the guest still computes', async () => {
    let bytes = 0
    await using ctx = await box.createContext({
      f: async (text: string) => {
        bytes += text.length
      },
    })
    await ctx.run("Promise.all(Array.from({ length: 60 }, () => f('x'.repeat(1_000_000))))", { timeout: 30_000 })
    expect(bytes).toBe(60_000_000)
  })
})
