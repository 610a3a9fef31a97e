import { spawnSync } from 'node:child_process'
import { constants, runInNewContext } from 'node:vm'
import type { Box } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { fixture } from '../support/fixture.ts'
import { eventually } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { WEB_NAMES } from '../support/web-names.ts'
import { ENTRIES, type Entry, PRELUDE, VERDICT } from '../support/realm-probe.ts'

/** Each with an entry by which it reaches the main realm of a naive host. */
const TECHNIQUES: Readonly<Record<string, readonly [control: Entry, code: string]>> = {
  'a symbol as name': ['script', 'const e = new Error(); e.name = Symbol(); return e.stack'],
  'a symbol as message': ['script', 'const e = new Error(); e.message = Symbol(); return e.stack'],
  'a name that cannot become a text': ['script', 'const e = new Error(); e.name = Object.create(null); return e.stack'],
  'a symbol as name of a captured stack': [
    'script',
    'const o = { __proto__: Error.prototype, name: Symbol() }; Error.captureStackTrace(o); return o.stack',
  ],
  'a symbol as name of an engine’s error': ['script', 'try { null.x } catch (e) { e.name = Symbol(); return e.stack }'],
  'a symbol as name of a subclass': ['script', 'class E extends TypeError { get name() { return Symbol() } }; return new E().stack'],
  'import()': ['script', "const p = import('fs'); p.catch(keep); return p"],
  'import() of what cannot become a text': ['script', "const p = import({ toString: () => 'fs' }); p.catch(keep); return p"],
  'import() with attributes': ['script', "const p = import('fs', { with: { type: 'json' } }); p.catch(keep); return p"],
  'import() in eval': ['script', 'const p = eval("import(\'fs\')"); p.catch(keep); return p'],
  'import() in indirect eval': ['script', 'const p = (0, eval)("import(\'fs\')"); p.catch(keep); return p'],
  'import() in Function': ['script', 'const p = Function("return import(\'fs\')")(); p.catch(keep); return p'],
  'import() in an async generator': ['script', "const p = (async function* () { yield import('fs') })().next(); p.catch(keep); return p"],
  'import() near the end of the stack': ['deep', "const p = import('fs'); p.catch(keep); return p"],
  'prepareStackTrace as a Proxy': [
    'script',
    'Error.prepareStackTrace = new Proxy(() => {}, { apply(target, self, args) { keep(self); keep(args); throw 1 } }); return new Error().stack',
  ],
  'streaming WebAssembly': ['script', 'const p = WebAssembly.compileStreaming(Promise.resolve(1)); p.catch(keep); return p'],
  'streaming and instantiating WebAssembly': ['script', 'const p = WebAssembly.instantiateStreaming({}); p.catch(keep); return p'],
}

