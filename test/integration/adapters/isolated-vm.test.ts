import type { Box } from 'glovebox'
import ivm from 'glovebox/isolated-vm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../../support/daemons.ts'
import { rejection } from '../../support/eventually.ts'
import { checkLeaks } from '../../support/leaks.ts'

checkLeaks()

let daemon: TestDaemon
let box: Box
let isolate: ivm.Isolate
let context: ivm.Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  isolate = new ivm.Isolate({ box })
})
afterAll(async () => {
  await isolate.dispose()
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})
beforeEach(async () => {
  context = await isolate.createContext()
})

test('the first example of its README: a global named global, a log, an endless script', async () => {
  const said: unknown[] = []
  const jail = context.global
  await jail.set('global', jail.derefInto())
  await jail.set('log', new ivm.Callback((...args: unknown[]) => said.push(args)))
  await context.eval('log("hello world"); global.x = 1')
  expect([said, await context.eval('x')]).toEqual([[['hello world']], 1])
  const hostile = await isolate.compileScript('for (;;);', { filename: 'hostile.js' })
  expect((await rejection(hostile.run(context, { timeout: 100 }))).code).toBe('ERR_TIMEOUT')
  expect(await context.eval('x')).toBe(1)
})

describe('a result crosses', () => {
  test.each<[what: string, code: string, options: object, value: unknown]>([
    ['a primitive', '1 + 1', {}, 2],
    ['a BigInt', '2n ** 70n', {}, 2n ** 70n],
    ['an object, not without an option', '({ a: 1 })', {}, undefined],
    ['an object by copy', '({ a: [new Date(0)] })', { copy: true }, { a: [new Date(0)] }],
    ['a promise’s value', 'Promise.resolve(3)', { promise: true }, 3],
    ['a promise’s value by copy', '(async () => [3])()', { promise: true, copy: true }, [3]],
  ])('%s', async (_what, code, options, value) => {
    expect(await context.eval(code, options)).toEqual(value)
    expect(await (await isolate.compileScript(code)).run(context, options)).toEqual(value)
  })

  test('a function, which is one here', async () => {
    const double = (await context.eval('(n) => n * 2')) as (n: number) => Promise<number>
    expect(await double(21)).toBe(42)
  })

  test('an object by external copy', async () => {
    const external = (await context.eval('({ a: 1 })', { externalCopy: true })) as ivm.ExternalCopy
    expect(external).toBeInstanceOf(ivm.ExternalCopy)
    expect(external.copy()).toEqual({ a: 1 })
    await context.global.set('copy', external.copyInto())
    expect(await context.eval('copy.a')).toBe(1)
    external.release()
    expect(() => external.copy()).toThrow('released')
  })
})

describe('a Reference to a guest’s value', () => {
  test('gets, sets and deletes properties, and copies', async () => {
    const reference = (await context.eval('({ a: 1, o: { b: 2 } })', { reference: true })) as ivm.Reference
    expect(reference.typeof).toBe('object')
    expect(await reference.get('a')).toBe(1)
    expect((await rejection(reference.get('o'))).message).toBe('A non-transferable value was passed')
    expect(await reference.get('o', { copy: true })).toEqual({ b: 2 })
    const inner = (await reference.get('o', { reference: true })) as ivm.Reference
    expect([await inner.set('c', [3], { copy: true }), await inner.delete('b')]).toEqual([true, true])
    expect(await reference.copy()).toEqual({ a: 1, o: { c: [3] } })
  })

  test('applies a function, to copies and to references', async () => {
    const apply = (await context.eval('(function (list, more) { return { sum: list.length + more, that: this.name } })', {
      reference: true,
    })) as ivm.Reference
    const that = (await context.eval('({ name: "it" })', { reference: true })) as ivm.Reference
    const list = new ivm.ExternalCopy([1, 2]).copyInto()
    expect(await apply.apply(that.derefInto(), [list, 1], { result: { copy: true } })).toEqual({ sum: 3, that: 'it' })
    expect((await rejection(apply.apply(undefined, [[1]]))).message).toBe('A non-transferable value was passed')
    expect(await apply.apply(that.derefInto(), [[1], 1], { arguments: { copy: true }, result: { copy: true } })).toEqual({
      sum: 2,
      that: 'it',
    })
  })

  test('awaits what a function gives, in time', async () => {
    const fn = (await context.eval('(async (n) => { if (n < 0) await new Promise(() => {}); return n + 1 })', {
      reference: true,
    })) as ivm.Reference
    expect(await fn.apply(undefined, [1], { result: { promise: true } })).toBe(2)
    expect((await rejection(fn.apply(undefined, [-1], { result: { promise: true }, timeout: 100 }))).code).toBe('ERR_TIMEOUT')
  })

  test('is not dereferenced here, and ends', async () => {
    const { global } = context
    expect(() => global.deref()).toThrow('Cannot dereference this from current isolate')
    const other = await isolate.createContext()
    expect((await rejection(other.global.set('x', global.derefInto()))).message).toContain('in its own context only')
    const reference = (await context.eval('({})', { reference: true })) as ivm.Reference
    reference.release()
    expect((await rejection(reference.get('a'))).message).toBe('Reference has been released')
  })
})

