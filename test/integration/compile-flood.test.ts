import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
/** Takes a thread some 20 ms. */
const HEAVY = 'export function f(a: number, b: { c: string }): string { return `${a + 1} ${b.c as string}` }\n'.repeat(2_000)

let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  ctx = await box.createContext({ x: 0 })
  await box.compile('let warm: 1', { language: 'ts' })
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

test('a flood of 1,000 sources: evaluations are answered before it is over', async () => {
  const enough = new AbortController()
  let settled = 0
  const flood = Array.from({ length: 1_000 }, async (_, n) => {
    const options = { language: 'ts', format: 'module', signal: enough.signal } as const
    // Most are refused, since so many wait already, and the last are given up.
    await box.compile(`${HEAVY}export const n = ${n}`, options).catch(() => undefined)
    settled++
  })
  await eventually('the first of them', () => settled > 0)
  for (let n = 1; n <= 200; n++) expect(await ctx.run('x = (x|0) + 1')).toBe(n)
  expect(await box.run('[1, 2, 3].map((n) => n * 2)')).toEqual([2, 4, 6])
  expect(settled).toBeLessThan(1_000)
  enough.abort()
  await Promise.all(flood)
  expect((await box.status()).deaths).toEqual([])
})

// A compiler gets what evaluations and the rest of the machine leave it.
test('a source that exhausts its compiler: evaluations are answered before that is over, by the same worker', {
  timeout: 300_000,
}, async () => {
  const pids = async (): Promise<readonly unknown[]> =>
    (await box.status()).workers.filter(({ state }) => state === 'bound').map(({ pid }) => pid)
  const before = await pids()
  let over = false
  const glutton = rejection(box.compile('()=>1;'.repeat(2_500_000))).finally(() => {
    over = true
  })
  for (let n = 201; n <= 400; n++) expect(await ctx.run('x = (x|0) + 1')).toBe(n)
  expect(over).toBe(false)
  expect(await glutton).toMatchObject({ code: 'ERR_COMPILER_CRASHED' })
  expect(await pids()).toEqual(before)
  expect((await box.compile('let after: 1', { language: 'ts' })).code).toBe('let after   ')
})
