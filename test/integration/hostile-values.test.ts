import { runInThisContext } from 'node:vm'
import { type Box, type Context, GuestError } from 'glovebox'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { difference } from '../support/same-graph.ts'

/** Values that work against whoever reads them: in a guest, and in a host that hands on what others gave it. */
checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
let sibling: Context
beforeAll(async () => {
  daemon = await testDaemon({ maxPerTenant: 1 })
  box = await daemon.connect()
})
beforeEach(async () => {
  ctx = await box.createContext({ kept: 1 })
  sibling = await box.createContext({ kept: 2 })
  await ctx.run('var echo = (value) => value; 0')
})
/** Both contexts are of one worker, so that it lives on as well. */
const undisturbed = async (): Promise<void> => {
  expect(await Promise.all([ctx.run('kept'), sibling.run('kept'), ctx.call('echo', [1])])).toEqual([1, 2, [1]])
  await Promise.all([ctx.dispose(), sibling.dispose()])
}
afterEach(undisturbed)
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const here = (source: string): unknown => runInThisContext(`(${source})`) as unknown

describe('what throws while it is read', () => {
  /** JavaScript for a value, and the message of the TypeError that reading it throws. */
  const THROWING: readonly (readonly [what: string, make: string, message: string])[] = [
    ['a getter', "{ a: [1, { get b() { throw new TypeError('getter') } }] }", 'getter'],
    ['an element', "Object.defineProperty([1, 2], 1, { enumerable: true, get() { throw new TypeError('element') } })", 'element'],
    ['ownKeys', "new Proxy({ a: 1 }, { ownKeys() { throw new TypeError('ownKeys') } })", 'ownKeys'],
    ['get', "new Proxy({ a: 1 }, { get() { throw new TypeError('get') } })", 'get'],
    ['getPrototypeOf', "new Proxy({ a: 1 }, { getPrototypeOf() { throw new TypeError('getPrototypeOf') } })", 'getPrototypeOf'],
    ['getOwnPropertyDescriptor', "new Proxy({ a: 1 }, { getOwnPropertyDescriptor() { throw new TypeError('described') } })", 'described'],
    ['ownKeys of an array', "new Proxy([1], { ownKeys() { throw new TypeError('ownKeys') } })", 'ownKeys'],
    ['get of an array', "new Proxy([1], { get() { throw new TypeError('get') } })", 'get'],
    [
      'a revoked Proxy',
      '(({ proxy, revoke }) => (revoke(), [proxy]))(Proxy.revocable({}, {}))',
      "Cannot perform 'IsArray' on a proxy that has been revoked",
    ],
    ['the message of an error', "Object.defineProperty(new Error(), 'message', { get() { throw new TypeError('message') } })", 'message'],
    ['the name of an error', "Object.defineProperty(new Error(), 'name', { get() { throw new TypeError('name') } })", 'name'],
    ['the cause of an error', "Object.defineProperty(new Error(), 'cause', { get() { throw new TypeError('cause') } })", 'cause'],
    [
      'a message that is no text',
      "Object.defineProperty(new Error(), 'message', { value: { toString() { throw new TypeError('text') } } })",
      'text',
    ],
    ['a key of a Map', "new Map([[{ get a() { throw new TypeError('key') } }, 1]])", 'key'],
    ['an item of a Set', "new Set([1, { get a() { throw new TypeError('item') } }])", 'item'],
  ]

  test.each(THROWING)('%s, in the guest', async (_what, make, message) => {
    const error = await rejection(ctx.run(`(${make})`))
    expect([error.constructor, error.name, error.message]).toEqual([GuestError, 'TypeError', message])
  })

  test.each(THROWING)('%s, here', async (_what, make, message) => {
    const error = await rejection(ctx.set('never', here(make)))
    expect([error.constructor, error.message]).toEqual([TypeError, message])
    expect(await ctx.run('typeof never')).toBe('undefined')
  })
})