describe('a Reference to a value of the host', () => {
  test('is called by the guest, at once or later', async () => {
    await context.global.set('add', new ivm.Reference((a: number, b: number) => a + b))
    await context.global.set('list', new ivm.Reference(() => [1]))
    expect(
      await context.eval('[add.typeof, add.applySync(undefined, [1, 2]), add.applyIgnored(undefined, [1, 2])]', { copy: true }),
    ).toEqual(['function', 3, undefined])
    expect(await context.eval('add.apply(undefined, [20, 22])', { promise: true })).toBe(42)
    expect(await context.eval('list.applySync(undefined, [], { result: { copy: true } })', { copy: true })).toEqual([1])
    expect((await rejection(context.eval('list.applySync()'))).message).toBe('A non-transferable value was passed')
  })

  test('gives own data only: no prototype, no function', async () => {
    await context.global.set('host', new ivm.Reference({ a: 1, fn: () => 1 }))
    const code = (key: string): string => `host.getSync(${JSON.stringify(key)})`
    expect(await context.eval(code('a'))).toBe(1)
    expect(await context.eval(code('constructor'))).toBe(undefined)
    expect(await context.eval(code('__proto__'))).toBe(undefined)
    expect((await rejection(context.eval(code('fn')))).message).toBe('A non-transferable value was passed')
    await context.global.set('data', new ivm.Reference({ a: [1] }))
    expect(await context.eval('data.copySync()', { copy: true })).toEqual({ a: [1] })
  })
})

test('a result that cannot cross, and that nobody asked for, is undefined', async () => {
  for (const code of ['new WeakMap()', 'Symbol()', '[() => Symbol(), { s: Symbol() }]']) {
    expect(await context.eval(code)).toBe(undefined)
    expect((await rejection(context.eval(code, { copy: true }))).code).toBe('ERR_VALUE_UNSUPPORTED')
  }
})

test('a function of the host becomes a Callback by itself', async () => {
  await context.global.set('double', (n: number) => n * 2)
  expect(await context.eval('double(4)')).toBe(8)
  expect(await context.evalClosure('return $0(3) + $1', [(n: number) => n + 1, 1])).toBe(5)
})

test('evalClosure has its arguments as $0, $1', async () => {
  const said: unknown[] = []
  const code = 'globalThis.say = (...args) => $0.applySync(undefined, args, { arguments: { copy: true } }); return say($1)'
  await context.evalClosure(code, [(text: string) => void said.push(text), 'hi'], { arguments: { reference: true } })
  expect(said).toEqual(['hi'])
  expect(await context.evalClosure('return [$0 + $1]', [1, 2], { result: { copy: true } })).toEqual([3])
})

test('Callbacks answer at once, later or never', async () => {
  await context.global.set('later', new ivm.Callback((n: number) => n + 1, { async: true }))
  const fail = (): never => {
    throw new Error('unheard')
  }
  await context.global.set('never', new ivm.Callback(fail, { ignored: true }))
  expect(await context.eval('later(1).then((n) => [n, never()])', { promise: true, copy: true })).toEqual([2, undefined])
})

test('what does not parse, and what throws, names its file', async () => {
  expect((await rejection(isolate.compileScript('let let', { filename: 'a.js' }))).stack).toContain('a.js:1')
  const script = await isolate.compileScript('throw new RangeError("no")', { filename: 'b.js' })
  expect((await rejection(script.run(context))).stack).toContain('b.js:1:7')
})

test('what waits for another process is told to be awaited', async () => {
  expect(() => context.evalSync()).toThrow('evalSync() cannot exist: the isolate is another process. Use await context.eval()')
  expect(() => isolate.createContextSync()).toThrow('Use await isolate.createContext()')
  expect(() => context.global.setSync()).toThrow('Use await reference.set()')
})

test('an isolate that was disposed', async () => {
  const short = new ivm.Isolate({ box })
  const lost = await short.createContext()
  await short.dispose()
  expect([short.isDisposed, (await rejection(short.createContext())).message]).toEqual([true, 'Isolate is disposed'])
  expect((await rejection(lost.eval('1'))).code).toBe('ERR_CONTEXT_LOST')
})

test('memoryLimit gives each context a worker with that much memory', async () => {
  await using small = new ivm.Isolate({ box, memoryLimit: 40 })
  const filled = await small.createContext()
  expect(await filled.eval('globalThis.kept = Array.from({ length: 1e5 }, (_, n) => n); kept.length')).toBe(100_000)
  const error = await rejection(filled.eval('for (;;) kept.push({ kept: kept.length })', { timeout: 60_000 }))
  expect(error).toMatchObject({ name: 'MemoryLimitError', report: { limit: 'memory', configured: 40 * 2 ** 20 } })
  // The others are elsewhere.
  expect(await context.eval('1')).toBe(1)
  expect(() => new ivm.Isolate({ memoryLimit: 8 })).toThrow(/option 'memoryLimit' must be a whole number from 32 to 4096, got 8/)
})
