import { array, assert, constant, nat, oneof, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { type Timer, TimerQueue } from '../../src/worker/realm/timer-queue.ts'

const timer = (id: number, due: number): Timer => ({ id, run: () => undefined, origin: 0, intervalMs: -1, isAwaited: true, due, order: 0 })
const drain = (queue: TimerQueue): number[] => {
  const ids: number[] = []
  for (let first = queue.first(); first !== undefined; first = queue.first()) {
    ids.push(first.id)
    queue.shift()
  }
  return ids
}

test.each<[what: string, due: readonly number[], order: readonly number[]]>([
  ['none', [], []],
  ['one', [5], [1]],
  ['in order', [1, 2, 3], [1, 2, 3]],
  ['the other way round', [3, 2, 1], [3, 2, 1]],
  ['equal ones in the order in which they were set', [5, 5, 1, 5, 1], [3, 5, 1, 2, 4]],
  ['at once before all others', [0, 7, 0], [1, 3, 2]],
])('%s', (_what, due, order) => {
  const queue = new TimerQueue()
  due.forEach((at, n) => queue.add(timer(n + 1, at)))
  expect(queue.size).toBe(due.length)
  expect(drain(queue)).toEqual(order)
  expect([queue.size, queue.first()]).toEqual([0, undefined])
})

test('a cleared one does not come', () => {
  const queue = new TimerQueue()
  for (let id = 1; id <= 5; id++) queue.add(timer(id, id))
  for (const id of [1, 1, 3, 99]) queue.clear(id)
  expect([queue.size, queue.get(1), queue.get(2)?.due, drain(queue)]).toEqual([3, undefined, 2, [2, 4, 5]])
})

test('one that is set again while it is out, as an interval is', () => {
  const queue = new TimerQueue()
  const interval = timer(1, 1)
  queue.add(interval)
  queue.add(timer(2, 2))
  queue.shift()
  interval.due = 3
  queue.add(interval)
  expect(drain(queue)).toEqual([2, 1])
})

test('takes nothing out of an empty queue', () => {
  const queue = new TimerQueue()
  queue.shift()
  expect(queue.size).toBe(0)
})

test('gives the same order as a sorted list, whatever is added, cleared and taken', () => {
  const act = oneof(
    record({ type: constant('add' as const), at: nat(20) }),
    record({ type: constant('clear' as const), at: nat(200) }),
    record({ type: constant('take' as const), at: constant(0) }),
  )
  assert(
    property(array(act, { maxLength: 400 }), (acts) => {
      const queue = new TimerQueue()
      let model: { id: number; due: number }[] = []
      let last = 0
      for (const { type, at } of acts) {
        if (type === 'add') {
          queue.add(timer(++last, at))
          model.push({ id: last, due: at })
          model.sort((a, b) => a.due - b.due || a.id - b.id)
        } else if (type === 'clear') {
          queue.clear(at)
          model = model.filter(({ id }) => id !== at)
        } else {
          // As its user does: first cleared ones are left behind.
          queue.first()
          queue.shift()
          model.shift()
        }
        expect([queue.size, queue.first()?.id]).toEqual([model.length, model[0]?.id])
      }
      expect(drain(queue)).toEqual(model.map(({ id }) => id))
    }),
  )
})
