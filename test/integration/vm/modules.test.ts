import { connect } from 'glovebox'
import { createVm, type Vm } from 'glovebox/vm'
import nodeVm from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../../support/daemons.ts'
import { rejection } from '../../support/eventually.ts'

type Bag = Record<PropertyKey, unknown>

let daemon: TestDaemon
let vm: Vm
let dispose: () => Promise<void>
beforeAll(async () => {
  daemon = await testDaemon()
  const box = await connect({ socket: daemon.socket })
  vm = createVm(box)
  dispose = () => box.dispose()
})
afterAll(async () => {
  await dispose()
  await daemon[Symbol.asyncDispose]()
})

const nothing = (): never => {
  throw new Error('not called')
}

// node:vm has modules behind a flag only: what is expected here was seen there.
describe('SourceTextModule', () => {
  test('the documentation’s example: a linker, a synthetic module and the context', async () => {
    const contextified = await vm.createContext<Bag>({ secret: 42, print: (value: unknown) => void printed.push(value) })
    const printed: unknown[] = []
    const bar = new vm.SourceTextModule("import s from 'foo'; s; print(s)", { context: contextified })
    await bar.link((specifier, referencingModule) => {
      expect(specifier).toBe('foo')
      return new vm.SourceTextModule('export default secret', { context: referencingModule.context as object })
    })
    await bar.evaluate()
    expect(printed).toEqual([42])
  })

  test('its life', async () => {
    const module = new vm.SourceTextModule('export const a = 1; export default function twice(n) { return 2 * n }; globalThis.left = a')
    expect(module.status).toBe('unlinked')
    expect(module.identifier).toMatch(/^vm:module\(\d+\)$/)
    expect(module.context).toBeUndefined()
    expect(() => module.namespace).toThrow('Module status must not be unlinked or linking')
    expect(() => module.error).toThrow('Module status must be errored')
    expect(await rejection(module.evaluate())).toMatchObject({
      code: 'ERR_VM_MODULE_STATUS',
      message: 'Module status must be one of linked, evaluated, or errored',
    })
    const linking = module.link(nothing)
    expect(module.status).toBe('linking')
    await linking
    expect(module.status).toBe('linked')
    expect(await rejection(module.link(nothing))).toMatchObject({
      code: 'ERR_VM_MODULE_ALREADY_LINKED',
      message: 'Module has already been linked',
    })
    const evaluating = module.evaluate()
    expect(module.status).toBe('evaluating')
    expect(await evaluating).toBeUndefined()
    expect(module.status).toBe('evaluated')
    expect(await module.evaluate()).toBeUndefined()
    const namespace = module.namespace as { a: number; default: (n: number) => Promise<number> }
    expect(Object.keys(namespace)).toEqual(['a', 'default'])
    expect(namespace.a).toBe(1)
    expect(await namespace.default(21)).toBe(42)
    expect(Object.prototype.toString.call(namespace)).toBe('[object Module]')
    expect(await vm.runInThisContext('left')).toBe(1)
    expect(await rejection(module.createCachedData())).toMatchObject({ code: 'ERR_VM_MODULE_CANNOT_CREATE_CACHED_DATA' })
  })

  test('globals are kept in step', async () => {
    const context = await vm.createContext<Bag>({ n: 1 })
    const module = new vm.SourceTextModule('n += 1; globalThis.own = { n }', { context })
    await module.link(nothing)
    context['n'] = 41
    await module.evaluate()
    expect(context).toEqual({ n: 42, own: { n: 42 } })
  })

  test('what it imports', async () => {
    const source = "import a from 'a'; import * as b from 'b' with { type: 'json' }; export { c } from 'a'; import('d')"
    const module = new vm.SourceTextModule(source)
    expect(() => module.moduleRequests).toThrow('Module status must be parsed')
    await module.parsed
    expect(module.dependencySpecifiers).toEqual(['a', 'b', 'a'].slice(0, module.dependencySpecifiers.length))
    expect(module.moduleRequests.find(({ specifier }) => specifier === 'b')).toEqual({
      specifier: 'b',
      attributes: { type: 'json' },
      phase: 'evaluation',
    })
  })

  test('each module has its own names for others, and cycles work', async () => {
    const context = await vm.createContext<Bag>({ log: [] })
    const make = (source: string, identifier: string) => new vm.SourceTextModule(source, { context, identifier })
    const one = make("import { name } from 'lib'; import { two } from 'two'; export const one = () => 'one'; log.push(name, two())", 'one')
    const two = make("import { name } from 'lib'; import { one } from 'one'; export const two = () => name + one()", 'two')
    const libs = new Map([
      [one, make("export const name = 'lib of one'", 'lib1')],
      [two, make("export const name = 'lib of two'", 'lib2')],
    ])
    await one.link((specifier, from) => (specifier === 'lib' ? (libs.get(from) as typeof one) : specifier === 'one' ? one : two))
    expect([one.status, two.status]).toEqual(['linked', 'linked'])
    await one.evaluate()
    expect(context['log']).toEqual(['lib of one', 'lib of twoone'])
    expect([one.status, two.status]).toEqual(['evaluated', 'evaluated'])
  })

  test('linkRequests and instantiate', async () => {
    const context = await vm.createContext<Bag>({})
    const a = new vm.SourceTextModule("import { b } from 'b'; globalThis.seen = b + 1", { context })
    const b = new vm.SourceTextModule('export const b = 41', { context })
    expect(await rejection(a.linkRequests([]))).toMatchObject({ code: 'ERR_MODULE_LINK_MISMATCH', message: 'Expected 1 modules, got 0' })
    expect(await rejection(a.instantiate())).toMatchObject({ code: 'ERR_VM_MODULE_LINK_FAILURE' })
    await a.linkRequests([b])
    await a.instantiate()
    expect(a.status).toBe('linked')
    await a.evaluate()
    expect(context['seen']).toBe(42)
    expect((b.namespace as Bag)['b']).toBe(41)
  })

  test('import.meta is as the callback fills it, and empty without', async () => {
    const context = await vm.createContext<Bag>({})
    const module = new vm.SourceTextModule('globalThis.meta = { ...import.meta }', {
      context,
      initializeImportMeta(meta, own) {
        meta['prop'] = own.identifier
      },
      identifier: 'with meta',
    })
    await module.link(nothing)
    await module.evaluate()
    expect(context['meta']).toEqual({ prop: 'with meta' })
    const plain = new vm.SourceTextModule('globalThis.meta = { ...import.meta }', { context })
    await plain.link(nothing)
    await plain.evaluate()
    expect(context['meta']).toEqual({})
  })

  test('top-level await, within the deadline', async () => {
    const context = await vm.createContext<Bag>({})
    const module = new vm.SourceTextModule('globalThis.late = await Promise.resolve(1)', { context })
    await module.link(nothing)
    await module.evaluate()
    expect(context['late']).toBe(1)
    const never = new vm.SourceTextModule('globalThis.begun = 1; for (;;);', { context })
    await never.link(nothing)
    expect(await rejection(never.evaluate({ timeout: 50 }))).toMatchObject({
      code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
      message: 'Script execution timed out after 50ms',
    })
    expect(context['begun']).toBe(1)
  })

  test('what it throws names its identifier', async () => {
    const module = new vm.SourceTextModule("\n  throw new RangeError('no')", { identifier: 'plugin.mjs' })
    await module.link(nothing)
    const error = (await rejection(module.evaluate())) as Error
    expect(error).toMatchObject({ name: 'RangeError', message: 'no' })
    expect(error.stack).toContain('plugin.mjs:2:9')
    expect(module.status).toBe('errored')
    expect(module.error).toBe(error)
    expect(await rejection(module.evaluate())).toBe(error)
  })

  test('a source that does not parse', async () => {
    const module = new vm.SourceTextModule('import {', { identifier: 'bad.mjs' })
    expect(await rejection(module.parsed)).toMatchObject({ name: 'SyntaxError' })
    expect(await rejection(module.link(nothing))).toMatchObject({ name: 'SyntaxError' })
    expect(module.status).toBe('errored')
  })

  test('linkers that give something else', async () => {
    const context = await vm.createContext<Bag>({})
    const make = (): InstanceType<Vm['SourceTextModule']> => new vm.SourceTextModule("import 'x'", { context })
    expect(await rejection(make().link((() => ({})) as never))).toMatchObject({
      code: 'ERR_VM_MODULE_NOT_MODULE',
      message: 'Provided module is not an instance of Module',
    })
    expect(await rejection(make().link(() => new vm.SourceTextModule('')))).toMatchObject({
      code: 'ERR_VM_MODULE_DIFFERENT_CONTEXT',
      message: 'Linked modules must use the same context',
    })
    const broken = new vm.SourceTextModule('(', { context })
    await rejection(broken.link(nothing))
    expect(await rejection(make().link(() => broken))).toMatchObject({
      code: 'ERR_VM_MODULE_LINK_FAILURE',
      message: "request for 'x' resolved to an errored module",
    })
    expect(await rejection(make().link(() => Promise.reject(new Error('mine'))))).toMatchObject({ message: 'mine' })
    expect(await rejection(make().link('x' as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  })

  test('an import of a name that is not exported shows when it is evaluated', async () => {
    const context = await vm.createContext<Bag>({})
    const module = new vm.SourceTextModule("import { missing } from 'x'", { context })
    await module.link(() => new vm.SourceTextModule('export const other = 1', { context }))
    expect(await rejection(module.evaluate())).toMatchObject({ name: 'SyntaxError' })
  })

  test.each<[string, () => unknown, string]>([
    [
      'a source that is no text',
      () => new vm.SourceTextModule(1 as never),
      'The "sourceText" argument must be of type string. Received type number (1)',
    ],
    [
      'options that are none',
      () => new vm.SourceTextModule('', 1 as never),
      'The "options" argument must be of type object. Received type number (1)',
    ],
    [
      'an identifier',
      () => new vm.SourceTextModule('', { identifier: 1 as never }),
      'The "options.identifier" property must be of type string. Received type number (1)',
    ],
    [
      'a context',
      () => new vm.SourceTextModule('', { context: {} }),
      'The "options.context" property must be an vm.Context. Received an instance of Object',
    ],
    [
      'a callback',
      () => new vm.SourceTextModule('', { initializeImportMeta: 1 as never }),
      'The "options.initializeImportMeta" property must be of type function. Received type number (1)',
    ],
    [
      'cachedData',
      () => new vm.SourceTextModule('', { cachedData: new Uint8Array(1) }),
      'cachedData of a module is not supported by glovebox/vm',
    ],
    ['lineOffset', () => new vm.SourceTextModule('', { lineOffset: 1 }), 'lineOffset and columnOffset of a module is not supported'],
  ])('%s is refused', (_what, make, message) => {
    expect(make).toThrow(message)
  })

  test('a code cache', async () => {
    const module = new vm.SourceTextModule('export const a = 1')
    expect((await module.createCachedData()).length).toBeGreaterThan(0)
  })
})

describe('SyntheticModule', () => {
  test('exports what this process sets, also later', async () => {
    const context = await vm.createContext<Bag>({ log: [] })
    const data = new vm.SyntheticModule(
      ['default', 'n', 'a name'],
      function () {
        void this.setExport('default', { hello: 'world' })
        void this.setExport('n', 1)
      },
      { context, identifier: 'data' },
    )
    expect(data.status).toBe('linked')
    const user = new vm.SourceTextModule(
      "import data, { n, 'a name' as other } from 'data'; log.push(data.hello, n, other); globalThis.now = () => n",
      { context },
    )
    await user.link(() => data)
    await user.evaluate()
    expect(context['log']).toEqual(['world', 1, undefined])
    expect(data.status).toBe('evaluated')
    expect((data.namespace as Bag)['n']).toBe(1)
    await data.setExport('n', 2)
    expect(await (context['now'] as () => Promise<unknown>)()).toBe(2)
    expect(await rejection(data.setExport('none', 1))).toMatchObject({
      name: 'ReferenceError',
      message: "Export 'none' is not defined in module",
    })
  })

  test('a callback that throws', async () => {
    const module = new vm.SyntheticModule([], () => {
      throw new RangeError('mine')
    })
    expect(await rejection(module.evaluate())).toMatchObject({ name: 'RangeError', message: 'mine' })
    expect(module.status).toBe('errored')
  })

  test.each<[string, () => unknown, string]>([
    [
      'names',
      () => new vm.SyntheticModule('a' as never, nothing),
      'The "exportNames" argument must be an instance of Array of unique strings',
    ],
    [
      'names that are no texts',
      () => new vm.SyntheticModule([1] as never, nothing),
      'The "exportNames" argument must be an instance of Array of unique strings',
    ],
    ['names twice', () => new vm.SyntheticModule(['x', 'x'], nothing), "The property 'exportNames.x' is duplicated. Received 'x'"],
    [
      'a callback',
      () => new vm.SyntheticModule([], 1 as never),
      'The "evaluateCallback" argument must be of type function. Received type number (1)',
    ],
  ])('%s are refused', (_what, make, message) => {
    expect(make).toThrow(message)
  })
})

describe('importModuleDynamically', () => {
  test('of scripts, modules, functions and contexts', async () => {
    const context = await vm.createContext<Bag>({})
    const found = new vm.SourceTextModule('export const answer = 42', { context, identifier: 'found' })
    await found.link(nothing)
    await found.evaluate()
    const asked: unknown[] = []
    const importModuleDynamically = (specifier: string, referrer: unknown, attributes: object): unknown => {
      asked.push([specifier, referrer, attributes])
      return found
    }
    const script = new vm.Script("import('from script').then((m) => m.answer)", { filename: 'script.js', importModuleDynamically })
    expect(await script.runInContext(context)).toBe(42)
    expect(
      await vm.runInContext("import('from code', { with: { type: 'json' } }).then((m) => m.answer)", context, {
        filename: 'code.js',
        importModuleDynamically,
      }),
    ).toBe(42)
    const module = new vm.SourceTextModule("globalThis.seen = (await import('from module')).answer", { context, importModuleDynamically })
    await module.link(nothing)
    await module.evaluate()
    expect(context['seen']).toBe(42)
    expect(asked).toEqual([
      ['from script', script, {}],
      ['from code', expect.any(vm.Script), { type: 'json' }],
      ['from module', module, {}],
    ])
  })

  test('the namespace of a module will do, anything else will not', async () => {
    const context = await vm.createContext<Bag>({})
    const found = new vm.SourceTextModule('export const answer = 42', { context })
    await found.link(nothing)
    await found.evaluate()
    const run = (gives: () => unknown, filename: string): Promise<unknown> =>
      vm.runInContext("import('x').then((m) => m.answer)", context, { filename, importModuleDynamically: gives })
    expect(await run(() => found.namespace, 'a.js')).toBe(42)
    expect(await rejection(run(() => ({}), 'b.js'))).toMatchObject({ code: 'ERR_VM_MODULE_NOT_MODULE' })
    expect(await rejection(run(() => new vm.SourceTextModule('', { context }), 'c.js'))).toMatchObject({ code: 'ERR_VM_MODULE_STATUS' })
  })

  test('a context has one for all its scripts', async () => {
    const other: { found?: unknown } = {}
    const context = await vm.createContext<Bag>({}, { importModuleDynamically: () => other.found })
    const found = new vm.SourceTextModule('export const answer = 42', { context })
    await found.link(nothing)
    other.found = found
    expect(await vm.runInContext("import('x').then((m) => m.answer)", context)).toBe(42)
  })

  test('without one import() rejects', async () => {
    const error = await rejection(vm.runInNewContext("import('x')"))
    expect(error).toMatchObject({ name: 'TypeError' })
  })
})

test('measureMemory checks its arguments', async () => {
  expect(await rejection(vm.measureMemory({ mode: 'all' as never }))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
  expect(await rejection(vm.measureMemory({ execution: 'now' as never }))).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
  expect(await rejection(vm.measureMemory(1 as never))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
})

test('measureMemory tells what workers use, in the shape of node:vm', async () => {
  const few = await vm.createContext<Bag>({})
  // The first collection leaves what the second takes.
  await vm.measureMemory()
  const before = await vm.measureMemory()
  await vm.runInContext('var held = ((kept) => () => kept.length)(new Array(3_000_000).fill(1.5))', few)
  const [after, again, detailed] = await Promise.all([
    vm.measureMemory(),
    vm.measureMemory({ execution: 'eager' }),
    vm.measureMemory({ mode: 'detailed' }),
  ])
  expect(after.total.jsMemoryEstimate - before.total.jsMemoryEstimate).toBeGreaterThan(10_000_000)
  expect(again.total.jsMemoryRange[0]).toBeLessThanOrEqual(again.total.jsMemoryRange[1])
  const own = await nodeVm.measureMemory({ mode: 'detailed', execution: 'eager' })
  const shape = (value: object): unknown =>
    Array.isArray(value)
      ? 'array'
      : Object.fromEntries(
          Object.entries(value).map(([key, each]) => [key, typeof each === 'object' ? shape(each as object) : typeof each]),
        )
  expect(shape(detailed)).toEqual(shape(own))
  expect(shape(before)).toEqual(shape(await nodeVm.measureMemory({ execution: 'eager' })))
})