/** Reach nothing in either; here because they could. */
const MORE: Readonly<Record<string, string>> = {
  'a stack': 'return new Error().stack',
  'a captured stack': 'const o = {}; Error.captureStackTrace(o); return o.stack',
  'prepareStackTrace as a function':
    'Error.prepareStackTrace = function (error, sites) { keep(this); keep(sites); for (const s of sites) { keep(s.getThis()); keep(s.getFunction()) } throw new Error }; return new Error().stack',
  'prepareStackTrace as a getter':
    "Object.defineProperty(Error, 'prepareStackTrace', { configurable: true, get() { keep(this); keep(arguments); throw new Error }}); return new Error().stack",
  'stackTraceLimit as a getter':
    "Object.defineProperty(Error, 'stackTraceLimit', { configurable: true, get() { keep(arguments); throw 1 } }); return new Error('x').stack",
  'a Proxy as message': 'const e = new Error(); e.message = new Proxy({}, { get(...args) { keep(args); throw 1 } }); return e.stack',
  'a name with a getter that overflows':
    "const e = new Error(); Object.defineProperty(e, 'name', { get() { const f = () => f(); f() } }); return e.stack",
  'an overflow': 'const f = () => f(); f()',
  'an overflow in a job': 'const f = async () => { await f() }; return f().catch(keep)',
  'an overflow in a regular expression': "return /^(?:a|b)*c/.exec('ab'.repeat(1e6))",
  'an overflow in JSON': "return JSON.parse('['.repeat(1e5))",
  'an overflow in a Proxy': 'let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); return p.x',
  'a syntax error': "return Function('(')",
  'an out-of-range array': 'return new Array(-1)',
  'a rejection that nobody hears': 'const p = Promise.reject(new Proxy({}, { get(...args) { keep(args) } })); return p',
  'a thenable that overflows': 'return Promise.resolve({ get then() { const f = () => f(); f() } }).catch(keep)',
  'a thrown Proxy': 'throw new Proxy({}, { get(...args) { keep(args); throw 1 }, getPrototypeOf(...args) { keep(args); throw 2 } })',
  'WebAssembly errors': 'return WebAssembly.compile(new Uint8Array(3)).catch(keep)',
  'Atomics.waitAsync': 'return Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1).value.then(keep)',
  'own globals': 'return [globalThis, this, console, Reflect, Intl, Atomics, WebAssembly, typeof Temporal === "undefined" ? 0 : Temporal]',
  'the caller of a strict function': 'return (function () { try { return arguments.callee.caller } catch (e) { return e } })()',
  'the caller of a sloppy function': 'function f() { return f.caller } return f()',
  'the caller in a getter': "const o = { get x() { return Object.getOwnPropertyDescriptor(o, 'x').get.caller } }; return o.x",
  'async stacks': 'return (async () => { await 0; return new Error().stack })().then(keep)',
}

checkLeaks()
let daemon: TestDaemon
let box: Box
let control: Record<string, string>
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  const cases = Object.fromEntries(Object.entries(TECHNIQUES).map(([name, [entry, code]]) => [name, ENTRIES[entry](code)]))
  const { stdout, stderr } = spawnSync(process.execPath, [fixture('naive-vm.mjs')], {
    input: JSON.stringify({ prelude: PRELUDE, verdict: VERDICT, cases }),
    encoding: 'utf8',
  })
  if (stderr !== '') throw new Error(`the control failed: ${stderr}`)
  control = JSON.parse(stdout) as Record<string, string>
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

async function verdictOf(source: string): Promise<string> {
  await using ctx = await box.createContext()
  await ctx.run(PRELUDE)
  await ctx.run(source, { timeout: 5_000 }).catch(() => undefined)
  return (await ctx.run(VERDICT, { timeout: 20_000 })) as string
}

describe.each(Object.entries(TECHNIQUES))('%s', (name, [, code]) => {
  test('reaches the main realm of a naive host', () => {
    expect(control[name]).toMatch(/MAIN/)
  })
  test.each(Object.keys(ENTRIES) as Entry[])('reaches nothing here, by %s', async (entry) => {
    expect(await verdictOf(ENTRIES[entry](code))).toMatch(/^(nothing|guest|guest,moat|moat)$/)
  })
})

describe.each(Object.entries(MORE))('%s', (_name, code) => {
  test.each(Object.keys(ENTRIES) as Entry[])('reaches nothing, by %s', async (entry) => {
    expect(await verdictOf(ENTRIES[entry](code))).toMatch(/^(nothing|guest|guest,moat|moat)$/)
  })
})

