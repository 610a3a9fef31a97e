import { describe } from 'vitest'
import { caught, type Row, type Subject, table } from '../../support/vm-table.ts'

type Bag = Record<PropertyKey, unknown>

/** A context of these globals, and code that runs in it. */
async function contextOf<Given extends object>(vm: Subject, globals: Given): Promise<[Given & Bag, (code: string) => Promise<unknown>]> {
  const context = (await vm.createContext(globals)) as Given & Bag
  return [context, async (code) => vm.runInContext(code, context)]
}

describe('objects that both sides have', () => {
  const rows: Row[] = [
    [
      'one that the guest changes is changed in place',
      async (vm) => {
        const object = { a: 1, deep: { list: [1, 2] } }
        const [context, run] = await contextOf(vm, { object })
        await run('object.a = 2; object.deep.list.push(3); object.deep.own = {}; delete object.gone')
        return [context.object === object, object]
      },
    ],
    [
      'one that the guest replaces stays as it was',
      async (vm) => {
        const object = { a: 1 }
        const [context, run] = await contextOf(vm, { object })
        await run('object = { a: 2 }')
        return [context.object === object, object, context.object]
      },
    ],
    [
      'one that the host changes is changed in place',
      async (vm) => {
        const object: Bag = { a: 1, list: [1, 2, 3], gone: true }
        const [, run] = await contextOf(vm, { object })
        await run('const saved = object, list = object.list')
        object['a'] = 2
        delete object['gone']
        ;(object['list'] as unknown[]).splice(1, 2, 'x')
        return run('[saved === object, list === object.list, JSON.stringify(saved)].join()')
      },
    ],
    [
      'one that the guest kept comes back as itself',
      async (vm) => {
        const object = { a: 1 }
        const [context, run] = await contextOf<Bag>(vm, { object })
        await run('let saved = object; delete globalThis.object; saved.a = 2')
        await run('1')
        await run('var again = { saved }')
        return [(context['again'] as Bag)['saved'] === object, object]
      },
    ],
    [
      'identity within, and with the result',
      async (vm) => {
        const shared = { n: 1 }
        const [context, run] = await contextOf<Bag>(vm, { a: shared, b: [shared], c: new Map([['k', shared]]) })
        const same = await run('a === b[0] && a === c.get("k")')
        const result = await run('a.n++; b[0]')
        return [same, result === shared, context['a'] === shared, shared]
      },
    ],
    [
      'a new one is one on both sides',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        const made = await run('var one = { n: 1 }; var two = [one]; one')
        const known = made === context['one'] && (context['two'] as unknown[])[0] === made
        ;(made as Bag)['n'] = 2
        return [known, await run('one.n + two[0].n')]
      },
    ],
    [
      'a result that becomes a global later',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        const made = await run('let hidden = { n: 1 }; hidden')
        await run('var shown = hidden; hidden.n = 2')
        return [context['shown'] === made, made]
      },
    ],
    [
      'cycles',
      async (vm) => {
        const cycle: Bag = { list: [] }
        cycle['self'] = cycle
        ;(cycle['list'] as unknown[]).push(cycle)
        const [context, run] = await contextOf<Bag>(vm, { cycle })
        const seen = await run('cycle.self === cycle && cycle.list[0] === cycle && (globalThis.own = globalThis) && true')
        return [seen, Object.keys(context)]
      },
    ],
    [
      'arrays: holes, length, further properties, sorting',
      async (vm) => {
        const list = [3, 1, 2] as unknown as unknown[] & Bag
        const [context, run] = await contextOf<Bag>(vm, { list })
        await run('list.sort(); var holes = [1, , 3]; var far = []; far[9] = 1; far.length = 20; list.name = "n"; var none = new Array(3)')
        const { holes, far, none } = context as Record<string, unknown[]>
        return [
          list,
          list['name'],
          holes?.length,
          holes !== undefined && 1 in holes,
          far?.length,
          far?.[9],
          none?.length,
          none !== undefined && 0 in none,
        ]
      },
    ],
    [
      'Map and Set, in place',
      async (vm) => {
        const map = new Map<unknown, unknown>([['a', { n: 1 }]])
        const set = new Set<unknown>([1])
        const inner = map.get('a')
        const [context, run] = await contextOf<Bag>(vm, { map, set })
        await run('map.get("a").n = 2; map.set("b", set); set.add(map).delete(1)')
        return [context['map'] === map, map.get('a') === inner, inner, map.get('b') === set, [...set][0] === map, set.size]
      },
    ],
    [
      'a Date, in place',
      async (vm) => {
        const date = new Date(0)
        const [context, run] = await contextOf<Bag>(vm, { date })
        await run('date.setTime(5)')
        return [context['date'] === date, date.getTime()]
      },
    ],
    [
      'bytes, in place',
      async (vm) => {
        const bytes = new Uint8Array(4)
        const [context, run] = await contextOf<Bag>(vm, { bytes })
        await run('bytes[1] = 7; var more = new Float64Array([1.5])')
        bytes[0] = 1
        return [
          context['bytes'] === bytes,
          [...bytes],
          context['more'] instanceof Float64Array || (context['more'] as Float64Array)[0],
          await run('bytes.join()'),
        ]
      },
      [true, [1, 7, 0, 0], true, '1,7,0,0'],
    ],
    [
      'regular expressions, boxed primitives, bigints',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, { given: /a/g })
        await run('var own = /b/i; var boxed = Object(1); var big = 2n ** 70n; var tested = given.test("a")')
        return [String(context['own']), Number(context['boxed']), context['big'], context['tested']]
      },
    ],
    [
      'errors',
      async (vm) => {
        const error = new TypeError('mine')
        const [context, run] = await contextOf<Bag>(vm, { error })
        const said = await run(
          'var own = new RangeError("yours", { cause: error }); error.name + error.message + (error instanceof TypeError)',
        )
        const own = context['own'] as Error
        return [said, own.name, own.message, (own.cause as Error).message, own instanceof RangeError]
      },
      ['TypeErrorminetrue', 'RangeError', 'yours', 'mine', true],
    ],
    [
      'objects without a prototype',
      async (vm) => {
        const bare = Object.assign(Object.create(null) as Bag, { a: 1 })
        const [context, run] = await contextOf<Bag>(vm, { bare })
        const seen = await run('var own = Object.create(null); own.b = 2; Object.getPrototypeOf(bare) === null')
        return [seen, Object.getPrototypeOf(context['own']) === null]
      },
    ],
    [
      'symbols that are not registered',
      async (vm) => {
        const mine = Symbol('mine')
        const [context, run] = await contextOf<Bag>(vm, { mine, object: { [mine]: 1 } })
        const seen = await run('var yours = Symbol("yours"); object[yours] = object[mine] + 1; mine.description')
        const object = context['object'] as Bag
        return [seen, typeof context['yours'], object[context['yours'] as symbol], object[mine], (await run('mine')) === mine]
      },
    ],
    [
      'frozen objects',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, { frozen: Object.freeze({ a: 1 }) })
        return [await run('frozen.a = 2; frozen.a'), await caught(() => run('"use strict"; frozen.a = 2')), (context['frozen'] as Bag)['a']]
      },
      [1, { name: 'TypeError', message: "Cannot assign to read only property 'a' of object '#<Object>'" }, 1],
    ],
    [
      'an instance of a class is a copy, and is not written back to',
      async (vm) => {
        class Point {
          x = 1
          get twice() {
            return this.x * 2
          }
        }
        const point = new Point()
        const [context, run] = await contextOf<Bag>(vm, { point })
        const seen = await run('point.x += 1; typeof point.twice')
        return [seen, point.x, context['point'] === point]
      },
      ['undefined', 1, true],
    ],
    [
      'an instance of a class of the guest’s is data',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('class Point { x = 1; twice() { return 2 * this.x } }; var point = new Point()')
        const point = context['point'] as { x: number; twice?: () => number }
        return [point.x, typeof point.twice]
      },
      [1, 'undefined'],
    ],
    [
      'what cannot cross is passed on, and says what it is',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('var map = new WeakMap(), promise = Promise.resolve(1); var list = [map]')
        const known = await run('list[0] === map')
        context['again'] = context['map']
        return [
          known,
          await run('again === map'),
          (context['list'] as unknown[])[0] === context['map'],
          await caught(() => (context['promise'] as Bag)['catch'] !== undefined),
        ]
      },
      [
        true,
        true,
        true,
        { name: 'TypeError', message: 'this stands for a Promise of the other side, which cannot cross: it can only be passed on' },
      ],
    ],
    [
      'a function named then',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('var thenable = { then(resolve) { resolve(1) }, a: 2 }')
        return [typeof (context['thenable'] as Bag)['then'], (context['thenable'] as Bag)['a']]
      },
      ['object', 2],
    ],
  ]
  table(rows)
})

