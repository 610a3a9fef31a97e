import type { Box } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'
import { PRELUDE, VERDICT } from '../support/realm-probe.ts'

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

/** What crosses and stays where it is, and functions that take such things. */
function hostObjects(controller: AbortController): Record<string, unknown> {
  async function* count(): AsyncGenerator<number> {
    for (let n = 0; n < 3; n++) yield n
    throw Object.assign(new RangeError('of the host'), { code: 'E_HOST' })
  }
  return {
    it: count(),
    stream: new ReadableStream({ pull: (c) => c.enqueue({ a: [1] }) }, { highWaterMark: 0 }),
    failing: new ReadableStream({ pull: (c) => c.error(new TypeError('of the host')) }, { highWaterMark: 0 }),
    signal: controller.signal,
    aborted: AbortSignal.abort(new RangeError('of the host')),
    take: async (value: AsyncIterable<unknown>) => {
      for await (const item of value) if (item === 'last') return 'taken'
      return 'all'
    },
    listen: (signal: AbortSignal) => signal.addEventListener('abort', () => undefined),
  }
}

/** Everything that there is to do with them, with what it gives and throws kept. */
const USE = `
  keep(it); keep(stream); keep(failing); keep(signal); keep(aborted); keep(take); keep(listen)
  attempt(() => Object.getPrototypeOf(it)); attempt(() => it.constructor)
  attempt(() => { const i = keep(it[Symbol.asyncIterator]()); keep(Object.getPrototypeOf(i)); for (const m of ['next', 'return', 'throw']) keep(i[m]); return i })
  attempt(() => { const p = it[Symbol.asyncIterator]().next(); p.then(keep, keep); return p })
  attempt(() => { const p = it[Symbol.asyncIterator]().throw(new Error()); p.then(keep, keep); return p })
  attempt(() => { const p = stream.getReader().read(); p.then(keep, keep); return p })
  attempt(() => { const p = failing.getReader().read(); p.then(keep, keep); return p })
  attempt(() => aborted.reason); attempt(() => aborted.throwIfAborted())
  attempt(() => signal.addEventListener('abort', function (event) { keep(this); keep(event); keep(arguments); keep(event.target.reason); try { keep(arguments.callee.caller) } catch (e) { keep(e) } }))
  attempt(() => { const p = take((async function* () { yield 1; keep(arguments); yield 'last' })()); p.then(keep, keep); return p })
  attempt(() => { const p = take({ [Symbol.asyncIterator]() { keep(this); keep(arguments); try { keep(arguments.callee.caller) } catch (e) { keep(e) }
    return { get next() { keep(this); return function () { keep(this); keep(arguments); return { get done() { keep(this); return true } } } } } } }); p.then(keep, keep); return p })
  attempt(() => { const p = take(new ReadableStream({ pull(c) { keep(this); keep(c); keep(arguments); c.close() }, cancel() { keep(this); keep(arguments) } })); p.then(keep, keep); return p })
  attempt(() => { const c = new AbortController(); keep(c.signal); listen(c.signal); c.abort({ get x() { keep(this); return 1 } }) })
  attempt(() => it[Symbol.asyncIterator].call({})); attempt(() => it[Symbol.asyncIterator]().next.call({}))
  attempt(() => Reflect.construct(Object, [], it.constructor)); attempt(() => new (Object.getPrototypeOf(it).constructor)())
  0`

const TAMPER: Readonly<Record<string, string>> = {
  nothing: '',
  'the methods of promises': `const { then } = Promise.prototype; const { apply } = Reflect
    Promise.prototype.then = function (...args) { keep(this); for (let i = 0; i < args.length; i++) keep(args[i]); return apply(then, this, args) }
    Object.defineProperty(Promise.prototype, 'constructor', { configurable: true, get() { keep(this); return Promise } })`,
  'what objects inherit': `for (const name of ['done', 'value', 'iterate', 'once', 'then', 'aborted', 'reason', 'kind', 'parts', 'highWaterMark', 'pull', 'start', 'type', 'cancel', 'get', 'set'])
      Object.defineProperty(Object.prototype, name, { __proto__: null, configurable: true, get() { keep(this); return undefined }, set(value) { keep(this); keep(value) } })`,
  'indices of arrays': `for (let i = 0; i < 5; i++) Object.defineProperty(Array.prototype, i, { configurable: true, get() { keep(this); return undefined }, set(value) { if (this !== kept) keep(this) } })`,
  'collections and functions': `for (const Class of [WeakMap, Map, Set, WeakRef, FinalizationRegistry, Function, Array]) for (const name of Reflect.ownKeys(Class.prototype)) {
      const d = Object.getOwnPropertyDescriptor(Class.prototype, name)
      if (typeof d.value === 'function' && name !== 'constructor' && name !== 'push') { const old = d.value
        Class.prototype[name] = { f(...args) { keep(this); keep(args); return Reflect.apply(old, this, args) } }.f } }`,
  'the iterator prototype': `const base = Object.getPrototypeOf(Object.getPrototypeOf((async function* () {}).prototype))
    Object.setPrototypeOf(base, new Proxy({}, { get(target, key, receiver) { keep(receiver); return undefined } }))`,
}

describe.each(Object.entries(TAMPER))('with tampering of %s', (_name, tamper) => {
  test.each([
    ['at once', USE],
    ['near the end of the stack', `near(() => { ${USE.replace(/\n\s*0$/, '')} }); 0`],
  ])('remote objects lead to the guest’s realm only: %s', async (_when, use) => {
    const controller = new AbortController()
    await using ctx = await box.createContext(hostObjects(controller))
    await ctx.run(PRELUDE)
    if (tamper !== '') await ctx.run(`{ ${tamper} } 0`)
    await ctx.run(use, { timeout: 10_000 }).catch(() => undefined)
    controller.abort(new RangeError('later'))
    // Turns for what is on its way: each needs an answer of this process.
    for (let i = 0; i < 10; i++) await ctx.run('0').catch(() => undefined)
    expect(await ctx.run(VERDICT, { timeout: 20_000 })).toMatch(/^(guest|guest,moat|moat)$/)
    expect(await box.run('1 + 1')).toBe(2)
  })
})
