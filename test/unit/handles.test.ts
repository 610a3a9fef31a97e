import { describe, expect, test } from 'vitest'
import { ExportedFunctions } from '../../src/protocol/handles/exported-functions.ts'
import { ImportedFunctions } from '../../src/protocol/handles/imported-functions.ts'
import { CodecError } from '../../src/protocol/msgpack/codec-error.ts'
import { eventually } from '../support/eventually.ts'
import { collectGarbage } from '../support/garbage.ts'

const f = (): number => 1
const g = (): number => 2
/** One that only listens. */
const h = (): number => 3

describe('exported functions', () => {
  const table = (maxOpen = 10): { table: ExportedFunctions; dropped: [object, boolean][] } => {
    const dropped: [object, boolean][] = []
    return {
      table: new ExportedFunctions(maxOpen, { isListener: (fn) => fn === h, dropped: (fn, wasSent) => void dropped.push([fn, wasSent]) }),
      dropped,
    }
  }

  test('one function has one id as long as the peer holds it', () => {
    const { table: exported, dropped } = table()
    expect(exported.send(f, false)).toEqual({ id: 1, isAsync: false, returns: false, name: 'f' })
    expect(exported.send(g, true)).toEqual({ id: 2, isAsync: true, returns: false, name: 'g' })
    expect(exported.send(f, false).id).toBe(1)
    exported.commit(0)
    expect([exported.open, exported.get(1)?.fn, exported.get(2)?.fn, exported.get(3)]).toEqual([2, f, g, undefined])
    exported.release(1, 1)
    expect([exported.get(1)?.fn, dropped]).toEqual([f, []])
    exported.release(1, 1)
    expect([exported.get(1), exported.open, dropped]).toEqual([undefined, 1, [[f, true]]])
    expect(exported.send(f, false).id).toBe(3)
  })

  test.each<[what: string, id: number, count: number, open: number]>([
    ['an id that there never was', 9, 1, 1],
    ['more than were sent', 1, 5, 0],
    ['as many as a message can say', 1, 0xffff_ffff, 0],
    ['none', 1, 0, 1],
  ])('giving back %s', (_what, id, count, open) => {
    const { table: exported } = table()
    exported.send(f, false)
    exported.commit(0)
    exported.release(id, count)
    expect(exported.open).toBe(open)
    exported.release(id, count)
    expect(exported.send(g, false).id).toBe(2)
  })

  test('a release that crosses with a new handle leaves the new one', () => {
    const { table: exported } = table()
    exported.send(f, false)
    exported.send(f, false)
    exported.commit(0)
    exported.release(1, 1)
    expect(exported.get(1)?.fn).toBe(f)
  })

  describe('a message that fails', () => {
    test('has sent nothing', () => {
      const { table: exported, dropped } = table()
      exported.send(f, false)
      exported.commit(0)
      const mark = exported.mark()
      exported.send(f, false)
      exported.send(g, false)
      exported.rollback(mark)
      expect([exported.open, exported.mark(), dropped]).toEqual([1, 0, [[g, false]]])
      exported.release(1, 1)
      expect(exported.open).toBe(0)
    })

    /** What an outer message does, and one inside of it: `+` is committed, `-` rolled back. Both send f, the outer one also g. */
    test.each<[outer: '+' | '-', inner: '+' | '-', open: number]>([
      ['+', '+', 2],
      ['+', '-', 2],
      ['-', '+', 1],
      ['-', '-', 0],
    ])('outer %s with an inner %s', (outer, inner, open) => {
      const { table: exported } = table()
      const first = exported.mark()
      exported.send(f, false)
      const second = exported.mark()
      exported.send(f, false)
      if (inner === '+') exported.commit(second)
      else exported.rollback(second)
      exported.send(g, false)
      if (outer === '+') exported.commit(first)
      else exported.rollback(first)
      expect([exported.open, exported.mark()]).toEqual([open, 0])
      exported.release(1, (outer === '+' ? 1 : 0) + (inner === '+' ? 1 : 0))
      expect(exported.get(1)).toBeUndefined()
    })
  })

  test('no more than the limit; those that are known still go', () => {
    const { table: exported } = table(2)
    exported.send(f, false)
    exported.send(g, false)
    expect(() => exported.send(() => 3, false)).toThrow(
      new CodecError('ERR_VALUE_TOO_LARGE', 'the other side holds the limit of 2 functions; release some', undefined, 'handles', 2),
    )
    expect(exported.send(f, false).id).toBe(1)
    exported.commit(0)
    exported.release(2, 1)
    expect(exported.send(() => 3, false).id).toBe(3)
  })

  test('those that only listen are counted apart', () => {
    const { table: exported } = table()
    for (const fn of [f, h, h]) exported.send(fn, false)
    exported.commit(0)
    expect([exported.open, exported.lasting]).toEqual([2, 1])
    exported.release(1, 1)
    expect([exported.open, exported.lasting]).toEqual([1, 0])
    exported.release(2, 2)
    expect([exported.open, exported.lasting]).toEqual([0, 0])
  })

  test('all are dropped with the peer', () => {
    const { table: exported, dropped } = table()
    exported.send(f, false)
    exported.send(g, false)
    exported.releaseAll()
    expect([exported.open, dropped]).toEqual([
      0,
      [
        [f, true],
        [g, true],
      ],
    ])
  })

  test.each<[what: string, fn: object, name: string]>([
    ['a name', f, 'f'],
    ['none', () => 1, ''],
    ['a name that is no text', Object.defineProperty(() => 1, 'name', { value: 5 }), ''],
    [
      'a name that throws',
      Object.defineProperty(() => 1, 'name', {
        get: () => {
          throw new Error('no')
        },
      }),
      '',
    ],
    ['a long name', Object.defineProperty(() => 1, 'name', { value: 'n'.repeat(1_000) }), 'n'.repeat(100)],
    ['a name cut in the middle of a character', Object.defineProperty(() => 1, 'name', { value: `${'n'.repeat(99)}😀` }), ''],
  ])('%s', (_what, fn, name) => {
    expect(table().table.send(fn, false).name).toBe(name)
  })
})

