import { Mirror } from '../../src/protocol/mirror/mirror.ts'
import { decode, encode } from './codec.ts'

/** Two mirrors in this realm, whose deltas cross as bytes. */
export class MirrorPair {
  readonly here: Record<PropertyKey, unknown> = {}
  readonly there: Record<PropertyKey, unknown> = {}
  readonly #here = mirrorOf(this.here, 1)
  readonly #there = mirrorOf(this.there, 2)

  /** What one side tells, and the other hears. Gives what came with it. */
  exchange(from: 'here' | 'there', value?: unknown): unknown {
    const [teller, hearer] = from === 'here' ? [this.#here, this.#there] : [this.#there, this.#here]
    return hearer.hear(decode(encode(teller.tell(value))))
  }

  /** Tells something that is lost on its way. */
  lose(from: 'here' | 'there'): void {
    ;(from === 'here' ? this.#here : this.#there).tell(undefined)
  }
}

export function mirrorOf(root: object, firstId: number): Mirror {
  return new Mirror({
    firstId,
    root,
    locksRoot: false,
    sharesInstances: true,
    callsSetters: false,
    eachOfRoot(visit) {
      for (const key of Reflect.ownKeys(root)) visit(key, Reflect.getOwnPropertyDescriptor(root, key) as PropertyDescriptor)
    },
    deleteOfRoot: (key) => Reflect.deleteProperty(root, key),
    accessorOf: () => undefined,
    isRemote: () => false,
    tryCopy: (value) => void encode(value),
    makeError: (message) => new TypeError(message),
  })
}

/** Which object of one graph is which of another. */
export type Pairs = Map<unknown, unknown>

/** Says where two graphs differ, but for the order of properties; fills in who is whom. */
export function mismatch(a: unknown, b: unknown, pairs: Pairs = new Map(), path = 'root'): string | undefined {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null)
    return Object.is(a, b) ? undefined : `${path}: ${String(a)} and ${String(b)}`
  if (pairs.has(a) || pairs.has(b)) return pairs.get(a) === b && pairs.get(b) === a ? undefined : `${path}: others than before`
  pairs.set(a, b)
  pairs.set(b, a)
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${path}: another prototype`
  const parts = (object: object): [string, unknown][] => {
    if (object instanceof Date) return [['time', object.getTime()]]
    if (object instanceof Map) return [...(object as Map<unknown, unknown>)].flat().map((item, i) => [`entry ${i}`, item])
    if (object instanceof Set) return [...(object as Set<unknown>)].map((item, i) => [`item ${i}`, item])
    const own: [string, unknown][] = Object.entries(object)
    own.sort(([one], [other]) => (one < other ? -1 : 1))
    return Array.isArray(object) ? [['length', object.length], ...own] : own
  }
  const ofA = parts(a)
  const ofB = parts(b)
  if (ofA.length !== ofB.length) return `${path}: ${ofA.map(([key]) => key).join()} and ${ofB.map(([key]) => key).join()}`
  for (const [i, [key, value]] of ofA.entries()) {
    const [otherKey, other] = ofB[i] as [string, unknown]
    if (key !== otherKey) return `${path}: ${key} and ${otherKey}`
    const found = mismatch(value, other, pairs, `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}
