import { describe, expect, test } from 'vitest'
import { BACKGROUND_BURST_MS, BACKGROUND_MS_PER_SECOND } from '../../src/protocol/limits.ts'
import { BackgroundBudget } from '../../src/worker/background-budget.ts'
import type { ChannelContext } from '../../src/worker/channel-context.ts'
import type { Run } from '../../src/worker/run.ts'
import { Waits } from '../../src/worker/waits.ts'
import { eventually } from '../support/eventually.ts'

/** Milliseconds in which the budget gains one. */
const PER_MS = 1_000 / BACKGROUND_MS_PER_SECOND

describe('the background budget', () => {
  /** Turns in order: when they begin, how long they take. Then how long a turn may take at `atMs`, and how long to wait for one. */
  test.each<[what: string, turns: readonly (readonly [atMs: number, ms: number])[], atMs: number, available: number, waitMs: number]>([
    ['at first a burst', [], 1_000, BACKGROUND_BURST_MS, 0],
    [
      'what was spent in parts leaves a burst, as long as there is something left',
      [
        [1_000, 100],
        [1_000, 300],
      ],
      1_000,
      BACKGROUND_BURST_MS,
      0,
    ],
    ['all of it: the next one waits', [[1_000, BACKGROUND_BURST_MS]], 1_000, BACKGROUND_BURST_MS, PER_MS],
    [
      'half a burst too much',
      [
        [1_000, BACKGROUND_BURST_MS],
        [1_000, 250],
      ],
      1_000,
      BACKGROUND_BURST_MS - 250,
      251 * PER_MS,
    ],
    [
      'two bursts: next to nothing, but an answer gets through',
      [
        [1_000, BACKGROUND_BURST_MS],
        [1_000, BACKGROUND_BURST_MS],
      ],
      1_000,
      5,
      501 * PER_MS,
    ],
    [
      'time pays',
      [
        [1_000, BACKGROUND_BURST_MS],
        [1_000, 100],
      ],
      1_000 + 200 * PER_MS,
      BACKGROUND_BURST_MS,
      0,
    ],
    ['time pays no more than a burst', [[1_000, 100]], 1e9, BACKGROUND_BURST_MS, 0],
  ])('%s', (_what, turns, atMs, available, waitMs) => {
    const budget = new BackgroundBudget()
    for (const [at, ms] of turns) {
      budget.available(at)
      budget.spend(ms)
    }
    expect(budget.available(atMs)).toBe(available)
    expect(budget.waitMs(atMs)).toBe(waitMs)
  })

  test('a loop that takes all it gets has its part of the time in the long run', () => {
    const budget = new BackgroundBudget()
    let nowMs = 1_000
    let computedMs = 0
    while (nowMs < 101_000) {
      const waitMs = budget.waitMs(nowMs)
      if (waitMs > 0) {
        nowMs += waitMs
        continue
      }
      const ms = budget.available(nowMs)
      budget.spend(ms)
      computedMs += ms
      nowMs += ms
    }
    expect(computedMs / 100_000).toBeGreaterThan(0.9 * (BACKGROUND_MS_PER_SECOND / 1_000))
    expect(computedMs / 100_000).toBeLessThan(1.2 * (BACKGROUND_MS_PER_SECOND / 1_000))
  })
})

describe('waits', () => {
  /** As much of a context and of a run as Waits looks at. */
  const contextWith = (outside: number, pending = 0): ChannelContext =>
    ({ realm: { record: { outside } }, pending: { size: pending }, idlers: { size: 0 } }) as unknown as ChannelContext
  const runIn = (context: ChannelContext, inMs: number): Run => ({ context, deadlineMs: performance.now() + inMs }) as unknown as Run

  test('each run expires at its deadline, in their order, and one that is removed does not', async () => {
    const expired: Run[] = []
    const waits: Waits = new Waits({
      drain: () => undefined,
      expire(run) {
        expired.push(run)
        waits.remove(run)
      },
    })
    const context = contextWith(0)
    const [late, early, removed] = [runIn(context, 30), runIn(context, 5), runIn(context, 10)]
    for (const run of [late, early, removed]) waits.add(run)
    waits.remove(removed)
    await eventually('two deadlines', () => expired.length === 2)
    expect(expired).toEqual([early, late])
    expect(performance.now()).toBeGreaterThanOrEqual(late.deadlineMs)
  })

  test('a context is drained until it waits for nothing outside', async () => {
    const record = { outside: 1 }
    const context = { realm: { record }, pending: { size: 1 }, idlers: { size: 0 } } as unknown as ChannelContext
    let drained = 0
    const waits = new Waits({
      drain() {
        if (++drained === 5) record.outside = 0
      },
      expire: () => undefined,
    })
    waits.watch(context)
    await eventually('five', () => drained === 5)
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
    expect(drained).toBe(5)
  })

  test.each<[what: string, end: (waits: Waits, context: ChannelContext) => void]>([
    ['that is forgotten', (waits, context) => waits.forget(context)],
    ['of a client that is gone', (waits) => waits.clear()],
  ])('a context %s is drained no more', async (_what, end) => {
    const context = contextWith(1)
    let drained = 0
    const waits = new Waits({ drain: () => void drained++, expire: () => undefined })
    waits.watch(context)
    await eventually('some', () => drained > 2)
    end(waits, context)
    const before = drained
    await new Promise((resolve) => {
      setTimeout(resolve, 50)
    })
    expect(drained).toBe(before)
  })
})