describe('the guest’s realm', () => {
  test('has no names of ours, and of hosts those of timers and the web globals', async () => {
    const names = (await box.run('Reflect.ownKeys(globalThis).map(String)')) as string[]
    const known = new Set(runInNewContext('Reflect.ownKeys(globalThis).map(String)', constants.DONT_CONTEXTIFY) as string[])
    for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask'])
      known.add(name)
    for (const name of WEB_NAMES) known.add(name)
    expect(names.filter((name) => !known.has(name))).toEqual([])
    expect([...known].filter((name) => !names.includes(name))).toEqual([])
  })

  test('what a guest does to its intrinsics changes no answer for another', async () => {
    await using ctx = await box.createContext()
    await ctx.run(`
      const poison = { __proto__: null, configurable: true, get() { throw 'poisoned' }, set() { throw 'poisoned' } }
      const { defineProperty, ownKeys } = Reflect
      const victims = [Object, Function, Array, String, Error, Promise, Uint8Array, Map, Set, RegExp]
      for (let i = 0; i < victims.length; i++) {
        const keys = ownKeys(victims[i].prototype)
        for (let j = 0; j < keys.length; j++) try { defineProperty(victims[i].prototype, keys[j], poison) } catch {}
      }
      0`)
    expect(await box.run('[1, { a: new Map([[1, 2]]) }]')).toEqual([1, { a: new Map([[1, 2]]) }])
    expect(await ctx.run('1 + 1')).toBe(2)
    expect(await ctx.run('[1, 2]')).toEqual([1, 2])
  })

  test('a frozen moat: what one guest reaches there another cannot see changed', async () => {
    const reach = `${PRELUDE}; near(() => import('fs').catch(keep)); 0`
    const change = `(() => { let changed = 0
      const seen = new Set()
      const visit = (value) => {
        if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
        seen.add(value)
        const realm = (() => { try { return value.constructor.constructor('return globalThis')() } catch {} })()
        if (realm !== undefined && realm !== globalThis) {
          try { value.planted = 1; if (value.planted === 1) changed++ } catch {}
          visit(realm)
          for (const key of Reflect.ownKeys(realm)) try { visit(realm[key]); visit(realm[key].prototype) } catch {}
        }
        try { visit(Reflect.getPrototypeOf(value)) } catch {}
        try { visit(value.constructor) } catch {}
      }
      kept.forEach(visit)
      return Object.keys(kept.find((v) => { try { return v.constructor.constructor('return globalThis')() !== globalThis } catch {} })?.constructor?.constructor('return globalThis')() ?? {}).includes('planted')
    })()`
    await using ctx = await box.createContext()
    await ctx.run(reach)
    expect(await ctx.run(change, { timeout: 20_000 })).toBe(false)
  })
})

describe('FinalizationRegistry', () => {
  /** Enough that outlives young generations to have everything collected. */
  const collect = `{ let waste = []; for (let i = 0; i < 12; i++) waste.push(Array(1e6).fill(i)) } done.length`

  test('callbacks come, with what was held, and inside the guard', async () => {
    await using ctx = await box.createContext()
    await ctx.run(`var done = []; const registry = new FinalizationRegistry((held) => done.push(held)); registry.register({}, 'held'); 0`)
    await eventually('a collection', async () => (await ctx.run(collect)) === 1, 20_000)
    expect(await ctx.get('done')).toEqual(['held'])
  })

  test('a callback that loops or throws ends with a run, and the context lives', async () => {
    await using ctx = await box.createContext()
    await ctx.run(`var done = []
      const registry = new FinalizationRegistry((what) => { done.push(what); if (what === 'throw') throw new Error('unheard'); for (;;); })
      registry.register({}, 'throw'); registry.register({}, 'loop'); 0`)
    await eventually(
      'a collection',
      async () => {
        await ctx.run(collect, { timeout: 1_000 }).catch(() => undefined)
        return ((await ctx.get('done')) as string[]).length === 2
      },
      20_000,
    )
    expect(await ctx.run('1 + 1')).toBe(2)
  })

  test('is what it is in any realm, as far as a guest can tell', async () => {
    expect(
      await box.run(`class Sub extends FinalizationRegistry {}
        [FinalizationRegistry.name, FinalizationRegistry.length, new Sub(() => {}) instanceof FinalizationRegistry,
          FinalizationRegistry.prototype.constructor === FinalizationRegistry]`),
    ).toEqual(['FinalizationRegistry', 1, true, true])
  })
})
