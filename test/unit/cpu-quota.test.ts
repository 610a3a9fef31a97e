import { describe, expect, test } from 'vitest'
import { CpuQuota } from '../../src/daemon/tenants/cpu-quota.ts'
import { CpuWindow } from '../../src/daemon/tenants/cpu-window.ts'

const START_MS = 1_000_000

describe('the last minute', () => {
  test('what is a minute old counts no more', () => {
    const window = new CpuWindow()
    window.add(300, START_MS)
    window.add(200, START_MS + 999)
    window.add(50, START_MS + 30_000)
    const used = [0, 30_000, 59_999, 60_000, 89_999, 90_000, 1e9].map((ms) => window.usedMs(START_MS + ms))
    expect(used).toEqual([550, 550, 550, 50, 50, 0, 0])
  })

  test('and when that will be is foretold', () => {
    const window = new CpuWindow()
    window.add(300, START_MS + 100)
    window.add(50, START_MS + 30_000)
    const falls = [400, 350, 349, 50, 49, 0].map((ms) => window.fallsTo(ms, START_MS + 30_500))
    expect(falls).toEqual([0, 0, 29_500, 29_500, 59_500, 59_500])
    expect(window.fallsTo(-1, START_MS + 30_500)).toBe(59_500)
    // It comes true.
    for (const at of [29_499, 29_500]) expect(window.usedMs(START_MS + 30_500 + at) <= 50).toBe(at === 29_500)
  })
})

describe('a quota of a second a minute', () => {
  const at = (quota: CpuQuota, ms: number) => quota.exhaustion(START_MS + ms)

  test('below, at and above', () => {
    const quota = new CpuQuota(1_000)
    quota.spend(999, START_MS)
    expect(at(quota, 0)).toBeUndefined()
    quota.spend(1, START_MS + 20_000)
    expect(at(quota, 20_000)).toEqual({ configured: 1, observed: 1, forMs: 40_000 })
    quota.spend(250, START_MS + 20_000)
    expect(at(quota, 20_000)).toEqual({ configured: 1, observed: 1.25, forMs: 40_000 })
    expect(at(quota, 59_999)).toMatchObject({ forMs: 1 })
    expect(at(quota, 60_000)).toBeUndefined()
  })

  test('it goes on when a tenth is left, not before, and at once if the limit is raised', () => {
    const quota = new CpuQuota(1_000)
    quota.spend(50, START_MS)
    quota.spend(60, START_MS + 10_000)
    quota.spend(890, START_MS + 20_000)
    expect(at(quota, 20_000)).toMatchObject({ forMs: 50_000 })
    // 950 are used, below the limit.
    expect(at(quota, 60_000)).toMatchObject({ observed: 0.95, forMs: 10_000 })
    expect(at(quota, 70_000)).toBeUndefined()
    quota.spend(200, START_MS + 70_000)
    expect(at(quota, 70_000)).toBeDefined()
    quota.limit(2_000)
    expect(at(quota, 70_000)).toBeUndefined()
  })

  test('it warns once on the way up', () => {
    const quota = new CpuQuota(1_000)
    const warns = (ms: number) => quota.warning(START_MS + ms)
    quota.spend(799, START_MS)
    expect(warns(0)).toBeUndefined()
    quota.spend(1, START_MS + 30_000)
    expect(warns(30_000)).toEqual({ configured: 1, observed: 0.8 })
    quota.spend(100, START_MS + 30_000)
    expect(warns(30_000)).toBeUndefined()
    expect(warns(60_000)).toBeUndefined()
    quota.spend(800, START_MS + 60_000)
    expect(warns(60_000)).toEqual({ configured: 1, observed: 0.901 })
  })
})
