import { Readable } from 'node:stream'
import type { Box, Context } from 'glovebox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})
beforeEach(async () => {
  ctx = await box.createContext()
})
afterEach(async () => {
  await ctx.dispose()
})

/** Guest code: the items of an iterable named by an expression. */
const items = (expression: string): string =>
  `(async () => { const out = []; for await (const item of ${expression}) out.push(item); return out })()`

async function collect(iterable: unknown): Promise<unknown[]> {
  const out: unknown[] = []
  for await (const item of iterable as AsyncIterable<unknown>) out.push(item)
  return out
}

/** Counts up for ever, and notes how far it came and how it ended. */
function counter(): {
  readonly produced: () => number
  readonly ended: () => string
  readonly numbers: AsyncGenerator<number, string, unknown>
} {
  let produced = 0
  let ended = 'not yet'
  async function* numbers(): AsyncGenerator<number, string, unknown> {
    try {
      for (;;) yield ++produced
    } finally {
      ended = 'returned'
    }
  }
  return { produced: () => produced, ended: () => ended, numbers: numbers() }
}

async function* one(): AsyncGenerator {
  yield { n: 1, map: new Map([['k', [new Date(5)]]]) }
  yield undefined
  yield 'three'
}
const oneItems = [{ n: 1, map: new Map([['k', [new Date(5)]]]) }, undefined, 'three']

