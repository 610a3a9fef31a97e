import { expect, test } from 'vitest'
import { Overruns } from '../../src/worker/overruns.ts'

test('three within a minute are frequent, three in a longer time are not', () => {
  const overruns = new Overruns()
  overruns.add(0)
  overruns.add(50_000)
  expect(overruns.areFrequent(50_000)).toBe(false)
  overruns.add(61_000)
  expect(overruns.areFrequent(61_000)).toBe(false)
  overruns.add(70_000)
  expect([70_000, 109_999, 110_000].map((ms) => overruns.areFrequent(ms))).toEqual([true, true, false])
})
