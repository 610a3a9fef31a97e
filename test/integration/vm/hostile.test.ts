import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Box, connect } from 'glovebox'
import { createVm, type Vm } from 'glovebox/vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../../support/daemons.ts'
import { eventually, rejection } from '../../support/eventually.ts'
import { tamperings } from '../../support/tamperings.ts'

type Bag = Record<PropertyKey, unknown>

let daemon: TestDaemon
let box: Box
let vm: Vm
beforeAll(async () => {
  daemon = await testDaemon()
  box = await connect({ socket: daemon.socket })
  vm = createVm(box)
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const workers = async (): Promise<number[]> =>
  (await box.status()).workers.filter(({ tenant }) => tenant !== undefined).map(({ worker }) => worker)

test.each(tamperings(['given', 'more', 'globalThis']))('globals come back from a realm with %s', async (_what, code) => {
  const given = { list: [1] }
  const context: Bag = { given, more: undefined }
  await vm.createContext(context)
  await vm.runInContext(`${code}\n;0`, context).catch(() => undefined)
  const more = { z: 1 }
  context['more'] = more
  // Nothing here that a setter on a prototype could meet.
  const result = await vm.runInContext('given.zz = { yy: 2 }; var after = { given, more }; after', context)
  expect(given).toEqual({ list: [1], zz: { yy: 2 } })
  expect(result).toBe(context['after'])
  expect((result as Bag)['given']).toBe(given)
  expect((result as Bag)['more']).toBe(more)
})

test.each<[string, string]>([
  ['a getter that never ends', 'Object.defineProperty(globalThis, "bad", { get() { for (;;); }, enumerable: true, configurable: true })'],
  ['an object with a getter that never ends', 'var bad = { get x() { for (;;); } }'],
  ['a Proxy that never ends', 'var bad = new Proxy({}, { ownKeys() { for (;;); } })'],
  ['a Proxy that throws', 'var bad = new Proxy({}, { ownKeys() { throw 1 } })'],
  ['a revoked Proxy', 'var bad = Proxy.revocable({}, {}); bad.revoke(); bad = bad.proxy'],
  ['more than may cross', 'var bad = "x".repeat(20_000_000)'],
  ['an array that is too large', 'var bad = new Array(11_000_000).fill(0)'],
  ['deep nesting', 'var bad = {}; { let at = bad; for (let i = 0; i < 100_000; i++) at = at.next = {} }'],
  ['a getter that makes another', 'let n = 0; const make = () => ({ get next() { return make() } }); var bad = make()'],
])(
  'a context that has %s goes on once that is gone',
  async (_what, code) => {
    const context: Bag = { kept: 1 }
    await vm.createContext(context)
    const before = await workers()
    await vm.runInContext('0', context)
    // Long enough for the limits to be reached, and not for a getter that never ends.
    const timeout = code.includes('for (;;)') ? 500 : 3_000
    await vm.runInContext(`kept = 2; var fresh = {}; ${code}; 0`, context, { timeout }).catch(() => undefined)
    await vm.runInContext('delete globalThis.bad; globalThis.bad = undefined; kept = 3', context, { timeout }).catch(() => undefined)
    expect(await vm.runInContext('kept', context, { timeout: 2_000 })).toBe(3)
    expect(context).toMatchObject({ kept: 3, fresh: {} })
    expect(await workers()).toEqual(before)
  },
  20_000,
)

test.each([
  [
    'globals that cannot be read',
    'Object.defineProperty(globalThis, "bad", { get() { for (;;); }, enumerable: true, configurable: true })',
  ],
  [
    'what it evaluates',
    'Object.defineProperty(globalThis, "bad", { get() { for (;;); }, enumerable: true, configurable: true }); for (;;);',
  ],
])('a run that ends at its deadline because of %s is not held up by reading the globals', async (_what, code) => {
  const context: Bag = {}
  await vm.createContext(context)
  const begun = performance.now()
  expect(await rejection(vm.runInContext(code, context, { timeout: 100 }))).toMatchObject({ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' })
  // Far below the five seconds that a run has by default.
  expect(performance.now() - begun).toBeLessThan(3_000)

  const module = new vm.SourceTextModule(`delete globalThis.bad; ${code}`, { context })
  await module.link(() => module)
  const evaluated = performance.now()
  expect(await rejection(module.evaluate({ timeout: 100 }))).toMatchObject({ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' })
  expect(performance.now() - evaluated).toBeLessThan(3_000)
})

test('what cannot cross at all is refused by name, and leaves the context as it was', async () => {
  const context: Bag = { n: 1 }
  await vm.createContext(context)
  context['big'] = 1n << 600_000n
  expect(await rejection(vm.runInContext('n', context))).toMatchObject({ code: 'ERR_VALUE_TOO_LARGE' })
  delete context['big']
  context['n'] = 2
  expect(await vm.runInContext('n', context)).toBe(2)
})

test('a context goes when its object is collected', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const contexts = async (): Promise<number> => (await box.status()).workers.reduce((sum, worker) => sum + worker.contexts, 0)
  const before = await contexts()
  await (async () => {
    for (let i = 0; i < 10; i++) {
      const context: Bag = { inner: { n: i }, f: () => i }
      await vm.createContext(context)
      await vm.runInContext('inner.n++; function g() {}', context)
    }
  })()
  await eventually('the end of the contexts', async () => {
    collect()
    return (await contexts()) <= before + 1
  })
})
