import { expect, test } from 'vitest'
import { CrashCounts } from '../../src/daemon/tenants/crash-counts.ts'
import { MAX_CRASHED_SCRIPTS } from '../../src/protocol/limits.ts'

const script = (number: number): Uint8Array => Buffer.alloc(32, number.toString(16).padStart(4, '0'), 'hex')
const WINDOW_MS = 60_000

test('three crashes within the window, and no other, are refused for as long', () => {
  const counts = new CrashCounts(WINDOW_MS)
  const at = (tenant: string, number: number, ms: number): boolean => counts.crashed(tenant, script(number), ms) !== undefined
  const refused = (tenant: string, ms: number): number[] => counts.refused(tenant, ms).map(({ forMs }) => forMs)
  expect([at('a', 1, 0), at('a', 1, 30_000), at('b', 1, 31_000), at('a', 2, 32_000), at('a', 1, 60_000)]).toEqual(Array(5).fill(false))
  expect(refused('a', 60_000)).toEqual([])
  // Two of the last minute, and this one.
  expect(at('a', 1, 89_999)).toBe(true)
  // One that was on its way adds nothing.
  expect(at('a', 1, 90_000)).toBe(false)
  expect([refused('a', 90_000), refused('b', 90_000), refused('nobody', 90_000)]).toEqual([[59_999], [], []])
  expect(refused('a', 149_998)).toEqual([1])
  expect(refused('a', 149_999)).toEqual([])
  // It begins anew.
  expect([at('a', 1, 150_000), at('a', 1, 150_001), at('a', 1, 150_002)]).toEqual([false, false, true])
})

test('a tenant that crashes with ever other scripts has a table that does not grow, and keeps the latest', () => {
  const counts = new CrashCounts(WINDOW_MS)
  for (let number = 0; number < 3 * MAX_CRASHED_SCRIPTS; number++)
    for (let times = 0; times < 3; times++) counts.crashed('a', script(number), number)
  expect(counts.refused('a', 1_000)).toHaveLength(MAX_CRASHED_SCRIPTS)
  expect(counts.refused('a', 1_000).map(({ hash }) => hash.toString('hex'))).toContain(
    Buffer.from(script(3 * MAX_CRASHED_SCRIPTS - 1)).toString('hex'),
  )
})