/** What is iterated, on the host's side; guests get the same as source text. */
const ITERABLES: readonly (readonly [string, () => object])[] = [
  [
    'an async generator',
    async function* () {
      yield 1
      yield 2
    },
  ],
  [
    'an object literal with data of its own',
    () => ({
      data: [1, 2],
      async *[Symbol.asyncIterator](this: { readonly data: readonly number[] }) {
        yield* this.data
      },
    }),
  ],
  [
    'a hand-written iterator',
    () => ({
      at: 0,
      next(this: { at: number }) {
        return Promise.resolve(this.at < 2 ? { done: false, value: ++this.at } : { done: true, value: undefined })
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }),
  ],
  [
    'an instance of a class',
    () =>
      new (class {
        items = [1, 2]
        async *[Symbol.asyncIterator]() {
          yield* this.items
        }
      })(),
  ],
  [
    'an object without a prototype',
    () =>
      Object.assign(Object.create(null) as object, {
        async *[Symbol.asyncIterator]() {
          yield 1
          yield 2
        },
      }),
  ],
  [
    'an iterator whose next is not asynchronous',
    () => {
      let at = 0
      return { [Symbol.asyncIterator]: () => ({ next: () => ({ done: at >= 2, value: ++at }) }) }
    },
  ],
]

describe.each(ITERABLES)('%s', (_name, make) => {
  test('works in a guest', async () => {
    expect(await box.run(items('it'), { globals: { it: make() } })).toEqual([1, 2])
  })
  test('works at the host', async () => {
    expect(await collect(await ctx.run(`(${make.toString()})()`))).toEqual([1, 2])
  })
})

describe('wherever a value crosses', () => {
  test('to a guest: as a global, an argument, an answer, a chunk, deep in data', async () => {
    await using own = await box.createContext({ global: one(), give: () => [one()], giveLater: async () => ({ it: one() }) })
    await own.run(`const read = async (it) => ${items('it')}; async function* outer(it) { yield it }; 0`)
    expect(await own.run('read(global)')).toEqual(oneItems)
    expect(await own.call('read', one())).toEqual(oneItems)
    expect(await own.run('read(give()[0])')).toEqual(oneItems)
    expect(await own.run('giveLater().then(({ it }) => read(it))')).toEqual(oneItems)
    await own.set('deep', new Map([['k', [{ it: one() }]]]))
    expect(await own.run(`read(deep.get('k')[0].it)`)).toEqual(oneItems)
    const nested = (async function* () {
      yield one()
    })()
    await own.set('nested', nested)
    expect(await own.run('(async () => { for await (const it of nested) return read(it) })()')).toEqual(oneItems)
  })

  test('to the host: as a result, from call, a global, an argument, a chunk', async () => {
    const seen: unknown[] = []
    await ctx.set('hear', async (it: unknown) => seen.push(await collect(it)))
    await ctx.run(`async function* one() { yield { n: 1, map: new Map([['k', [new Date(5)]]]) }; yield undefined; yield 'three' }
      var global = one(); async function* nested() { yield { it: one() } }; 0`)
    expect(await collect(await ctx.run('one()'))).toEqual(oneItems)
    expect(await collect(((await ctx.run('[{ it: one() }]')) as [{ it: unknown }])[0].it)).toEqual(oneItems)
    expect(await collect(await ctx.call('one'))).toEqual(oneItems)
    expect(await collect(await ctx.get('global'))).toEqual(oneItems)
    await ctx.run('hear(one())')
    expect(seen).toEqual([oneItems])
    for await (const { it } of (await ctx.run('nested()')) as AsyncIterable<{ it: unknown }>) expect(await collect(it)).toEqual(oneItems)
  })

  test('a host’s async generator function gives its iterator at once', async () => {
    await ctx.set('squares', async function* (numbers: AsyncIterable<number>) {
      for await (const n of numbers) yield n * n
    })
    expect(await ctx.run(items('squares((async function* () { yield 2; yield 3 })())'))).toEqual([4, 9])
  })

  test('a Readable of Node', async () => {
    expect(await box.run(items('it'), { globals: { it: Readable.from(['a', { b: 1 }]) } })).toEqual(['a', { b: 1 }])
  })

  test('what a one-shot run gave goes on after it', async () => {
    const it = await box.run(
      '(async function* () { for (let i = 0; i < 3; i++) { await new Promise((r) => setTimeout(r, 1)); yield i } })()',
    )
    expect(await collect(it)).toEqual([0, 1, 2])
  })
})

describe('is what it was', () => {
  test('in one message, in the next, and at home', async () => {
    const it = one()
    const both = { ...counter(), it }
    await ctx.set('pair', [both.numbers, both.numbers])
    await ctx.set('again', both.numbers)
    expect(await ctx.run('pair[0] === pair[1] && pair[0] === again')).toBe(true)
    expect(await ctx.get('again')).toBe(both.numbers)
    const [first, second] = (await ctx.run('var own = (async function* () {})(); [own, own]')) as [unknown, unknown]
    expect(first).toBe(second)
    expect(await ctx.get('own')).toBe(first)
    await ctx.set('back', first)
    expect(await ctx.run('back === own')).toBe(true)
  })

  test('another context has one of its own, that leads through the host', async () => {
    await using other = await box.createContext()
    await ctx.set('it', await other.run('(async function* () { yield 1; yield [2] })()'))
    expect(await ctx.run(items('it'))).toEqual([1, [2]])
  })

  test('with the methods and the prototype of any async iterator', async () => {
    await ctx.set('it', counter().numbers)
    expect(
      await ctx.run(`const base = Object.getPrototypeOf(Object.getPrototypeOf((async function* () {}).prototype))
        const iterator = it[Symbol.asyncIterator]()
        const proto = Object.getPrototypeOf(iterator)
        ;[Object.getPrototypeOf(proto) === base, Reflect.ownKeys(proto).join(), iterator[Symbol.asyncIterator]() === iterator,
          Object.getPrototypeOf(Object.getPrototypeOf(it)) === Object.prototype, Object.keys(it).length, 'constructor' in proto && proto.constructor === base.constructor]`),
    ).toEqual([true, 'next,return,throw', true, true, 0, true])
  })
})

describe('ends', () => {
  test('early, in a guest: the host’s is returned', async () => {
    const { numbers, ended, produced } = counter()
    await ctx.set('it', numbers)
    expect(await ctx.run('(async () => { for await (const n of it) if (n === 3) return n })()')).toBe(3)
    expect([ended(), produced()]).toEqual(['returned', 3])
    expect(await ctx.run(items('it'))).toEqual([])
  })

  test('early, at the host: the guest’s is returned', async () => {
    const it = (await ctx.run(`var log = []
      ;(async function* () { try { for (let n = 1; ; n++) { log.push(n); yield n } } finally { log.push('returned') } })()`)) as AsyncIterable<number>
    for await (const n of it) if (n === 3) break
    expect(await ctx.get('log')).toEqual([1, 2, 3, 'returned'])
    expect(await collect(it)).toEqual([])
  })

  test('with the value that it returns, and with that of return', async () => {
    await ctx.set('it', {
      [Symbol.asyncIterator]: async function* () {
        yield 1
        return 'end'
      },
    })
    expect(
      await ctx.run(`(async () => { const a = it[Symbol.asyncIterator](), b = it[Symbol.asyncIterator](), c = it[Symbol.asyncIterator]()
        await b.next()
        return [await a.next(), await a.next(), await a.next(), await b.return('mine'), await b.next(), await c.return('unopened'), await c.next()] })()`),
    ).toEqual([
      { value: 1, done: false },
      { value: 'end', done: true },
      { value: undefined, done: true },
      { value: 'mine', done: true },
      { value: undefined, done: true },
      { value: 'unopened', done: true },
      { value: undefined, done: true },
    ])
  })

  test('throw goes to the other side, in either direction', async () => {
    const heard: unknown[] = []
    const listening = async function* (): AsyncGenerator {
      for (;;)
        try {
          yield heard.length
        } catch (error) {
          heard.push(error)
        }
    }
    await ctx.set('it', listening())
    expect(
      await ctx.run(`(async () => { const i = it[Symbol.asyncIterator](); await i.next()
        return [(await i.throw(new RangeError('no'))).value, (await i.throw('text')).value] })()`),
    ).toEqual([1, 2])
    expect(heard).toEqual([new RangeError('no'), 'text'])

    const guest = (
      (await ctx.run(`var heard = []
      ;(async function* () { for (;;) try { yield heard.length } catch (e) { heard.push(e.name + ': ' + e.message + e.stack.includes('/')) } })()`)) as AsyncIterable<number>
    )[Symbol.asyncIterator]() as AsyncGenerator<number>
    await guest.next()
    expect(await guest.throw(new RangeError(`no ${process.cwd()}`))).toEqual({ value: 1, done: false })
    expect(await ctx.get('heard')).toEqual(['RangeError: no …false'])
  })

  test('without return and throw of its own, as a generator does that catches nothing', async () => {
    let closed = 0
    const plain = (more: object): object => ({ [Symbol.asyncIterator]: () => ({ next: () => ({ done: false, value: 1 }), ...more }) })
    await ctx.set('bare', plain({}))
    await ctx.set('closing', plain({ return: () => ({ done: true, value: ++closed }) }))
    const attempt = (name: string): Promise<unknown> =>
      ctx.run(`(async () => { const i = ${name}[Symbol.asyncIterator](); await i.next(); return i.throw('mine').catch((e) => e) })()`)
    expect([await attempt('bare'), await attempt('closing'), closed]).toEqual(['mine', 'mine', 1])
    expect(await ctx.run('(async () => { for await (const n of bare) return n })()')).toBe(1)
  })

  test('by an error of the host’s, without its paths', async () => {
    await ctx.set('it', async function* () {
      yield 1
      throw Object.assign(new RangeError(`gone from ${process.cwd()}`), { code: 'E_GONE' })
    })
    expect(
      await ctx.run(`(async () => { const seen = []
        try { for await (const n of it()) seen.push(n) } catch (e) { return [seen, e instanceof RangeError, e.message, e.code, e.stack.includes('/')] } })()`),
    ).toEqual([[1], true, 'gone from …', 'E_GONE', false])
  })

  test('by an error of the guest’s: a GuestError', async () => {
    const error = await rejection(
      collect(await ctx.run(`(async function* () { yield 1; throw new RangeError('guest') })()`, { filename: 'g.js' })),
    )
    expect([error.constructor.name, error.name, error.message]).toEqual(['GuestError', 'RangeError', 'guest'])
    expect(error.stack).toMatch(/g\.js:1/)
  })

  test('with the context: whoever waits is told', async () => {
    const own = await box.createContext()
    const never = collect(await own.run('(async function* () { yield 1; await new Promise(() => {}) })()'))
    never.catch(() => undefined)
    await own.run('0')
    await own.dispose()
    expect((await rejection(never)).constructor.name).toBe('ContextLostError')
  })

  test('with the context: what its guest had begun at the host is returned', async () => {
    const own = await box.createContext()
    const begun = counter()
    const whole = counter()
    const several: AsyncIterable<number> = { [Symbol.asyncIterator]: () => counter().numbers }
    await own.set('all', [begun.numbers, whole.numbers, several])
    await own.run('var i = all[0][Symbol.asyncIterator](); i.next()')
    await own.dispose()
    await eventually('returned', () => begun.ended() === 'returned')
    expect([whole.ended(), (await whole.numbers.next()).value]).toEqual(['not yet', 1])
  })

  test('with an item that cannot cross: the other side’s is returned, and nothing comes after', async () => {
    let ended = false
    await ctx.set(
      'it',
      (async function* () {
        try {
          yield 1
          yield new WeakMap()
          yield 3
        } finally {
          ended = true
        }
      })(),
    )
    const taken = await ctx.run(`(async () => { const i = it[Symbol.asyncIterator](); const out = []
      for (let n = 0; n < 4; n++) out.push(await i.next().catch((e) => e.message)); out.push(await i.return('x')); return out })()`)
    const done = { value: undefined, done: true }
    expect(taken).toEqual([{ value: 1, done: false }, 'value.value: a WeakMap cannot cross', done, done, { value: 'x', done: true }])
    await eventually('returned', () => ended)
    const mine = await ctx.run(
      'var ended = false; (async function* () { try { yield 1; yield new WeakMap() } finally { ended = true } })()',
    )
    expect(await rejection(collect(mine))).toMatchObject({ code: 'ERR_VALUE_UNSUPPORTED' })
    await eventually('returned', async () => (await ctx.get('ended')) === true)
  })

  test('not while somebody may go on: an iteration that is given up, of a generator that is still held', { timeout: 60_000 }, async () => {
    const { numbers, ended } = counter()
    await ctx.set('it', numbers)
    expect(await ctx.run('(async () => (await it[Symbol.asyncIterator]().next()).value)()')).toBe(1)
    const held = async (): Promise<number> => (await box.status()).client.hostFunctions
    await eventually('the iteration was collected', async () => {
      await ctx.run('{ let waste = []; for (let i = 0; i < 12; i++) waste.push(Array(1e6).fill(i)) } 0', { timeout: 20_000 })
      return (await held()) === 1
    })
    expect(await ctx.run('(async () => { for await (const n of it) return n })()')).toBe(2)
    expect(ended()).toBe('returned')
  })

  test('with the deadline: a run that waits for an item', async () => {
    await ctx.set('it', { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) })
    const error = await rejection(ctx.run(items('it'), { timeout: 100 }))
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', report: { phase: 'host-call' } })
    expect(error.message).toMatch(/waited for host call 'iterate'/)
    expect(await ctx.run('1')).toBe(1)
  })
})

