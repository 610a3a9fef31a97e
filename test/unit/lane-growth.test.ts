import { expect, test } from 'vitest'
import { LaneGrowth } from '../../src/client/lane-growth.ts'

const asks: string[] = []
const another = async (): Promise<boolean> => {
  asks.push('another')
  return true
}
const none = async (): Promise<boolean> => {
  asks.push('none')
  return false
}
const unreachable = async (): Promise<boolean> => {
  asks.push('unreachable')
  throw new Error('the daemon is gone')
}
const asked = (): string[] => asks.splice(0)

const idle = { load: 0, givenMs: -Infinity }
const busy = { load: 1, givenMs: 0 }

test('nobody is asked while a worker has nothing to do', () => {
  const growth = new LaneGrowth()
  for (let i = 0; i < 100; i++) expect(growth.chosen(idle, i, another)).toBeUndefined()
  expect(asked()).toEqual([])
})

test('a run that would go behind another waits for another worker, and others with it', async () => {
  const growth = new LaneGrowth()
  const first = growth.chosen(busy, 0, another)
  const second = growth.chosen(busy, 0, another)
  expect(asked()).toEqual(['another'])
  await Promise.all([first, second])
  expect([first, second]).not.toContain(undefined)
  await growth.chosen(busy, 1, another)
  expect(asked()).toEqual(['another'])
})

test.for([
  ['there is none', none],
  ['the daemon cannot be reached', unreachable],
] as const)('if %s, it is not asked again at once', async ([, ask]) => {
  const growth = new LaneGrowth()
  await growth.chosen(busy, performance.now(), ask)
  expect(asked()).toHaveLength(1)
  expect(growth.chosen(busy, 0, ask)).toBeUndefined()
  expect(asked()).toEqual([])
  await growth.chosen(busy, performance.now() + 1_000, another)
  expect(asked()).toEqual(['another'])
})

test('a worker that takes long to let the client in keeps no run', async () => {
  const growth = new LaneGrowth()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  await growth.chosen(busy, 0, async () => promise)
  expect(growth.chosen(busy, 1, another)).toBeUndefined()
  expect(asked()).toEqual([])
  resolve(true)
})

test('one run after the other without a pause, which leave a worker no time to make the next context, are worth another', () => {
  const growth = new LaneGrowth()
  const run = (atMs: number, sinceMs: number): void => void growth.chosen({ load: 0, givenMs: atMs - sinceMs }, atMs, another)
  for (let i = 0; i < 15; i++) run(i, 1)
  expect(asked()).toEqual([])
  // A pause, and it begins anew.
  run(100, 50)
  for (let i = 0; i < 15; i++) run(200 + i, 1)
  expect(asked()).toEqual([])
  run(215, 1)
  expect(asked()).toEqual(['another'])
})
