import type { GuestFunction } from 'glovebox'
import { expect, test } from 'vitest'
import { contextLimit } from '../../src/worker/context-limit.ts'
import { testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const SLOW_MS = 120_000
const MEMORY = 64 * 1024 * 1024
/** Of a worker with that memory: what V8 adds for its young generation does not count. */
const LIMIT = 113
const REFUSED = ['LimitError', 'ERR_CONTEXT_LIMIT', `this worker has its limit of ${LIMIT} contexts; dispose some`]

test.each([
  [80, 56],
  [304, 455],
  [1048, 1777],
  [4144, 7281],
  [10_000, 10_000],
  [10, 1],
])('a heap of %i MiB holds %i contexts', (mebibytes, contexts) => {
  expect(contextLimit(mebibytes * 1024 * 1024)).toBe(contexts)
})

test(
  'contexts of a worker: those of single runs count as long as they stay',
  async () => {
    await using daemon = await testDaemon({ max: 1, maxPerTenant: 1, spare: 0, memory: MEMORY })
    await using box = await daemon.connect({ limits: { timeout: 60_000 } })
    const refusal = async (call: Promise<unknown>): Promise<unknown[]> => {
      const error = await rejection(call)
      return [error.constructor.name, error.code, error.message]
    }
    const ctx = await box.createContext({ a: 1 })
    const pending = box.run('new Promise((resolve) => globalThis.resolve = resolve)', {
      timeout: 60_000,
      signal: AbortSignal.timeout(50_000),
    })
    const gone = rejection(pending)
    const held: GuestFunction[] = []
    while (held.length < LIMIT - 2) held.push((await box.run(`() => ${held.length}`)) as GuestFunction)

    expect(await refusal(box.run('1 + 1')), 'a run').toEqual(REFUSED)
    expect(await refusal(box.run('x', { globals: { x: 1 } })), 'a run with globals').toEqual(REFUSED)
    const script = await box.compile('1 + 1')
    expect(await refusal(box.run(script)), 'a compiled script').toEqual(REFUSED)
    expect(await refusal(box.createContext()), 'a context').toEqual(REFUSED)
    // What is there goes on.
    expect(await ctx.run('a')).toBe(1)
    expect(await held[7]?.()).toBe(7)

    held.pop()?.[Symbol.dispose]()
    await ctx.run('0')
    expect(await box.run('1 + 1')).toBe(2)
    expect(await box.run(script)).toBe(2)
    await ctx.dispose()
    held.push((await box.run('() => 0')) as GuestFunction)
    held.push((await box.run('() => 0')) as GuestFunction)
    expect(await refusal(box.run('1 + 1'))).toEqual(REFUSED)
    for (const each of held) each[Symbol.dispose]()
    void gone
  },
  SLOW_MS,
)