describe('is pulled', () => {
  test.each([0, 1, 5])('by a guest that takes %i items and thinks about the last', async (taken) => {
    const { numbers, produced } = counter()
    await ctx.set('it', numbers)
    await ctx.run(`var i = it[Symbol.asyncIterator](); (async () => { for (let n = 0; n < ${taken}; n++) await i.next() })()`)
    await ctx.run('new Promise((r) => setTimeout(r, 5))')
    expect(produced()).toBe(taken)
  })

  test.each([0, 1, 5])('by a host that takes %i items and thinks about the last', async (taken) => {
    const it = (await ctx.run('var made = 0; (async function* () { for (;;) yield ++made })()')) as AsyncIterable<number>
    const iterator = it[Symbol.asyncIterator]()
    for (let n = 0; n < taken; n++) await iterator.next()
    await ctx.run('new Promise((r) => setTimeout(r, 5))')
    expect(await ctx.get('made')).toBe(taken)
  })

  test('several times at once, in order', async () => {
    await ctx.set('it', counter().numbers)
    expect(
      await ctx.run(
        'const i = it[Symbol.asyncIterator](); Promise.all([i.next(), i.next(), i.next(), i.return(), i.next()]).then((all) => all.map((r) => r.value))',
      ),
    ).toEqual([1, 2, 3, undefined, undefined])
    const it = (await ctx.run('(async function* () { yield 1; yield 2 })()')) as AsyncIterable<number>
    const iterator = it[Symbol.asyncIterator]()
    const results = await Promise.all([iterator.next(), iterator.next(), iterator.next()])
    expect(results.map(({ value, done }) => [value, done])).toEqual([
      [1, false],
      [2, false],
      [undefined, true],
    ])
  })
})