describe('functions', () => {
  const rows: Row[] = [
    [
      'the host’s are called at once, with values',
      async (vm) => {
        const seen: unknown[] = []
        const [, run] = await contextOf(vm, { log: (...args: unknown[]) => seen.push(...args), add: (a: number, b: number) => a + b })
        return [await run('log(1, "two"); const sum = add(1, 2); log(sum); sum'), seen]
      },
    ],
    [
      'what the host’s throw',
      async (vm) => {
        const [, run] = await contextOf(vm, {
          fail() {
            throw new RangeError('no')
          },
        })
        return run('try { fail() } catch (error) { error.name + error.message }')
      },
    ],
    [
      'the guest’s give promises',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('var n = 1; function add(a) { n += a; return n }')
        const add = context['add'] as (a: number) => unknown
        return [await add(2), context['n'], await run('n')]
      },
    ],
    [
      'the guest’s see what the host has changed',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, { n: 1 })
        await run('function twice() { return 2 * n }')
        context['n'] = 21
        return (context['twice'] as () => unknown)()
      },
    ],
    [
      'the guest’s come home as themselves',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('function f() {}')
        context['g'] = context['f']
        return run('f === g')
      },
    ],
    [
      'the host’s come home as themselves',
      async (vm) => {
        const f = (): void => undefined
        const [context, run] = await contextOf<Bag>(vm, { f })
        await run('var g = f; var list = [f]')
        return [context['g'] === f, (context['list'] as unknown[])[0] === f]
      },
    ],
  ]
  table(rows)
})

