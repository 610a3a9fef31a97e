import * as fc from 'fast-check'
import type { Box, Context } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arbitraryValue } from '../support/arbitrary-value.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'
import { difference } from '../support/same-graph.ts'

const BATCH = 100
const BATCHES = 60

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  ctx = await box.createContext()
  await ctx.run('var kept, echo = (values) => values, keep = (values) => { kept = values }; 0')
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

/** `seed` is all that is needed to see a failure again. */
const valuesOf = (seed: number): unknown[] => fc.sample(arbitraryValue, { numRuns: BATCH, seed }).map(withoutStacks)

/** A host's stacks stay at home, and a guest's decoder makes one of name and message. */
function withoutStacks(value: unknown): unknown {
  const seen = new Set<unknown>()
  const visit = (item: unknown): void => {
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item) || seen.has(item)) return
    seen.add(item)
    if (item instanceof Error) item.stack = item.message ? `${item.name}: ${item.message}` : item.name
    if (item instanceof Map) [...item].flat().forEach(visit)
    else if (item instanceof Set) item.forEach(visit)
    if (item instanceof Error) visit(item.cause)
    for (const key of Object.keys(item)) visit((item as Record<string, unknown>)[key])
  }
  visit(value)
  return value
}

test(`${BATCH * BATCHES} random values come back from a guest as they went in`, async () => {
  const base = Math.floor(Math.random() * 2 ** 31)
  for (let batch = 0; batch < BATCHES; batch++) {
    const seed = (base + batch) | 0
    const values = valuesOf(seed)
    // Both ways into a guest, and both ways out.
    if (batch % 2) await ctx.call('keep', values)
    else await ctx.set('kept', values)
    const back = (batch % 3 ? await ctx.get('kept') : await ctx.call('echo', values)) as unknown[]
    for (const [i, value] of values.entries()) expect(difference(value, back[i]), `seed ${seed}, value ${i}`).toBe(undefined)
  }
})
