import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  ctx = await box.createContext({ five: () => 5, large: () => ({ text: 'x'.repeat(5_000) }), double: (n: number) => 2 * n })
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

/** A host function that is called once the answer is ready, or before the arguments are read, must not get into either. */
test.each(['five()', 'large()', 'large(); five()'])('a job that calls %s while the outcome waits to be taken', async (call) => {
  await ctx.run(`var soon = () => { Promise.resolve().then(() => { ${call} }) }
    function primitive() { soon(); return 1 } function object() { soon(); return [2] } function thrower() { soon(); throw [3] }
    Object.defineProperty(globalThis, 'got', { configurable: true, get() { soon(); return { n: 4 } } }); 0`)
  expect(await ctx.call('primitive')).toBe(1)
  expect(await ctx.call('object')).toEqual([2])
  await expect(ctx.call('thrower')).rejects.toMatchObject({ value: [3] })
  expect(await ctx.get('got')).toEqual({ n: 4 })
  expect(await ctx.run('soon(); ({ n: 5 })')).toEqual({ n: 5 })
  const many = ctx.runMany('(n) => { soon(); return n % 2 === 0 ? n : [double(n)] }', [1, 2, 3])
  expect(await Array.fromAsync(many, (outcome) => outcome.status === 'fulfilled' && outcome.value)).toEqual([[2], 2, [6]])
})

test.each(['five()', 'large()'])('a getter on the way to a function that calls %s', async (call) => {
  await ctx.run(`var way = { get to() { ${call}; return { f: (x) => [x] } } }; 0`)
  expect(await ctx.call('way.to.f', { arg: 'y'.repeat(100) })).toEqual([{ arg: 'y'.repeat(100) }])
})