describe('accessors', () => {
  const rows: Row[] = [
    [
      'the host’s getter is called each time',
      async (vm) => {
        let calls = 0
        const object = {
          get n() {
            return ++calls
          },
        }
        const [, run] = await contextOf(vm, object)
        return [await run('n + n'), calls]
      },
    ],
    [
      'the host’s setter is called at once',
      async (vm) => {
        const seen: unknown[] = []
        const object = {
          get n() {
            return seen.length
          },
          set n(value: unknown) {
            seen.push(value)
          },
        }
        const [context, run] = await contextOf(vm, object)
        return [await run('n = "a"; n = "b"; n'), seen, context.n]
      },
    ],
    [
      'the host’s getter knows its object',
      async (vm) => {
        const object = {
          a: 1,
          get twice() {
            return this.a * 2
          },
        }
        const [, run] = await contextOf(vm, object)
        return run('twice')
      },
    ],
    [
      'the guest’s getter is data, as it was after the run',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run(
          'var n = 1; Object.defineProperty(globalThis, "twice", { get: () => 2 * n, set(value) { n = value / 2 }, enumerable: true, configurable: true })',
        )
        const before = context['twice']
        await run('n = 5')
        const after = context['twice']
        context['twice'] = 30
        return [before, after, await run('n'), context['twice']]
      },
    ],
    [
      'a getter of an inner object',
      async (vm) => {
        const [, run] = await contextOf<Bag>(vm, {
          inner: {
            get n() {
              return 7
            },
          },
        })
        return run('inner.n')
      },
    ],
    [
      'a getter of the guest’s that throws',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, {})
        await run('Object.defineProperty(globalThis, "bad", { get() { throw new Error("no") }, enumerable: true, configurable: true })')
        return caught(() => (context['bad'] as Bag)['x'])
      },
      {
        name: 'TypeError',
        message: 'this stands for the value of an accessor that throws of the other side, which cannot cross: it can only be passed on',
      },
    ],
  ]
  table(rows)
})

describe('special objects as contexts', () => {
  const rows: Row[] = [
    [
      'inherited properties are seen, and stay where they are',
      async (vm) => {
        const base = { inherited: 1, shadowed: 2 }
        const [context, run] = await contextOf<Bag>(vm, Object.assign(Object.create(base) as Bag, { shadowed: 3 }))
        const seen = await run('[inherited, shadowed].join()')
        await run('inherited = 5')
        return [seen, base, Object.entries(context)]
      },
    ],
    [
      'an instance of a class',
      async (vm) => {
        class Sandbox {
          a = 1
          greet(): string {
            return 'hello'
          }
        }
        const [context, run] = await contextOf(vm, new Sandbox())
        return [await run('a++; greet()'), context.a]
      },
    ],
    [
      'an object without a prototype',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, Object.assign(Object.create(null) as Bag, { a: 1 }))
        await run('a++; b = 1')
        return Object.entries(context)
      },
    ],
    [
      'a frozen object keeps what it is',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, Object.freeze({ a: 1 }))
        await run('a = 2; globalThis.b = 3')
        return [Object.entries(context), await run('a')]
      },
    ],
    [
      'a sealed object',
      async (vm) => {
        const [context, run] = await contextOf<Bag>(vm, Object.seal({ a: 1 }))
        await run('a = 2; globalThis.b = 3')
        return Object.entries(context)
      },
    ],
    [
      'a Proxy',
      async (vm) => {
        const target: Bag = { a: 1 }
        const [, run] = await contextOf<Bag>(vm, new Proxy(target, {}))
        await run('a++; b = 1')
        return Object.entries(target)
      },
    ],
  ]
  table(rows)
})
