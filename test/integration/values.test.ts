import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  ctx = await box.createContext()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const nested = (levels: number): unknown => {
  let value: unknown = 0
  for (let i = 0; i < levels; i++) value = [value]
  return value
}

test.each<[source: string, type: string, code: string, message: RegExp]>([
  ['({ items: [1, { set: new WeakSet() }] })', 'ValueError', 'ERR_VALUE_UNSUPPORTED', /value\.items\[1\]\.set/],
  ['[Symbol()]', 'ValueError', 'ERR_VALUE_UNSUPPORTED', /value\[0\]/],
  ['Symbol()', 'ValueError', 'ERR_VALUE_UNSUPPORTED', /value/],
  ['({ a: new WeakMap() })', 'ValueError', 'ERR_VALUE_UNSUPPORTED', /value\.a/],
  ['({ a: Promise.resolve(1) })', 'ValueError', 'ERR_VALUE_UNSUPPORTED', /value\.a/],
  ['let deep = 0; for (let i = 0; i < 101; i++) deep = [deep]; deep', 'ValueError', 'ERR_VALUE_TOO_DEEP', /100/],
  ['let deeper = 0; for (let i = 0; i < 1e6; i++) deeper = { deeper }; deeper', 'ValueError', 'ERR_VALUE_TOO_DEEP', /100/],
  ['new Uint8Array(17 << 20)', 'OutputLimitError', 'ERR_OUTPUT_LIMIT', /16777216/],
  ["'x'.repeat(17 << 20)", 'OutputLimitError', 'ERR_OUTPUT_LIMIT', /16777216/],
  ["Array(18).fill('y'.repeat(1 << 20))", 'OutputLimitError', 'ERR_OUTPUT_LIMIT', /16777216/],
])('a result that cannot cross: %s', async (source, type, code, message) => {
  const error = await rejection(box.run(source))
  expect([error.constructor.name, error.code]).toEqual([type, code])
  expect(error.message).toMatch(message)
  expect(await box.run('1')).toBe(1)
})

test('what is just within the limits crosses', async () => {
  expect(await box.run('let deep = 0; for (let i = 0; i < 100; i++) deep = [deep]; deep')).toEqual(nested(100))
  expect(((await box.run('new Uint8Array(15 << 20)')) as Uint8Array).length).toBe(15 << 20)
})

test.each<[title: string, value: unknown, code: string, message: RegExp]>([
  ['a promise deep inside', { items: [1, { later: Promise.resolve() }] }, 'ERR_VALUE_UNSUPPORTED', /items\[1\]\.later/],
  ['a private symbol', [Symbol('mine')], 'ERR_VALUE_UNSUPPORTED', /\[0\]/],
  ['a WeakSet', { set: new WeakSet() }, 'ERR_VALUE_UNSUPPORTED', /set/],
  ['too deep', nested(101), 'ERR_VALUE_TOO_DEEP', /100/],
])('a value that cannot be given: %s', async (_title, value, code, message) => {
  const ways = [ctx.set('v', value), ctx.call('String', value), box.run('1', { globals: { v: value } }), box.createContext({ v: value })]
  for (const error of await Promise.all(ways.map(rejection))) {
    expect([error.constructor.name, error.code]).toEqual(['ValueError', code])
    expect(error.message).toMatch(message)
  }
  expect(await ctx.run('typeof v')).toBe('undefined')
  expect(await box.run('1')).toBe(1)
})

test('a value of many megabytes goes in and out', async () => {
  const value = {
    bytes: new Uint8Array(6 << 20).fill(7),
    text: 'ä'.repeat(1 << 20),
    list: Array.from({ length: 50_000 }, (_, n) => ({ n })),
  }
  await ctx.set('big', value)
  expect(await ctx.run('big.list.length + big.bytes.length + big.text.length')).toBe(50_000 + (6 << 20) + (1 << 20))
  const back = (await ctx.get('big')) as typeof value
  expect([back.text === value.text, back.list.at(-1), back.bytes.every((byte) => byte === 7)]).toEqual([true, { n: 49_999 }, true])
})

test('names that mean something to JavaScript are only names', async () => {
  const given = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2, "then": 3}') as Record<string, unknown>
  await using own = await box.createContext({ given })
  expect(await own.run('Object.keys(given).sort().join() + typeof given.polluted + typeof ({}).polluted')).toBe(
    'constructor,__proto__,then'.split(',').sort().join() + 'undefinedundefined',
  )
  const back = (await own.get('given')) as object
  expect(JSON.stringify(back)).toBe(JSON.stringify(given))
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})

test('__proto__ as the name of a global changes no prototype', async () => {
  const globals = JSON.parse('{"__proto__": {"polluted": 1}}') as Record<string, unknown>
  await using own = await box.createContext(globals)
  expect(await own.run('typeof polluted')).toBe('undefined')
  expect(await own.get('__proto__')).toEqual({ polluted: 1 })
})