test.each<[what: string, make: string]>([
  ['a getter', '{ get a() { for (;;); } }'],
  ['a getter deep inside', 'new Map([[[new Set([{ get a() { for (;;); } }])], 1]])'],
  ['a getter of the cause of an error', "new Error('x', { cause: { get a() { for (;;); } } })"],
  ['a stack', "[Object.defineProperty(new Error('x'), 'stack', { get() { for (;;); } })]"],
  ...['ownKeys', 'get', 'getPrototypeOf', 'getOwnPropertyDescriptor'].map((trap): [string, string] => [
    trap,
    `[new Proxy({ a: 1 }, { ${trap}() { for (;;); } })]`,
  ]),
])('what never comes back while it is read: %s', async (_what, make) => {
  const error = await rejection(ctx.run(`(${make})`, { timeout: 50 }))
  expect([error.constructor.name, error.code]).toEqual(['TimeoutError', 'ERR_TIMEOUT'])
})

/** JavaScript for a value that changes while it is read, and for what arrives. */
const CHANGING: readonly (readonly [what: string, make: string, arrives: string])[] = [
  [
    'an array that grows',
    '((a) => Object.defineProperty(a, 0, { enumerable: true, get: () => (a.push(3, { get x() { return a.push(4) } }), 1) }))([1, 2])',
    '[1, 2]',
  ],
  ['an array that shrinks', '((a) => (a.push({ get x() { a.length = 0; return 1 } }, 2, 3), a))([])', '[{ x: 1 }, undefined, undefined]'],
  [
    'a Map that grows',
    "((m) => m.set('a', { get x() { m.set(m.size, 1).delete('b'); return 1 } }).set('b', 2))(new Map())",
    "new Map([['a', { x: 1 }], ['b', 2]])",
  ],
  ['a Set that grows', "((s) => s.add({ get x() { s.add(s.size); return 1 } }).add('b'))(new Set())", "new Set([{ x: 1 }, 'b'])"],
  ['an object that gains a property', '((o) => o)({ get a() { this.c = 3; return 1 }, b: 2 })', '({ a: 1, b: 2 })'],
  [
    'an object that changes its prototype',
    '({ get a() { Object.setPrototypeOf(this, { inherited: 1 }); return 1 }, b: 2 })',
    '({ a: 1, b: 2 })',
  ],
  ['a getter of another value each time', '((n) => ({ get a() { return ++n } }))(0)', '({ a: 1 })'],
  [
    'a buffer that grows after it was written',
    '((b) => [b, { get x() { b.resize(16); return 1 } }])(new ArrayBuffer(8, { maxByteLength: 16 }))',
    '[new ArrayBuffer(8, { maxByteLength: 16 }), { x: 1 }]',
  ],
  [
    'a Proxy array longer than its elements',
    "new Proxy([], { get: (t, k) => (k === 'length' ? 4294967295 : t[k]) })",
    'Object.assign([], { length: 4294967295 })',
  ],
  ['a Proxy array of an impossible length', "new Proxy([], { get: (t, k) => (k === 'length' ? -1 : t[k]) })", '[]'],
  [
    'a Proxy whose keys are others each time',
    '((n) => new Proxy({}, { ownKeys: () => [`k${n++}`], getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }), get: () => 7 }))(0)',
    '({ k1: 7 })',
  ],
  [
    'a Proxy of 20,000 keys',
    'new Proxy({}, { ownKeys: () => Array.from({ length: 20000 }, (_, i) => `k${i}`), getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }), get: () => 7 })',
    'Object.fromEntries(Array.from({ length: 20000 }, (_, i) => [`k${i}`, 7]))',
  ],
  ['a prototype chain without end', '[new Proxy({ a: 1 }, { getPrototypeOf() { return new Proxy({}, this) } })]', '[{ a: 1 }]'],
  [
    'methods of its own',
    "Object.defineProperty(Object.assign(new Map([[1, 2]]), { forEach: 1, get: 3, entries: 4, [Symbol.iterator]: 5 }), 'size', { value: 9 })",
    'new Map([[1, 2]])',
  ],
  [
    'methods of a subclass',
    'new (class extends Date { getTime() { throw 1 } valueOf() { throw 1 } [Symbol.toPrimitive]() { throw 1 } })(5)',
    'new Date(5)',
  ],
  ['toString of a boxed value', "Object.defineProperty(Object('s'), 'toString', { value() { throw 1 } })", "Object('s')"],
  [
    'exec and flags of a RegExp',
    "Object.defineProperties(/x/g, { flags: { value: 'no' }, source: { value: 1 }, global: { get() { throw 1 } } })",
    '/x/g',
  ],
  [
    'a stack that throws',
    "Object.defineProperty(new Error('x'), 'stack', { get() { throw 1 } })",
    "Object.assign(new Error('x'), { stack: 'Error: x' })",
  ],
  [
    'a message that is no text',
    "Object.assign(Object.defineProperty(new Error('x'), 'message', { value: Symbol('q') }), { stack: 's' })",
    "Object.assign(new Error('Symbol(q)'), { stack: 's' })",
  ],
  [
    '60 levels of two references each',
    '((x) => { for (let i = 0; i < 60; i++) x = [x, x]; return x })([])',
    '((x) => { for (let i = 0; i < 60; i++) x = [x, x]; return x })([])',
  ],
]

