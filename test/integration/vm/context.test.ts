import { inspect } from 'node:util'
import { describe } from 'vitest'
import { caught, type Row, type Subject, table } from '../../support/vm-table.ts'

type Bag = Record<PropertyKey, unknown>

/** A context of these globals, and code that runs in it. */
async function contextOf<Given extends object>(vm: Subject, globals: Given): Promise<[Given & Bag, (code: string) => Promise<unknown>]> {
  const context = (await vm.createContext(globals)) as Given & Bag
  return [context, async (code) => vm.runInContext(code, context)]
}

const keysAndValues = (object: object): unknown => Object.entries(object)

describe('what runs in a context', () => {
  const rows: Row[] = [
    [
      'the documentation’s first example: globals go in and come back',
      async (vm) => {
        const [context, run] = await contextOf(vm, { x: 2 })
        await run('x += 40; var y = 17;')
        return [context.x, context['y']]
      },
    ],
    [
      'the documentation’s example of a script that runs often',
      async (vm) => {
        const context = { animal: 'cat', count: 2 }
        const script = new vm.Script('count += 1; name = "kitty";')
        await vm.createContext(context)
        for (let i = 0; i < 10; ++i) await script.runInContext(context)
        return context
      },
    ],
    [
      'the documentation’s example of many contexts',
      async (vm) => {
        const script = new vm.Script('globalVar = "set"')
        const contexts = [{}, {}, {}]
        for (const context of contexts) await script.runInNewContext(context)
        return contexts
      },
    ],
    [
      'the documentation’s example of runInContext in a loop',
      async (vm) => {
        const context = { globalVar: 1 }
        await vm.createContext(context)
        for (let i = 0; i < 10; ++i) await vm.runInContext('globalVar *= 2;', context)
        return context
      },
    ],
    [
      'the documentation’s example of runInNewContext',
      async (vm) => {
        const contextObject = { animal: 'cat', count: 2 }
        await vm.runInNewContext('count += 1; name = "kitty"', contextObject)
        return contextObject
      },
    ],
    [
      'the documentation’s example of a context with a window',
      async (vm) => {
        const [context, run] = await contextOf(vm, {})
        await run('globalThis.foo = 1; const bar = 2; let baz = 3')
        return [context['foo'], context['bar'], await run('bar + baz'), Object.keys(context)]
      },
    ],
    ['a result', async (vm) => (await contextOf(vm, {}))[1]('1 + 1')],
    ['no result', async (vm) => (await contextOf(vm, {}))[1]('var a = 1')],
    ['a string object as code', async (vm) => vm.runInNewContext(new String('1 + 2'))],
    [
      'what is no string as code',
      async (vm) => [await vm.runInNewContext(17), await vm.runInNewContext(null), await vm.runInNewContext(undefined)],
    ],
    ['an object that cannot be a string', async (vm) => caught(() => vm.runInNewContext(Symbol('s')))],
    ['code with a byte order mark', async (vm) => vm.runInNewContext('\ufeff1 + 1')],
    ['code with a hashbang', async (vm) => vm.runInNewContext('#!/usr/bin/env node\n1 + 1')],
    ['code with NUL in a string', async (vm) => vm.runInNewContext('"\0".length')],
    ['NUL in code', async (vm) => caught(() => vm.runInNewContext('1 \0 2'))],
    ['code with lone surrogates', async (vm) => vm.runInNewContext('"\ud800".charCodeAt(0)')],
    ['HTML-like comments', async (vm) => vm.runInNewContext('1 <!-- 2')],
    ['empty code', async (vm) => vm.runInNewContext('')],
    ['a context without an object', async (vm) => typeof (await vm.createContext())],
    [
      'createContext gives the object back',
      async (vm) => {
        const object = {}
        return [(await vm.createContext(object)) === object, (await vm.createContext(object)) === object]
      },
    ],
    [
      'isContext',
      async (vm) => {
        const object = {}
        const before = vm.isContext(object)
        await vm.createContext(object)
        return [before, vm.isContext(object), vm.isContext([])]
      },
    ],
    [
      'an array as a context',
      async (vm) => {
        const array = [1, 2]
        await vm.createContext(array)
        await vm.runInContext('globalThis.b = globalThis[0] + globalThis[1]', array)
        return [array, (array as unknown as Bag)['b']]
      },
    ],
  ]
  table(rows)
})

