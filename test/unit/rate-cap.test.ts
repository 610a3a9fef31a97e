import { expect, test } from 'vitest'
import { RateCap } from '../../src/daemon/rate-cap.ts'

test('a second at a time', () => {
  let now = 100
  const cap = new RateCap(10, () => now)
  const table = [
    [100, 9, false],
    [500, 1, false],
    [1_099, 1, true],
    [1_099, 0, true],
    [1_100, 10, false],
    [1_100, 1, true],
    [9_000, 11, true],
    [10_000, 10, false],
  ] as const
  for (const [atMs, amount, exceeded] of table) {
    now = atMs
    expect([atMs, amount, cap.exceeded(amount)]).toEqual([atMs, amount, exceeded])
  }
})
