import { array, assert, constant, nat, oneof, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { type Timer, TimerQueue } from '../../src/worker/realm/timer-queue.ts'

const timer = (id: number, due: number): Timer => ({
  id,
  run: () => undefined,
  origin: 0,
  intervalMs: -1,
  isAwaited: true,
  isCounted: true,
  isOver: false,
  due,
  order: 0,
})
const clear = (queue: TimerQueue, id: number): void => {
  const found = queue.get(id)
  if (found !== undefined) queue.remove(found)
}
const drain = (queue: TimerQueue): number[] => {
  const ids: number[] = []
  for (let first = queue.first(); first !== undefined; first = queue.first()) {
    ids.push(first.id)
    queue.remove(first)
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
  for (const id of [1, 1, 3, 99]) clear(queue, id)
  expect([queue.size, queue.get(1), queue.get(2)?.due, drain(queue)]).toEqual([3, undefined, 2, [2, 4, 5]])
})

test('one that comes again, as an interval does, is there all the while', () => {
  const queue = new TimerQueue()
  const interval = timer(1, 1)
  queue.add(interval)
  queue.add(timer(2, 2))
  queue.again(interval, 3)
  expect([queue.get(1), drain(queue)]).toEqual([interval, [2, 1]])
})

test('nothing comes of an empty queue', () => {
  const queue = new TimerQueue()
  expect([queue.size, queue.first(), queue.get(1)]).toEqual([0, undefined, undefined])
})

/** What a deadline does: it ends whatever looks at a time, and nothing catches it. */
class Deadline extends Error {}

test('a deadline that ends any of its methods half-way loses no timer and no order', () => {
  const act = oneof(
    record({ type: constant('add' as const), at: nat(20) }),
    record({ type: constant('clear' as const), at: nat(60) }),
    record({ type: constant('take' as const), at: constant(0) }),
    record({ type: constant('again' as const), at: nat(20) }),
  )
  let looksLeft = Number.POSITIVE_INFINITY
  let ended = 0
  /** A timer that ends its user when its time has been looked at so often. */
  const touchy = (id: number, at: number): Timer => {
    let time = at
    return Object.defineProperty(timer(id, at), 'due', {
      get() {
        if (looksLeft-- > 0) return time
        looksLeft = Number.POSITIVE_INFINITY
        throw new Deadline()
      },
      set(value: number) {
        time = value
      },
    })
  }
  assert(
    property(array(record({ act, looks: nat(6) }), { minLength: 20, maxLength: 120 }), (acts) => {
      const queue = new TimerQueue()
      const all: Timer[] = []
      for (const {
        act: { type, at },
        looks,
      } of acts) {
        looksLeft = looks
        try {
          if (type === 'add') {
            const one = touchy(all.length + 1, at)
            all.push(one)
            queue.add(one)
          } else if (type === 'clear') clear(queue, at)
          else {
            const first = queue.first()
            if (first !== undefined && type === 'take') queue.remove(first)
            else if (first !== undefined) queue.again(first, at)
          }
        } catch (error) {
          if (!(error instanceof Deadline)) throw error
          ended++
        }
        looksLeft = Number.POSITIVE_INFINITY
        const there = all.filter((one) => queue.get(one.id) === one)
        const [first] = there.toSorted((a, b) => a.due - b.due || a.order - b.order)
        expect(queue.first()).toBe(first)
      }
      // None was lost that was neither cleared nor taken.
      const there = all.filter(({ isOver }) => !isOver)
      expect(drain(queue)).toEqual(there.toSorted((a, b) => a.due - b.due || a.order - b.order).map(({ id }) => id))
    }),
    { numRuns: 300 },
  )
  expect(ended).toBeGreaterThan(100)
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
          clear(queue, at)
          model = model.filter(({ id }) => id !== at)
        } else {
          const first = queue.first()
          if (first !== undefined) queue.remove(first)
          model.shift()
        }
        expect([queue.size, queue.first()?.id]).toEqual([model.length, model[0]?.id])
      }
      expect(drain(queue)).toEqual(model.map(({ id }) => id))
    }),
  )
})
