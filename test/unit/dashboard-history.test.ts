import { expect, test } from 'vitest'
import { History, quantile } from '../../src/dashboard/history.ts'
import type { DaemonStatus } from '../../src/daemon/status.ts'

function statusOf(completed: number, threw: number, durations: readonly [number | undefined, number][]): DaemonStatus {
  const runs = { completed, threw, timeout: 0, cancelled: 0, failed: 0 }
  return {
    tenants: [{ tenant: 'a', runs, durations: durations.map(([maxMs, count]) => ({ maxMs, runs: count })) }],
  } as unknown as DaemonStatus
}

test('quantiles are bounds of classes', () => {
  const classes = [
    { maxMs: 1, runs: 98 },
    { maxMs: 5, runs: 1 },
    { maxMs: undefined, runs: 1 },
  ]
  expect([0.5, 0.98, 0.99, 1].map((share) => quantile(classes, share))).toEqual([1, 1, 5, 5])
  expect(quantile([], 0.5)).toBeNaN()
})

test('rates are of what grew between two looks', () => {
  const history = new History()
  history.add(
    statusOf(100, 0, [
      [1, 100],
      [undefined, 0],
    ]),
    10,
  )
  history.add(
    statusOf(130, 10, [
      [1, 100],
      [undefined, 40],
    ]),
    12,
  )
  // A daemon that was started again counts from zero.
  history.add(
    statusOf(0, 0, [
      [1, 0],
      [undefined, 0],
    ]),
    13,
  )
  expect(history.intervals).toEqual([
    { at: 12, runsPerSecond: 20, p50Ms: 1, p99Ms: 1 },
    { at: 13, runsPerSecond: 0, p50Ms: Number.NaN, p99Ms: Number.NaN },
  ])
})
