import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { CodecError } from '../../src/protocol/msgpack/codec-error.ts'
import { arbitraryValue } from '../support/arbitrary-value.ts'
import { mirrorOf, MirrorPair, mismatch, type Pairs } from '../support/mirrors.ts'

type Bag = Record<PropertyKey, unknown>

/** All objects of a graph. */
function objectsIn(root: object): object[] {
  const seen = new Set<object>([root])
  for (const object of seen) {
    const inner: unknown[] =
      object instanceof Map
        ? [...(object as Map<unknown, unknown>)].flat()
        : object instanceof Set
          ? [...(object as Set<unknown>)]
          : Object.values(object)
    for (const value of inner) if (typeof value === 'object' && value !== null) seen.add(value)
  }
  return [...seen]
}

/** One change of a graph, as numbers choose it. `kept` are objects that this side still has. */
function change(root: Bag, kept: object[], [where, what, which, key]: readonly [number, number, number, number]): void {
  const all = objectsIn(root)
  const target = all[where % all.length] as Bag
  const known = [...all, ...kept]
  const made = [
    1,
    'text',
    null,
    undefined,
    {},
    { n: which },
    [],
    Object.assign([1], { 2: 3 }),
    new Map(),
    new Set(),
    new Date(which),
    known[which % known.length],
  ][what % 12]
  const name = `k${key % 5}`
  if (Array.isArray(target)) {
    if (what % 3 === 0) target.pop()
    else target[key % 6] = made
  } else if (target instanceof Map) {
    if (what % 4 === 0) target.delete(name)
    else (target as Map<unknown, unknown>).set(what % 2 === 0 ? name : made, made)
  } else if (target instanceof Set) {
    if (what % 4 === 0) target.clear()
    else (target as Set<unknown>).add(made)
  } else if (target instanceof Date) target.setTime(which)
  else if (what % 4 === 0) {
    const gone = target[name]
    if (typeof gone === 'object' && gone !== null) kept.push(gone)
    delete target[name]
  } else target[name] = made
}

const choice = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000), fc.nat(1000))
const turn = fc.record({ isHere: fc.boolean(), isLost: fc.boolean(), changes: fc.array(choice, { minLength: 1, maxLength: 6 }) })

test('two graphs stay the same, object by object, whatever changes on either side', () => {
  fc.assert(
    fc.property(fc.array(turn, { minLength: 1, maxLength: 12 }), (turns) => {
      const pair = new MirrorPair()
      const kept = { here: [] as object[], there: [] as object[] }
      const pairs: Pairs = new Map()
      for (const { isHere, isLost, changes } of turns) {
        const from = isHere ? 'here' : 'there'
        for (const each of changes) change(pair[from], kept[from], each)
        if (isLost) pair.lose(from)
        pair.exchange(from)
        const now: Pairs = new Map()
        expect(mismatch(pair.here, pair.there, now)).toBeUndefined()
        // Who was whom still is.
        for (const [one, other] of now) {
          expect(!pairs.has(one) || pairs.get(one) === other).toBe(true)
          pairs.set(one, other)
        }
        pair.exchange(isHere ? 'there' : 'here')
      }
    }),
    { numRuns: 3_000 },
  )
})

test('any value is heard or refused with a CodecError', () => {
  const id = fc.oneof(fc.nat(12), fc.nat(12), fc.nat(12), arbitraryValue)
  const name = fc.constantFrom('a', 'then', '__proto__', 'length', '0')
  const key = fc.oneof(id, name)
  const any = fc.oneof(id, name, arbitraryValue)
  const items = fc.array(any, { maxLength: 6 })
  const property = fc.tuple(key, fc.oneof(fc.nat(63), fc.nat(63), arbitraryValue), fc.oneof(any, fc.array(any, { maxLength: 2 })))
  const object = fc
    .tuple(id, fc.boolean(), fc.boolean(), fc.array(property, { maxLength: 4 }))
    .map(([own, isWhole, hasPrototype, properties]) => [
      own,
      0,
      isWhole,
      hasPrototype,
      ...[0, 1, 2].map((part) => properties.map((each) => each[part])),
    ])
  const collection = fc.tuple(id, fc.integer({ min: 1, max: 4 }), items, fc.array(key, { maxLength: 3 }))
  const copy = fc.tuple(id, fc.integer({ min: 5, max: 7 }), any)
  const node = fc.oneof(object, collection, copy, fc.array(any))
  const delta = fc.oneof(arbitraryValue, fc.tuple(fc.nat(3), fc.nat(3), fc.array(node, { maxLength: 5 }), fc.boolean(), any))
  fc.assert(
    fc.property(fc.array(delta, { maxLength: 3 }), (deltas) => {
      const mirror = mirrorOf({ a: {}, b: [1], c: new Map(), d: new Set(), e: new Date(0), f: new Uint8Array(2), g: new Error('x') }, 1)
      for (const each of deltas) {
        mirror.tell(undefined)
        try {
          mirror.hear(each)
        } catch (error) {
          if (!CodecError.is(error)) throw error
        }
      }
      expect(Object.keys(Object.prototype)).toEqual([])
      expect(Object.keys(Array.prototype)).toEqual([])
    }),
    { numRuns: 5_000 },
  )
})