describe('globals that come back', () => {
  const rows: Row[] = [
    [
      'added ones: var, function, assignment, property',
      async (vm) => {
        const [context, run] = await contextOf(vm, {})
        await run('var a = 1; b = 2; globalThis.c = 3; this.d = 4; function e() {}')
        return [Object.keys(context).sort(), context['a'], context['b'], context['c'], context['d'], typeof context['e']]
      },
    ],
    [
      'let, const and class stay in the scope',
      async (vm) => {
        const [context, run] = await contextOf(vm, {})
        await run('let a = 1; const b = 2; class C {}')
        return [Object.keys(context), await run('[a, b, typeof C].join()')]
      },
    ],
    [
      'changed and deleted ones',
      async (vm) => {
        const [context, run] = await contextOf(vm, { a: 1, b: 2, c: 3 })
        await run('a = 10; delete globalThis.b')
        return keysAndValues(context)
      },
    ],
    [
      'one that was deleted comes anew',
      async (vm) => {
        const [context, run] = await contextOf(vm, { a: 1 })
        await run('delete globalThis.a')
        const gone = 'a' in context
        await run('a = 2')
        return [gone, context.a]
      },
    ],
    [
      'what the host changes between runs',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, { a: 1, b: 2 })
        await run('var c = 3')
        context['a'] = 'changed'
        delete context['b']
        context['d'] = 4
        context['c'] = 5
        return [await run('[a, typeof b, c, d].join()'), keysAndValues(context)]
      },
    ],
    [
      'a var that the host deletes',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('var a = 1')
        delete context['a']
        const seen = await run('typeof a')
        await run('1')
        return [seen, Object.keys(context)]
      },
      ['undefined', []],
    ],
    [
      'values of all kinds',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run(
          'var a = undefined, b = null, c = -0, d = NaN, e = 10n, f = "ä€😀", g = [1, [2]], h = { i: { j: 1 } }, k = Symbol.for("s"), l = Symbol.iterator',
        )
        return inspect(context)
      },
    ],
    [
      'hidden ones',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('Object.defineProperty(globalThis, "a", { value: 1, writable: true, configurable: true })')
        return [Object.keys(context), context['a'], Object.getOwnPropertyDescriptor(context, 'a')?.enumerable]
      },
    ],
    [
      'read-only ones',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('Object.defineProperty(globalThis, "a", { value: 1, enumerable: true, configurable: true })')
        return [context['a'], Object.getOwnPropertyDescriptor(context, 'a')?.writable]
      },
    ],
    [
      'the host’s hidden and read-only ones',
      async (vm) => {
        const object = Object.defineProperties({}, { hidden: { value: 1 }, shown: { value: 2, enumerable: true } })
        const [, run] = await contextOf(vm, object)
        return [
          await run('hidden + shown'),
          await run('Object.keys(globalThis).join()'),
          await run('shown = 3; shown'),
          await caught(() => run('"use strict"; shown = 3')),
        ]
      },
      [3, 'shown', 2, { name: 'TypeError', message: "Cannot assign to read only property 'shown' of object '#<Object>'" }],
    ],
    [
      'keys that are symbols',
      async (vm) => {
        const own = Symbol('own')
        const [context, run] = await contextOf<Bag>(vm, { [Symbol.for('a')]: 1, [own]: 2 })
        await run(
          'globalThis[Symbol.for("b")] = globalThis[Symbol.for("a")] + 1; for (const key of Object.getOwnPropertySymbols(globalThis)) if (key.description === "own") globalThis[key]++',
        )
        return [context[Symbol.for('b')], context[own]]
      },
      [2, 3],
    ],
    [
      'keys that are indices',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, { 0: 'a' })
        await run('globalThis[1] = globalThis[0] + "b"')
        return keysAndValues(context)
      },
    ],
    [
      'keys such as __proto__ and constructor',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run(
          'Object.defineProperty(globalThis, "__proto__", { value: 1, enumerable: true, configurable: true, writable: true }); constructor = 2; toString = 3',
        )
        return [
          Object.hasOwn(context, '__proto__'),
          context['constructor'],
          context['toString'],
          Object.getPrototypeOf(context) === Object.prototype,
        ]
      },
    ],
    [
      'built-ins that the guest replaces',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('Array = 1; Math.own = 2')
        return [keysAndValues(context), await run('Math.own')]
      },
    ],
    [
      'built-ins that the host replaces and gives back',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, { Array: 1 })
        const replaced = await run('typeof Array')
        delete context['Array']
        return [replaced, await run('typeof Array')]
      },
    ],
    [
      'built-ins do not come back',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('[typeof Array, typeof Map, typeof JSON, typeof WebAssembly]')
        return Reflect.ownKeys(context)
      },
    ],
    [
      'in the order in which they were made',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, { z: 1, y: 2 })
        await run('x = 3; w = 4')
        return Object.keys(context)
      },
    ],
    [
      'when the run throws',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        return [await caught(() => run('a = 1; throw new TypeError("x"); b = 2')), keysAndValues(context)]
      },
    ],
    [
      'when the run times out',
      async (vm) => {
        const context: Bag = {}
        await vm.createContext(context)
        return [
          await caught(() => vm.runInContext('a = 1; for (;;);', context, { timeout: 20 })),
          keysAndValues(context),
          await vm.runInContext('a + 1', context),
        ]
      },
    ],
    [
      'when a source does not parse',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, { a: 1 })
        context['b'] = 2
        return [await caught(() => run('a = 2; (')), keysAndValues(context), await run('b')]
      },
    ],
    [
      'nothing of one context is in another',
      async (vm) => {
        const [one, runOne] = await contextOf<Bag>(vm, {})
        const [two, runTwo] = await contextOf<Bag>(vm, {})
        await runOne('var a = 1; Array.prototype.own = 1')
        return [one['a'], two['a'], await runTwo('typeof a + typeof [].own')]
      },
    ],
    [
      'globalThis is the object',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        const global = (await run('globalThis.a = 1; globalThis')) as Bag
        return [global['a'], context['a']]
      },
    ],
  ]
  table(rows)
})