describe('imported functions', () => {
  const table = (maxOpen = 10): { table: ImportedFunctions<object>; told: () => readonly number[]; calls: () => number } => {
    let calls = 0
    const imported = new ImportedFunctions<object>(maxOpen, () => void calls++)
    return {
      table: imported,
      told: () => Array.prototype.slice.call(imported.takeReleased()) as number[],
      calls: () => calls,
    }
  }
  const make = (): object => () => 0

  test('a handle that comes again is the same function, and is given back as often as it came', () => {
    const { table: imported, told, calls } = table()
    const one = imported.receive(7, make)
    expect(
      imported.receive(7, () => {
        throw new Error('made again')
      }),
    ).toBe(one)
    expect(imported.receive(8, make)).not.toBe(one)
    expect([imported.open, imported.get(7) === one, imported.get(9)]).toEqual([2, true, undefined])
    imported.release(7)
    imported.release(7)
    imported.release(99)
    expect([imported.open, imported.get(7), told(), told(), calls()]).toEqual([1, undefined, [7, 2], [], 1])
    expect(imported.receive(7, make)).not.toBe(one)
    imported.release(7)
    imported.release(8)
    expect([told(), calls()]).toEqual([[7, 1, 8, 1], 2])
  })

  test('no more than the limit; those that are known still come', () => {
    const { table: imported } = table(1)
    const one = imported.receive(1, make)
    expect(() => imported.receive(2, make)).toThrow(
      new CodecError('ERR_VALUE_TOO_LARGE', 'more than the limit of 1 functions of the other side'),
    )
    expect(imported.receive(1, make)).toBe(one)
    imported.release(1)
    expect(imported.receive(2, make)).toBeInstanceOf(Function)
  })

  test('what nobody holds is given back, each once', async () => {
    const { table: imported, told } = table(100)
    const kept = imported.receive(1, make)
    for (let id = 2; id <= 50; id++) imported.receive(id, make)
    imported.receive(50, make)
    const given: number[] = []
    await eventually('the collection', () => {
      collectGarbage()
      given.push(...told())
      return imported.open === 1
    })
    expect(imported.get(1)).toBe(kept)
    const ids = given.filter((_, at) => at % 2 === 0).sort((a, b) => a - b)
    expect(ids).toEqual(Array.from({ length: 49 }, (_, n) => n + 2))
    expect(given[given.indexOf(50) + 1]).toBe(2)
  })

  test('a handle that comes after its function was collected, and before that is noticed, takes over the count', async () => {
    const { table: imported, told } = table()
    imported.receive(1, make)
    // Collected at the next turn at the latest; whether it is noticed by then makes no difference to the sum.
    collectGarbage()
    let again: object | undefined = imported.receive(1, make)
    const given: number[] = []
    const sum = (): number => given.reduce((all, value, at) => (at % 2 === 1 ? all + value : all), 0)
    await new Promise(setImmediate)
    given.push(...told())
    expect(imported.get(1)).toBe(again)
    again = undefined
    await eventually('the collection', () => {
      collectGarbage()
      given.push(...told())
      return imported.open === 0
    })
    expect(sum()).toBe(2)
  })
})
