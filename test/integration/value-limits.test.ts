import { runInThisContext } from 'node:vm'
import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_DEPTH, MAX_OUTPUT } from '../../src/protocol/limits.ts'
import { DEFAULT_MAX_ITEMS, MAX_BIGINT_BYTES, MAX_REGEXP_LENGTH, MAX_RESERVED_BYTES } from '../../src/protocol/values/value-options.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

/** Each limit of a value, at it and one above it, in both directions. */
checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon({ timeout: 60_000 })
  box = await daemon.connect()
  ctx = await box.createContext()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const outcome = async (call: Promise<unknown>): Promise<unknown[]> => {
  const error = await rejection(call)
  return [error.constructor.name, error.code]
}
const here = (source: string): unknown => runInThisContext(`(${source})`) as unknown

/** Ten million elements take a second or two, and much longer on a machine that does something else. */
const SLOW_MS = 120_000

/** JavaScript for a value that is at the limit for `N`, the limit, and above it for one more. */
const LIMITS: readonly (readonly [what: string, make: string, limit: number, code: 'ERR_VALUE_TOO_DEEP' | 'ERR_VALUE_TOO_LARGE'])[] = [
  ['levels of arrays', 'Array.from({ length: N }).reduce((x) => [x], 0)', MAX_DEPTH.default, 'ERR_VALUE_TOO_DEEP'],
  ['levels of objects', 'Array.from({ length: N }).reduce((x) => ({ x }), 0)', MAX_DEPTH.default, 'ERR_VALUE_TOO_DEEP'],
  ['levels of Maps', 'Array.from({ length: N }).reduce((x) => new Map([[0, x]]), 0)', MAX_DEPTH.default, 'ERR_VALUE_TOO_DEEP'],
  ['levels of keys of Maps', 'Array.from({ length: N }).reduce((x) => new Map([[x, 0]]), 0)', MAX_DEPTH.default, 'ERR_VALUE_TOO_DEEP'],
  ['levels of Sets', 'Array.from({ length: N }).reduce((x) => new Set([x]), 0)', MAX_DEPTH.default, 'ERR_VALUE_TOO_DEEP'],
  ['levels of causes', "Array.from({ length: N }).reduce((x) => new Error('', { cause: x }), 0)", MAX_DEPTH.default, 'ERR_VALUE_TOO_DEEP'],
  ['levels of sparse arrays', 'Array.from({ length: N }).reduce((x) => [, x], 0)', MAX_DEPTH.default, 'ERR_VALUE_TOO_DEEP'],
  [
    'levels to a view, whose buffer is one more',
    'Array.from({ length: N - 2 }).reduce((x) => [x], new Uint8Array(1))',
    MAX_DEPTH.default,
    'ERR_VALUE_TOO_DEEP',
  ],
  ['levels to a Date', 'Array.from({ length: N - 1 }).reduce((x) => [x], new Date())', MAX_DEPTH.default, 'ERR_VALUE_TOO_DEEP'],
  ['elements of several arrays', '[new Array(N - 1e6 - 2).fill(0), new Array(1e6).fill(0)]', DEFAULT_MAX_ITEMS, 'ERR_VALUE_TOO_LARGE'],
  ['bytes of a bigint', '1n << BigInt(8 * N - 1)', MAX_BIGINT_BYTES, 'ERR_VALUE_TOO_LARGE'],
  ['characters of a RegExp', "new RegExp('a'.repeat(N))", MAX_REGEXP_LENGTH, 'ERR_VALUE_TOO_LARGE'],
  [
    'bytes of resizable buffers',
    '[new ArrayBuffer(0, { maxByteLength: 1e6 }), new ArrayBuffer(0, { maxByteLength: N - 1e6 })]',
    MAX_RESERVED_BYTES,
    'ERR_VALUE_TOO_LARGE',
  ],
]
const at = (make: string, n: number): string => make.replaceAll('N', String(n))

describe.each(LIMITS)('%s', (what, make, limit, code) => {
  // Large lists are not sent back and forth to look at them.
  const size = what.startsWith('elements') ? 'v[0].length + v[1].length + 2' : '1'

  test(
    'from the guest',
    async () => {
      const bigint = what === 'bytes of a bigint'
      expect(await ctx.run(`var v = ${at(make, limit)}; ${size}`)).toBe(size === '1' ? 1 : limit)
      expect(await ctx.run(bigint ? '[v]' : 'v')).toBeDefined()
      // The realm's side says of all that is too large that the output is.
      const tooLarge = code === 'ERR_VALUE_TOO_LARGE' ? ['OutputLimitError', 'ERR_OUTPUT_LIMIT'] : ['ValueError', code]
      expect(await outcome(ctx.run(`v = ${at(make, limit + 1)}; ${bigint ? '[v]' : 'v'}`))).toEqual(tooLarge)
      expect(await ctx.run('v = 0')).toBe(0)
    },
    SLOW_MS,
  )

  test(
    'from here',
    async () => {
      await ctx.set('v', here(at(make, limit)))
      expect(await ctx.run(size)).toBe(size === '1' ? 1 : limit)
      await ctx.set('v', 0)
      expect(await outcome(ctx.set('v', here(at(make, limit + 1))))).toEqual(['ValueError', code])
      expect(await ctx.run('v')).toBe(0)
    },
    SLOW_MS,
  )
})

/** JavaScript for a result of `N` bytes and some more, how many more, and how many bytes one more element has. */
test.each<[what: string, make: string, overhead: number, unit: number]>([
  ['an ASCII string', "'x'.repeat(N)", 5, 1],
  ['a string in a list', "['x'.repeat(N)]", 6, 1],
  ['a string of three-byte characters in a list', "['€'.repeat(N / 3)]", 6, 3],
  ['a string with a lone surrogate in a list', "['\\ud800'.repeat(N / 2)]", 7, 2],
  ['bytes', 'new Uint8Array(N)', 20, 1],
  ['a buffer', 'new ArrayBuffer(N)', 9, 1],
])('the bytes of a result: %s', async (_what, make, overhead, unit) => {
  const room = MAX_OUTPUT.default - overhead
  const most = room - (room % unit)
  await ctx.run(at(make, most))
  for (const more of [unit, 6 << 20, 48 << 20]) {
    expect(await outcome(ctx.run(at(make, most + more)))).toEqual(['OutputLimitError', 'ERR_OUTPUT_LIMIT'])
  }
  expect(await ctx.run('1')).toBe(1)
})

test('many small things are counted as they are written, not at the end', async () => {
  expect(
    await outcome(ctx.run("let written = 0; Array.from({ length: 40 }, () => ({ get text() { written++; return 'y'.repeat(1 << 20) } }))")),
  ).toEqual(['OutputLimitError', 'ERR_OUTPUT_LIMIT'])
  expect(await ctx.run('written')).toBeLessThan(20)
})
