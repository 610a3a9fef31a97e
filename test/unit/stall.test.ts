import { expect, test } from 'vitest'
import { Stall } from '../../src/client/stall.ts'

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

function stallOf(answer: () => Promise<number>): { stall: Stall; asks: () => number } {
  let asks = 0
  const stall = new Stall(async () => {
    asks++
    return answer()
  })
  return { stall, asks: () => asks }
}

test('a worker that says something is not asked about', async () => {
  const { stall, asks } = stallOf(async () => 1_000)
  for (let ms = 0; ms < 200; ms++) {
    stall.given(ms, ms)
    expect(stall.isComputing(ms + 1, ms + 1)).toBe(false)
    await settled()
  }
  expect(asks()).toBe(0)
})

test('one that says nothing since it was given a call is asked about after a while, however many it is given; and computes until something comes', async () => {
  const { stall, asks } = stallOf(async () => 1_000)
  for (let ms = 0; ms < 20; ms++) {
    stall.given(7, ms)
    expect(stall.isComputing(7, ms)).toBe(false)
  }
  expect(asks()).toBe(0)
  expect(stall.isComputing(7, 20)).toBe(false)
  await settled()
  expect([stall.isComputing(7, 21), asks()]).toEqual([true, 1])
  stall.given(7, 22)
  expect(stall.isComputing(7, 23)).toBe(true)
  expect(stall.isComputing(8, 24)).toBe(false)
})

test.for<[name: string, answer: () => Promise<number>]>([
  ['waits', async () => 0],
  ['is of a daemon that does not answer', () => Promise.reject(new Error('gone'))],
])('one that %s is asked about again, since it may compute later', async ([, answer]) => {
  const { stall, asks } = stallOf(answer)
  stall.given(7, 0)
  for (const [ms, count] of [
    [20, 1],
    [30, 1],
    [40, 2],
  ] as const) {
    stall.isComputing(7, ms)
    await settled()
    expect([stall.isComputing(7, ms), asks()]).toEqual([false, count])
  }
})
