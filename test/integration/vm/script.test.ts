import nodeVm from 'node:vm'
import { connect } from 'glovebox'
import vm, { createVm } from 'glovebox/vm'
import { describe, expect, test } from 'vitest'
import { testDaemon } from '../../support/daemons.ts'
import { rejection } from '../../support/eventually.ts'
import { caught, type Row, table } from '../../support/vm-table.ts'

type Bag = Record<PropertyKey, unknown>

/** Where an error says that it was made: the first frame of its stack, or what stands above it. */
async function placeOf(run: () => unknown): Promise<unknown> {
  try {
    await run()
    return 'nothing'
  } catch (error) {
    const { stack } = error as Error
    if (stack !== undefined && !/^\w*Error/.test(stack) && (error as Error).name === 'SyntaxError') return stack.split('\n').slice(0, 3)
    return /at (?:.*\()?([^()\s]+:-?\d+:\d+)/.exec(stack ?? '')?.[1]
  }
}

test.each([0, 10, 20, 50, 70, 80, 200, 300, -1])('a code cache that is damaged at %d is rejected, and its worker lives', async (at) => {
  const source = 'globalThis.damaged = [1, 2, 3].map((n) => n * 14)[2]'
  await using daemon = await testDaemon()
  await using box = await daemon.connect()
  const own = createVm(box)
  const context = { kept: 1 }
  await own.createContext(context)
  const cachedData = await new own.Script(source).createCachedData()
  const damaged = Buffer.from(cachedData)
  const index = at < 0 ? damaged.length + at : at
  damaged[index] = (damaged[index] as number) ^ 0xff
  // Names of their own: V8 knows what it compiled lately by itself.
  const script = new own.Script(source, { cachedData: damaged })
  expect([await script.runInNewContext({}), script.cachedDataRejected]).toEqual([42, true])
  const body = 'return [1, 2, 3].map((n) => n * 14)[2]'
  const fn = await own.compileFunction(body, [], { cachedData: damaged })
  expect([await fn(), fn.cachedDataRejected]).toEqual([42, true])
  expect(await own.runInContext('kept', context)).toBe(1)
})

test('a code cache of another source of the same length is rejected', async () => {
  await using daemon = await testDaemon()
  await using box = await daemon.connect()
  const own = createVm(box)
  const cachedData = await new own.Script('40 + 2').createCachedData()
  const script = new own.Script('50 + 5', { cachedData })
  expect([await script.runInNewContext({}), script.cachedDataRejected]).toEqual([55, true])
})

describe('Script', () => {
  const rows: Row[] = [
    [
      'runs in any context',
      async (vm) => {
        const script = new vm.Script('n = typeof n === "number" ? n + 1 : 1')
        const one: Bag = {}
        const two: Bag = { n: 10 }
        await vm.createContext(one)
        await vm.createContext(two)
        return [await script.runInContext(one), await script.runInContext(two), await script.runInContext(one), one, two]
      },
    ],
    [
      'runs in a new context',
      async (vm) => {
        const sandbox = { a: 1 }
        return [await new vm.Script('a++; b = 2; a').runInNewContext(sandbox), sandbox, await new vm.Script('typeof a').runInNewContext()]
      },
    ],
    [
      'runs in the shared context',
      async (vm) => {
        await new vm.Script('globalThis.fromThisTest = 1').runInThisContext()
        const seen = await vm.runInThisContext('fromThisTest')
        await vm.runInThisContext('delete globalThis.fromThisTest')
        return [seen, await vm.runInThisContext('typeof fromThisTest')]
      },
    ],
    ['that does not parse', async (vm) => caught(() => new vm.Script('var a = ;', 'bad.js').runInThisContext())],
    [
      'a name, lines and columns: of what is thrown',
      async (vm) => [
        await placeOf(() => vm.runInNewContext('throw new Error("x")')),
        await placeOf(() => vm.runInNewContext('\n  throw new Error("x")', {}, 'name.js')),
        await placeOf(() => vm.runInNewContext('throw new Error("x")', {}, { filename: 'name.js', lineOffset: 10, columnOffset: 20 })),
        await placeOf(() => vm.runInNewContext('\nthrow new Error("x")', {}, { filename: 'name.js', lineOffset: -5, columnOffset: 20 })),
      ],
    ],
    [
      'the place of what does not parse',
      async (vm) => [
        await placeOf(() => vm.runInNewContext('var a = ;', {}, 'bad.js')),
        await placeOf(() => vm.runInNewContext('\n\n  var a = ;', {}, { filename: 'bad.js', lineOffset: 5 })),
      ],
    ],
    [
      'the URL of its source map',
      async (vm) => {
        const script = new vm.Script('1\n//# sourceMappingURL=map.json')
        await script.runInThisContext()
        return [script.sourceMapURL, new vm.Script('1').sourceMapURL]
      },
    ],
    [
      'a code cache that fits, and one that does not',
      async (vm) => {
        const source = 'function f() { return 42 }; f()'
        const cachedData = await new vm.Script(source).createCachedData()
        const fits = new vm.Script(source, { cachedData })
        const foreign = new vm.Script('"another source, of another length"', { cachedData })
        // Of a source that V8 does not know yet: it asks for no cache otherwise.
        const garbage = new vm.Script(`${source} // garbage`, { cachedData: Buffer.from('garbage') })
        const results = [await fits.runInThisContext(), await foreign.runInThisContext(), await garbage.runInThisContext()]
        return [cachedData.length > 0, results, fits.cachedDataRejected, foreign.cachedDataRejected, garbage.cachedDataRejected]
      },
    ],
    [
      'a code cache as other views',
      async (vm) => {
        const source = '1 + 1'
        const { buffer, byteOffset, byteLength } = await new vm.Script(source).createCachedData()
        const script = new vm.Script(source, { cachedData: new DataView(buffer, byteOffset, byteLength) })
        return [await script.runInThisContext(), script.cachedDataRejected]
      },
    ],
    [
      'produceCachedData',
      async (vm) => {
        const script = new vm.Script('1 + 2', { produceCachedData: true })
        const result = await script.runInThisContext()
        return [result, script.cachedDataProduced, Buffer.isBuffer(script.cachedData)]
      },
    ],
    [
      'no cachedDataRejected without a code cache',
      async (vm) => {
        const script = new vm.Script('1')
        await script.runInThisContext()
        return script.cachedDataRejected
      },
    ],
  ]
  table(rows)
})

describe('time-outs', () => {
  const rows: Row[] = [
    ['a loop', async (vm) => caught(() => vm.runInNewContext('for (;;);', {}, { timeout: 20 }))],
    ['a loop of the shared context', async (vm) => caught(() => vm.runInThisContext('for (;;);', { timeout: 20 }))],
    [
      'a script’s loop',
      async (vm) => {
        const context = { n: 0 }
        await vm.createContext(context)
        const script = new vm.Script('n++; while (true) {}')
        return [await caught(() => script.runInContext(context, { timeout: 20 })), context, await vm.runInContext('n', context)]
      },
    ],
    [
      'a loop in a microtask',
      async (vm) =>
        caught(() =>
          vm.runInNewContext('Promise.resolve().then(() => { for (;;); }); 1', {}, { timeout: 20, microtaskMode: 'afterEvaluate' }),
        ),
    ],
    [
      'a loop in a function of the host’s that runs code again',
      async (vm) => {
        const outer: Bag = { inner: () => vm.runInNewContext('for (;;);', {}, { timeout: 20 }) }
        await vm.createContext(outer)
        return caught(() => vm.runInContext('inner()', outer, { timeout: 5_000 }))
      },
    ],
    ['what is quick enough', async (vm) => vm.runInNewContext('1 + 1', {}, { timeout: 1_000 })],
  ]
  table(rows)
})

describe('what is thrown', () => {
  const rows: Row[] = [
    ['errors', async (vm) => caught(() => vm.runInNewContext('throw new RangeError("no")'))],
    ['errors with a code', async (vm) => caught(() => vm.runInNewContext('throw Object.assign(new Error("no"), { code: "E" })'))],
    ['errors of the language', async (vm) => caught(() => vm.runInNewContext('null.x'))],
    ['references to what is not there', async (vm) => caught(() => vm.runInNewContext('nothing'))],
    [
      'values',
      async (vm) => [
        await caught(() => vm.runInNewContext('throw 1')),
        await caught(() => vm.runInNewContext('throw "x"')),
        await caught(() => vm.runInNewContext('throw undefined')),
      ],
    ],
    ['strict mode: an assignment to what is not there', async (vm) => caught(() => vm.runInNewContext('"use strict"; a = 1'))],
    [
      'strict mode: an assignment to what is',
      async (vm) => {
        const context = { a: 1 }
        await vm.runInNewContext('"use strict"; a = 2; var b = 3', context)
        return context
      },
    ],
    [
      'strict mode: deleting',
      async (vm) => {
        const context: Bag = { a: 1 }
        await vm.runInNewContext('"use strict"; delete globalThis.a', context)
        return context
      },
    ],
    [
      'a second let of the same name',
      async (vm) => {
        const context = {}
        await vm.createContext(context)
        await vm.runInContext('let a = 1', context)
        return caught(() => vm.runInContext('let a = 2', context))
      },
    ],
  ]
  table(rows)
})

describe('compileFunction', () => {
  const rows: Row[] = [
    ['a function of the shared context', async (vm) => (await vm.compileFunction('return a + b', ['a', 'b']))(1, 2)],
    ['without parameters', async (vm) => (await vm.compileFunction('return 1'))()],
    [
      'of a context',
      async (vm) => {
        const context: Bag = { factor: 2 }
        await vm.createContext(context)
        const fn = await vm.compileFunction('calls = (globalThis.calls ?? 0) + 1; return factor * n', ['n'], { parsingContext: context })
        const first = await fn(1)
        context['factor'] = 10
        return [first, await fn(1), context['calls']]
      },
    ],
    ['a body that ends with a comment', async (vm) => (await vm.compileFunction('return 1 // one'))()],
    ['rest, default and destructured parameters', async (vm) => (await vm.compileFunction('return arguments.length', ['a', 'b']))(1, 2, 3)],
    [
      'a name, lines and columns',
      async (vm) => [
        await placeOf(async () =>
          (await vm.compileFunction('throw new Error("x")', ['a', 'b'], { filename: 'body.js', lineOffset: 3, columnOffset: 5 }))(),
        ),
        await placeOf(async () => (await vm.compileFunction('\nthrow new Error("x")', [], { filename: 'body.js' }))()),
      ],
    ],
    [
      'a code cache',
      async (vm) => {
        const options = { produceCachedData: true }
        const made = await vm.compileFunction('return 42', [], options)
        const { cachedData } = made
        const fits = await vm.compileFunction('return 42', [], cachedData === undefined ? {} : { cachedData })
        const foreign = await vm.compileFunction('return 4200000', [], { cachedData: Buffer.from('garbage') })
        return [made.cachedDataProduced, fits.cachedDataRejected, foreign.cachedDataRejected, await fits(), await foreign()]
      },
    ],
  ]
  table(rows)
})

describe('what is different across processes', () => {
  const inVm = async (test: (own: ReturnType<typeof createVm>) => Promise<void>): Promise<void> => {
    await using daemon = await testDaemon()
    await using box = await connect({ socket: daemon.socket })
    await test(createVm(box))
  }

  test('a run that gives a promise resolves with what it settles to, within its deadline', () =>
    inVm(async (own) => {
      const context: Bag = {}
      await own.createContext(context)
      expect(await own.runInContext('(async () => { await 0; later = 1; return { n: 2 } })()', context)).toEqual({ n: 2 })
      expect(context['later']).toBe(1)
      const error = await rejection(own.runInContext('new Promise(() => {})', context, { timeout: 50 }))
      expect(error).toMatchObject({ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT', message: 'Script execution timed out after 50ms' })
    }))

  test('runs in one context come one after the other', () =>
    inVm(async (own) => {
      const context: Bag = { log: [] }
      await own.createContext(context)
      const runs = [1, 2, 3].map((n) => own.runInContext(`Promise.resolve().then(() => { log.push(${n}); return ${n} })`, context))
      expect(await Promise.all(runs)).toEqual([1, 2, 3])
      expect(context['log']).toEqual([1, 2, 3])
    }))

  test('an asynchronous host function may run code in the context that called it', () =>
    inVm(async (own) => {
      const context: Bag = { n: 1, again: async () => own.runInContext('n += 1; n', context) }
      await own.createContext(context)
      expect(await own.runInContext('again().then((seen) => [seen, n, n += 10])', context)).toEqual([2, 2, 12])
      expect(context['n']).toBe(12)
    }))

  test('what both sides change in one run is as the guest has it, and what one changes is as that has it', () =>
    inVm(async (own) => {
      const object: Bag = { mine: 0, ours: 0, yours: 0 }
      const context: Bag = {
        n: 0,
        object,
        meanwhile() {
          context['n'] = 'host'
          Object.assign(object, { mine: 'host', ours: 'host' })
        },
      }
      await own.createContext(context)
      const seen = await own.runInContext(
        'meanwhile(); const seen = object.mine; n = "guest"; object.ours = object.yours = "guest"; seen',
        context,
      )
      expect(seen).toBe(0)
      expect(context['n']).toBe('guest')
      expect(object).toEqual({ mine: 'host', ours: 'guest', yours: 'guest' })
      expect(await own.runInContext('object.mine', context)).toBe('host')
    }))

  test('a run may wait for a function of its own that the host calls later', () =>
    inVm(async (own) => {
      const context: Bag = { after: (fn: () => unknown) => void setTimeout(fn, 5), n: 1 }
      await own.createContext(context)
      const code = 'new Promise((resolve) => after(() => { n += 1; resolve(n) })).then((seen) => [seen, n])'
      expect(await own.runInContext(code, context)).toEqual([2, 2])
      expect(context['n']).toBe(2)
    }))

  test('the shared context is made anew once its worker is gone', () =>
    inVm(async (own) => {
      await own.runInThisContext('globalThis.a = 1')
      // More than its heap holds.
      const death = await rejection(
        own.runInThisContext('const chunks = []; for (;;) chunks.push(new Array(1e6).fill(chunks.length))', { timeout: 20_000 }),
      )
      expect(death).toMatchObject({ name: expect.stringMatching(/Error$/) as string })
      expect(await own.runInThisContext('typeof a')).toBe('undefined')
    }))

  test('createContext need not be awaited before the first run', () =>
    inVm(async (own) => {
      const context: Bag = { a: 1 }
      void own.createContext(context)
      expect(own.isContext(context)).toBe(true)
      expect(await own.runInContext('a + 1', context)).toBe(2)
    }))

  test('a context that was disposed is none', () =>
    inVm(async (own) => {
      const context: Bag = { a: 1 }
      await own.createContext(context)
      await own.dispose(context)
      expect(own.isContext(context)).toBe(false)
      expect(context).toEqual({ a: 1 })
    }))

  test('nothing of this process is in the shared context', () =>
    inVm(async (own) => {
      expect(await own.runInThisContext('typeof process + typeof require')).toBe('undefinedundefined')
      expect(nodeVm.runInThisContext('typeof process')).toBe('object')
    }))

  test('what there is not across processes is refused', () =>
    inVm(async (own) => {
      const code = 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'
      expect(await rejection(own.createContext({}, { codeGeneration: { strings: false } }))).toMatchObject({ code })
      expect(await rejection(own.runInNewContext('1', {}, { contextCodeGeneration: { wasm: false } }))).toMatchObject({ code })
      expect(await rejection(own.compileFunction('', [], { contextExtensions: [{}] }))).toMatchObject({ code })
      expect(() => new own.Script('1', { importModuleDynamically: own.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER })).toThrow(
        'USE_MAIN_CONTEXT_DEFAULT_LOADER',
      )
    }))

  // Node aborts.
  test.each(['a-b', 'a) { } evil(), function (', '', '1', 'a\\u0062', '𝒜', '...a', 'a = 1', '[a]'])(
    'the parameter %s is a SyntaxError',
    (name) =>
      inVm(async (own) => {
        expect(await rejection(own.compileFunction('', [name]))).toMatchObject({
          name: 'SyntaxError',
          message: `Invalid parameter name ${JSON.stringify(name)}`,
        })
      }),
  )

  test('the default export has what the named ones are', async () => {
    const named: object = await import('glovebox/vm')
    for (const [name, value] of Object.entries(vm)) expect(named).toHaveProperty(name, value)
  })
})
