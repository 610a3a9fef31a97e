import { expect, test } from 'vitest'
import { RunCounts } from '../../src/daemon/metrics/run-counts.ts'
import type { WorkerProcess } from '../../src/daemon/worker-process.ts'
import { ERROR_CODES } from '../../src/protocol/error-codes.ts'
import { DURATION_BOUNDS_MS, type RunTally } from '../../src/protocol/run-tally.ts'
import { RunCounter } from '../../src/worker/run-counter.ts'

const workerOf = (tenant: string): WorkerProcess => ({ tenant }) as unknown as WorkerProcess
const tally = (outcomes: readonly number[], durations: readonly number[] = [], totalMs = 0, caches: readonly number[] = []): RunTally => ({
  outcomes,
  durations,
  totalMs,
  caches,
})

test('a worker sorts runs by outcome and duration', () => {
  const counter = new RunCounter()
  counter.ended(0, 0.05)
  counter.ended(0, 0.1)
  counter.ended(1, 3)
  counter.ended(1, -1)
  counter.failed(ERROR_CODES.ERR_TIMEOUT, 20_000)
  counter.failed(ERROR_CODES.ERR_CONTEXT_LIMIT, -1)
  expect(counter.outcomes).toEqual([2, 2, 1, 0, 1])
  expect(counter.durations[0]).toBe(2)
  expect(counter.durations[DURATION_BOUNDS_MS.indexOf(5)]).toBe(1)
  expect(counter.durations.at(-1)).toBe(1)
  expect(counter.totalMs).toBeCloseTo(20_003.15)
  counter.looked('scripts', true)
  counter.looked('scripts', false)
  counter.looked('code', false)
  expect(counter.caches).toEqual([1, 1, 0, 1])
})

test('workers of a tenant add up, from what each has counted since its start', () => {
  const counts = new RunCounts()
  const [one, two] = [workerOf('a'), workerOf('a')]
  counts.heard(one, tally([2, 1], [3], 5, [7, 1]))
  counts.heard(two, tally([10]))
  counts.heard(one, tally([4, 1], [5], 6, [9, 1, 1]))
  expect(counts.of('a').outcomes.slice(0, 2)).toEqual([14, 1])
  expect(counts.of('a').durations[0]).toBe(5)
  expect(counts.of('a').totalMs).toBe(6)
  expect(counts.of('a').caches).toEqual([9, 1, 1, 0])
})

test('what a hostile worker claims goes neither down nor up too fast, and is its own tenant’s', () => {
  let now = 0
  const counts = new RunCounts(() => now)
  const liar = workerOf('a')
  counts.heard(workerOf('b'), tally([1]))
  counts.heard(liar, tally([1e300, Number.NaN, -5, Number.POSITIVE_INFINITY, 0.5], [1], 1e300, [1e300, Number.NaN, -5, 0.5]))
  expect(counts.of('a').outcomes).toEqual([100_000, 0, 0, 0, 0])
  expect(counts.of('a').totalMs).toBe(4_000_000)
  expect(counts.of('a').caches).toEqual([100_000, 0, 0, 0])
  now = 1_000
  counts.heard(liar, tally([0]))
  counts.heard(liar, tally([1e9]))
  now = 2_000
  counts.heard(liar, tally([1e12]))
  expect(counts.of('a').outcomes[0]).toBe(100_000 + 100_000 + 2_100_000)
  expect(counts.of('b').outcomes[0]).toBe(1)
})

test('labels are bounded', () => {
  const counts = new RunCounts()
  for (let number = 0; number < 1_000; number++) counts.heard(workerOf(`t${number}`), tally([1]))
  expect(counts.tenants.size).toBe(201)
  expect(counts.of('t999').outcomes[0]).toBe(800)
  expect(counts.labelOf('t5')).toBe('t5')
})
