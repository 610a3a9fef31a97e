import { runInNewContext, runInThisContext } from 'node:vm'
import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { KINDS } from '../support/kinds-of-value.ts'
import { checkLeaks } from '../support/leaks.ts'
import { REFUSED } from '../support/refused-kinds.ts'
import { difference } from '../support/same-graph.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  ctx = await box.createContext()
  await ctx.run(
    `var echo = (value) => value
var own = (value) => Reflect.ownKeys(value).map(String).join()
var hex = (view) => Array.from(new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength), (b) => b.toString(16)).join()
var plain = (value, proto = Object.prototype) => Object.getPrototypeOf(value) === proto && Reflect.ownKeys(value).every((key) => {
  const { writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(value, key)
  return writable && enumerable && configurable
})
0`,
    { filename: 'checks.js' },
  )
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

/** In this realm, and so as a host's value. */
const here = (source: string): unknown => runInThisContext(`(${source})`, { filename: 'here.js' }) as unknown

/** A primitive alone takes the short path, inside of something the codec: so each row goes both ways. */
describe.each(Object.entries(KINDS))('%s', (_group, rows) => {
  const kinds = rows.map(([kind, make, check, arrives = make]) => [kind, make, check, arrives] as const)

  test.each(kinds)('%s, from here to the guest', async (_kind, make, check) => {
    await ctx.set('v', here(make))
    expect(await ctx.run(check)).toBe(true)
    await ctx.set('v', { deep: [here(make)] })
    expect(await ctx.run(`v = v.deep[0]; ${check}`)).toBe(true)
  })

  test.each(kinds)('%s, from the guest to here', async (_kind, make, _check, arrives) => {
    expect(difference(here(arrives), await ctx.run(`(${make})`))).toBe(undefined)
    expect(difference({ deep: [here(arrives)] }, await ctx.run(`({ deep: [${make}] })`))).toBe(undefined)
  })

  test.each(kinds)('%s, there and back', async (_kind, make, _check, arrives) => {
    expect(difference(here(arrives), await ctx.call('echo', here(make)))).toBe(undefined)
  })

  test.each(kinds)('%s: what the row checks holds in the guest for its own', async (_kind, _make, check, arrives) => {
    expect(await ctx.run(`{ const v = (${arrives}); ${check} }`)).toBe(true)
  })
})

/** What only a host has: the value, a condition over `v` in the guest, and what comes back. */
test.each<[string, () => unknown, string, () => unknown]>([
  [
    'a Buffer, without the pool that it lies in',
    () => Buffer.from('abc'),
    "Object.getPrototypeOf(v) === Uint8Array.prototype && v.buffer.byteLength === 3 && hex(v) === '61,62,63'",
    () => new Uint8Array([97, 98, 99]),
  ],
  [
    'an instance of a subclass of a typed array',
    () => new (class Words extends Uint16Array {})(new Uint16Array([1, 2, 3]).buffer, 2, 1),
    'Object.getPrototypeOf(v) === Uint16Array.prototype && v.buffer.byteLength === 2 && v[0] === 2',
    () => new Uint16Array([2]),
  ],
  [
    'a DOMException',
    () => new DOMException('gone', 'AbortError'),
    "v instanceof Error && v.name === 'AbortError' && v.message === 'gone'",
    () => Object.defineProperty(new Error('gone'), 'name', { value: 'AbortError', writable: true, configurable: true }),
  ],
  [
    'an object of another realm',
    () => runInNewContext('({ a: [new Date(5)] })'),
    'plain(v) && v.a[0].getTime() === 5',
    () => ({ a: [new Date(5)] }),
  ],
])('%s', async (_kind, make, check, arrives) => {
  await ctx.set('v', make())
  expect(await ctx.run(check)).toBe(true)
  const back = await ctx.call('echo', make())
  if (back instanceof Error) delete back.stack
  const expected = arrives()
  if (expected instanceof Error) delete expected.stack
  expect(difference(expected, back)).toBe(undefined)
})

const PLACES: readonly (readonly [path: string, place: (make: string) => string])[] = [
  ['value', (make) => make],
  ['value.items[3].fn', (make) => `{ items: [0, 1, 2, { fn: ${make} }] }`],
  ['value["a b"].get("k")', (make) => `{ 'a b': new Map([['k', ${make}]]) }`],
  ['value.keys()[1].values()[0]', (make) => `new Map([[1, 1], [new Set([${make}]), 2]])`],
  ['value.cause[1]', (make) => `new Error('x', { cause: [0, ${make}] })`],
]

describe('what cannot cross, and where it is', () => {
  const refusalOf = async (call: Promise<unknown>): Promise<unknown[]> => {
    const error = await rejection(call)
    return [error.constructor.name, error.code, error.message]
  }

  test.each(REFUSED)('%s', async (_kind, make, reason) => {
    // A promise that is a result by itself is waited for.
    const results = PLACES.filter(([path]) => path !== 'value' || reason !== 'a Promise cannot cross')
    for (const [path, place] of results) {
      expect(await refusalOf(ctx.run(`(${place(make)})`))).toEqual(['ValueError', 'ERR_VALUE_UNSUPPORTED', `${path}: ${reason}`])
    }
    for (const [path, place] of PLACES) {
      expect(await refusalOf(ctx.set('refused', here(place(make))))).toEqual(['ValueError', 'ERR_VALUE_UNSUPPORTED', `${path}: ${reason}`])
    }
    expect(await ctx.run('typeof refused')).toBe('undefined')
  })
})