test('handles are given back when it is over', async () => {
  const open = async (): Promise<readonly number[]> => {
    const { client, workers } = await box.status()
    return [client.guestFunctions, client.hostFunctions, ...workers.map(({ handles }) => handles).filter((count) => count > 0)]
  }
  const { numbers } = counter()
  await ctx.set('it', numbers)
  const mine = (await ctx.run('(async function* () { yield 1; yield 2 })()')) as AsyncIterable<number>
  expect((await open()).slice(0, 2)).toEqual([1, 1])
  await ctx.run('(async () => { for await (const n of it) if (n === 3) break })()')
  await collect(mine)
  await eventually('no handles', async () => (await open()).join() === '0,0')
})

describe('hostile', () => {
  const rejected = async (source: string): Promise<string> => {
    const result = (await ctx.run(source)) as AsyncIterable<unknown>
    const error = await rejection(collect(result))
    return `${error.name}: ${error.message}`
  }

  test.each<[source: string, message: string]>([
    ['({ get [Symbol.asyncIterator]() { throw new RangeError("mine") } })', 'RangeError: mine'],
    ['new Proxy({}, { getOwnPropertyDescriptor() { throw new RangeError("mine") }, ownKeys() { return ["x"] } })', 'RangeError: mine'],
    ['new Proxy(class {}.prototype, { get() { throw new RangeError("mine") } })', 'RangeError: mine'],
  ])('while it is sent: %s', async (source, message) => {
    const error = await rejection(ctx.run(source))
    expect(`${error.name}: ${error.message}`).toBe(message)
    expect(await ctx.run('1')).toBe(1)
  })

  test.each<[source: string, message: string]>([
    ['({ [Symbol.asyncIterator]() { throw new RangeError("mine") } })', 'RangeError: mine'],
    ['({ [Symbol.asyncIterator]() { return 5 } })', 'TypeError: the async iterator is not an object'],
    ['({ [Symbol.asyncIterator]() { return {} } })', 'TypeError: the async iterator has no next'],
    ['({ [Symbol.asyncIterator]() { return { next: () => 5 } } })', 'TypeError: the result of an async iterator is not an object'],
    ['({ [Symbol.asyncIterator]() { return { get next() { throw new RangeError("mine") } } } })', 'RangeError: mine'],
    ['({ [Symbol.asyncIterator]() { return { next: () => ({ get done() { throw new RangeError("mine") } }) } } })', 'RangeError: mine'],
    [
      '({ [Symbol.asyncIterator]() { return { next: () => ({ done: false, get value() { throw new RangeError("mine") } }) } } })',
      'RangeError: mine',
    ],
    [
      '({ [Symbol.asyncIterator]() { return { next: () => ({ value: Symbol() }) } } })',
      'ValueError: value.value: a symbol that is not registered with Symbol.for cannot cross',
    ],
    [
      '({ [Symbol.asyncIterator]() { return { next: () => ({ then(f) { f(1) } }) } } })',
      'TypeError: the result of an async iterator is not an object',
    ],
    [
      'let n = 0; ({ get [Symbol.asyncIterator]() { return n++ < 2 ? () => 0 : undefined } })',
      'TypeError: the object is not async iterable any more',
    ],
  ])('while it is read: %s', async (source, message) => {
    expect(await rejected(source)).toBe(message)
    expect(await ctx.run('1')).toBe(1)
  })

  test('one that never settles ends with the deadline of its call', async () => {
    await using impatient = await daemon.connect({ limits: { timeout: 100 } })
    await using own = await impatient.createContext()
    const it = await own.run('({ [Symbol.asyncIterator]() { return { next: () => new Promise(() => {}) } } })')
    expect(await rejection(collect(it))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await own.run('1')).toBe(1)
  })

  test('one that computes for ever, while it is read and while it is closed', async () => {
    await using impatient = await daemon.connect({ limits: { timeout: 100 } })
    await using own = await impatient.createContext()
    expect(await rejection(collect(await own.run('(async function* () { for (;;); })()')))).toMatchObject({ code: 'ERR_TIMEOUT' })
    const closing = (async () => {
      for await (const _ of (await own.run('(async function* () { try { yield 1 } finally { for (;;); } })()')) as AsyncIterable<number>)
        break
    })()
    expect(await rejection(closing)).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await own.run('1')).toBe(1)
  })

  test('tampering with what iteration uses harms nobody else', async () => {
    await ctx.set('it', counter().numbers)
    await ctx.run(`const base = Object.getPrototypeOf(Object.getPrototypeOf((async function* () {}).prototype))
      delete base[Symbol.asyncIterator]; Promise.prototype.then = function () { throw 1 }
      Object.defineProperty(Promise.prototype, 'constructor', { get() { throw 2 } })
      Object.prototype.done = true; Object.defineProperty(Object.prototype, 'value', { set() { throw 3 } }); WeakMap.prototype.get = () => ({}); 0`)
    await ctx.run('it[Symbol.asyncIterator]().next(); 0').catch(() => undefined)
    expect(await box.run(items('it'), { globals: { it: one() } })).toEqual(oneItems)
  })
})