describe('what changes while it is read', () => {
  test.each(CHANGING)('%s, in the guest', async (_what, make, arrives) => {
    expect(difference(here(arrives), await ctx.run(`(${make})`))).toBe(undefined)
  })

  test.each(CHANGING)('%s, here', async (_what, make, arrives) => {
    const back = await ctx.call('echo', here(make))
    const expected = here(arrives)
    // A stack from here does not cross.
    for (const error of [back, expected]) if (error instanceof Error) delete error.stack
    expect(difference(expected, back)).toBe(undefined)
  })
})

describe('what grows for ever', () => {
  const ENDLESS: readonly (readonly [what: string, make: string])[] = [
    ['a getter that gives its like', '((make) => make())(function make() { return { get next() { return make() } } })'],
    ['a Proxy that gives its like', 'new Proxy({ a: 1 }, { get() { return new Proxy({ a: 1 }, this) } })'],
    ['a Proxy array that gives its like', "new Proxy([1], { get(t, k) { return k === 'length' ? 1 : new Proxy([1], this) } })"],
    ['causes without end', "((make) => make())(function make() { return Object.defineProperty(new Error('x'), 'cause', { get: make }) })"],
  ]

  test.each(ENDLESS)('%s, in the guest', async (_what, make) => {
    const error = await rejection(ctx.run(`(${make})`))
    expect([error.constructor.name, error.code]).toEqual(['ValueError', 'ERR_VALUE_TOO_DEEP'])
  })

  test.each(ENDLESS)('%s, here', async (_what, make) => {
    const error = await rejection(ctx.set('never', here(make)))
    expect([error.constructor.name, error.code]).toEqual(['ValueError', 'ERR_VALUE_TOO_DEEP'])
  })
})

test('a view of what its buffer was not when it was written is refused, not sent', async () => {
  const make = '((b) => [b, { get view() { b.resize(16); return new Uint8Array(b, 8, 8) } }])(new ArrayBuffer(8, { maxByteLength: 16 }))'
  for (const error of await Promise.all([ctx.run(make), ctx.set('never', here(make))].map(rejection))) {
    expect([error.constructor.name, error.code]).toEqual(['ValueError', 'ERR_VALUE_UNSUPPORTED'])
    expect(error.message).toBe('value[1].view: a view of an ArrayBuffer that was resized while the value was read cannot cross')
  }
})
