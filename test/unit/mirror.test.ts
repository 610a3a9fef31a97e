import { describe, expect, test } from 'vitest'
import { CodecError } from '../../src/protocol/msgpack/codec-error.ts'
import { mirrorOf, MirrorPair, mismatch } from '../support/mirrors.ts'
import { decode, encode } from '../support/codec.ts'

type Bag = Record<PropertyKey, unknown>

describe('two mirrors', () => {
  test('tell only what has changed', () => {
    const root: Bag = { a: { n: 1 }, b: [1, 2], c: 'text' }
    const mirror = mirrorOf(root, 1)
    const other: Bag = {}
    const theirs = mirrorOf(other, 2)
    const cross = (delta: unknown): unknown => decode(encode(delta))
    theirs.hear(cross(mirror.tell(undefined)))
    expect(other).toEqual(root)
    mirror.hear(cross(theirs.tell(undefined)))
    const nothing = mirror.tell(undefined)
    expect(nothing[2].length).toBe(0)
    theirs.hear(cross(nothing))
    mirror.hear(cross(theirs.tell(undefined)))
    ;(root['a'] as Bag)['n'] = 2
    expect(cross(mirror.tell(undefined))).toMatchObject([
      expect.any(Number),
      expect.any(Number),
      [[1, 0, false, true, ['n'], [0], [2]]],
      false,
      undefined,
    ])
  })

  test('tell again what was lost', () => {
    const pair = new MirrorPair()
    pair.here['a'] = { n: 1, inner: [1] }
    pair.lose('here')
    pair.exchange('here')
    expect(pair.there).toEqual({ a: { n: 1, inner: [1] } })
    pair.exchange('there')
    ;(pair.there['a'] as Bag)['n'] = 2
    pair.there['b'] = new Map([[pair.there['a'], new Set([1])]])
    pair.lose('there')
    pair.exchange('here')
    pair.exchange('there')
    expect(mismatch(pair.here, pair.there)).toBeUndefined()
    expect((pair.here['a'] as Bag)['n']).toBe(2)
  })

  test('tell again what a walk had met that came to no end', () => {
    const pair = new MirrorPair()
    pair.exchange('here')
    pair.exchange('there')
    Object.assign(pair.here, { empty: {}, inner: { n: 1 }, list: [1], map: new Map([[1, 2]]), date: new Date(5) })
    pair.here['bad'] = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no keys')
        },
      },
    )
    expect(() => pair.exchange('here')).toThrow('no keys')
    delete pair.here['bad']
    pair.exchange('here')
    expect(mismatch(pair.here, pair.there)).toBeUndefined()
  })

  test('know an object that was away again', () => {
    const pair = new MirrorPair()
    const away = { n: 1 }
    pair.here['a'] = away
    pair.exchange('here')
    const theirs = pair.there['a'] as Bag
    for (let i = 0; i < 3; i++) {
      pair.exchange('there')
      delete pair.there['a']
      theirs['n'] = 10 + i
      pair.exchange('there')
      expect('a' in pair.here).toBe(false)
      pair.exchange('here')
      pair.there['a'] = theirs
      pair.exchange('there')
      expect(pair.here['a']).toBe(away)
      expect(away.n).toBe(10 + i)
      pair.exchange('here')
    }
  })

  test('let an object that comes back be as who brings it has it, whatever the other side had put there last', () => {
    const pair = new MirrorPair()
    pair.here['o'] = { n: 1 }
    pair.exchange('here')
    pair.exchange('there')
    const mine = pair.here['o']
    const theirs = pair.there['o'] as Record<string, unknown>
    theirs['late'] = 'text'
    delete pair.there['o']
    pair.exchange('there')
    pair.exchange('here')
    pair.here['again'] = mine
    pair.exchange('here')
    expect(pair.there).toEqual({ again: { n: 1 } })
    expect(pair.there['again']).toBe(theirs)
  })

  test('give a value that comes with a delta as the object that it is', () => {
    const pair = new MirrorPair()
    const object = { n: 1 }
    pair.here['a'] = object
    pair.exchange('here')
    expect(pair.exchange('there', pair.there['a'])).toBe(object)
    expect(pair.exchange('there', { other: pair.there['a'] })).toEqual({ other: object })
    expect(pair.exchange('there', pair.there)).toBe(pair.here)
  })

  test('hold an object as long as the other side may speak of it', async () => {
    const pair = new MirrorPair()
    pair.here['a'] = { n: 1 }
    pair.exchange('here')
    pair.exchange('there')
    const kept = pair.there['a'] as Bag
    delete pair.here['a']
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      ;(globalThis as { gc?: () => void }).gc?.()
    }
    pair.exchange('here')
    pair.there['again'] = kept
    pair.exchange('there')
    expect(pair.here).toEqual({ again: { n: 1 } })
  })
})

describe('a delta that is none', () => {
  const node = (...parts: unknown[]): unknown => [0, 1, [parts], false, undefined]
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['an object', {}],
    ['too short', [0, 1, []]],
    ['a number that is none', [0, 'x', [], false, undefined]],
    ['nodes that are none', [0, 1, {}, false, undefined]],
    ['a node that is none', [0, 1, [1], false, undefined]],
    ['an id that is none', node('x', 0)],
    ['a kind that there is not', node(2, 99)],
    ['a value that there is not', [0, 1, [], true, 12]],
    ['the root as an array', node(0, 1, [], [])],
    ['lists of different lengths', node(0, 0, false, true, ['a'], [], [])],
    ['a key that is no name', node(0, 0, false, true, [{}], [0], [1])],
    ['a key that there is not', node(0, 0, false, true, [77], [0], [1])],
    ['a reference to nothing', node(0, 0, false, true, ['a'], [1], [55])],
    ['a function named then', node(0, 0, false, true, ['then'], [0], [() => undefined])],
    ['an accessor named then', node(0, 0, false, true, ['then'], [16], [[() => undefined, undefined]])],
    ['an accessor that is no pair', node(0, 0, false, true, ['a'], [16], [1])],
    ['items that are none', node(2, 1, {}, [])],
    ['a reference among items to nothing', node(2, 1, [1], [0])],
    ['a reference beyond the items', node(2, 1, [], [1e9])],
    ['a reference in a place that is no number', node(2, 1, [], [{ toString: 1 }])],
    ['a reference as the length of the items', node(2, 1, [], ['length'])],
    ['a sparse array without a length', node(2, 2, ['x', 'y'], [])],
    ['a thenable array', node(2, 2, [1, 'then', () => undefined], [])],
    ['a copy of nothing', node(2, 5, 1)],
    ['a symbol of an object', node(2, 6, {})],
    ['a stand-in for an object', node(2, 7, {})],
  ])('%s is refused', (_what, delta) => {
    const root: Bag = {}
    expect(() => mirrorOf(root, 1).hear(delta)).toThrow(CodecError)
    expect(Object.keys(root)).toEqual([])
  })

  test('nobody’s prototype is touched', () => {
    const root: Bag = { inner: {} }
    const mirror = mirrorOf(root, 1)
    mirror.tell(undefined)
    mirror.hear([
      1,
      1,
      [
        [0, 0, false, true, ['__proto__', 'constructor', 'toString'], [0, 0, 0], [1, 2, 3]],
        [1, 0, false, true, ['__proto__'], [1], [0]],
      ],
      false,
      undefined,
    ])
    expect(Object.getPrototypeOf(root)).toBe(Object.prototype)
    expect(Object.hasOwn(root, '__proto__')).toBe(true)
    expect(Object.getPrototypeOf(root['inner'])).toBe(Object.prototype)
    expect(({} as Bag)['constructor']).toBe(Object)
  })

  test('a length that no array has is refused or left', () => {
    const root: Bag = {}
    mirrorOf(root, 1).hear([
      0,
      1,
      [
        [2, 2, [1e20], []],
        [0, 0, false, true, ['a'], [1], [2]],
      ],
      false,
      undefined,
    ])
    expect(root['a']).toEqual([])
  })
})
