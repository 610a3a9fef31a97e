import type { Delta } from '../../protocol/mirror/mirror-format.ts'
import { Mirror } from '../../protocol/mirror/mirror.ts'
import type { AccessorPair, MirrorSide } from '../../protocol/mirror/mirror-side.ts'
import {
  deleteProperty,
  defineProperty,
  getOwnPropertyDescriptor,
  hasOwn,
  mapGet,
  MapOf,
  mapSet,
  ownKeys,
  setPrototypeOf,
} from '../../protocol/msgpack/intrinsics.ts'

const NativeTypeError = TypeError
const { is } = Object

/** What the realm's mirror needs of the realm side. */
export interface MirroredRealm {
  readonly global: object
  /** Whether it is a global that a realm is born with, in the shape that it has later. */
  readonly isBuiltIn: (name: string, described: PropertyDescriptor) => boolean
  readonly isImported: (value: object) => boolean
  readonly isRemote: (value: object) => boolean
  readonly tryCopy: (value: object) => void
}

/** Keeps the global object in step with an object of the client's: see `Mirror`. It begins before guest code runs, and knows the globals that were there. */
export class MirroredGlobal {
  readonly #mirror: Mirror
  readonly #born = new MapOf<PropertyKey, PropertyDescriptor>()
  /** Runs whose promise has not settled, as keys. */
  readonly #pending = { __proto__: null } as unknown as Record<number, true>

  constructor(realm: MirroredRealm) {
    const born = this.#born
    const { global, isBuiltIn } = realm
    const keys = ownKeys(global)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as PropertyKey
      // Without a prototype: what a guest puts on Object.prototype must not become part of it.
      mapSet(born, key, setPrototypeOf(getOwnPropertyDescriptor(global, key) as PropertyDescriptor, null))
    }
    const isBorn = (key: PropertyKey, now: PropertyDescriptor): boolean => {
      const before = mapGet(born, key)
      if (before === undefined) return false
      return hasOwn(now, 'get') ? before.get === now.get : before.get === undefined && is(before.value, now.value)
    }
    const side: MirrorSide = {
      firstId: 2,
      root: global,
      locksRoot: false,
      sharesInstances: true,
      callsSetters: true,
      eachOfRoot(visit) {
        const now = ownKeys(global)
        for (let i = 0; i < now.length; i++) {
          const key = now[i] as PropertyKey
          const described = getOwnPropertyDescriptor(global, key)
          if (described === undefined || isBorn(key, described) || (typeof key === 'string' && isBuiltIn(key, described))) continue
          // In the place of a built-in: as an assignment makes it where there is none.
          if (mapGet(born, key)?.enumerable === false && described.enumerable === false) described.enumerable = true
          visit(key, described)
        }
      },
      deleteOfRoot(key) {
        const before = mapGet(born, key)
        return before === undefined ? deleteProperty(global, key) : defineProperty(global, key, before)
      },
      accessorOf: (_owner, { get, set }) => (isOurs(get) || isOurs(set) ? { get, set } : undefined) satisfies AccessorPair | undefined,
      isRemote: realm.isRemote,
      tryCopy: realm.tryCopy,
      makeError: (message) => new NativeTypeError(message),
    }
    const isOurs = (fn: unknown): boolean => typeof fn === 'function' && realm.isImported(fn)
    this.#mirror = new Mirror(side)
  }

  hear(delta: unknown): void {
    this.#mirror.hear(delta)
  }

  /** What a run has come to, and what has changed by then. */
  tell(value: unknown): Delta {
    return this.#mirror.tell(value)
  }

  /** A run waits for a promise. */
  wait(run: number): void {
    this.#pending[run] = true
  }

  /** Whether that run was one of the mirror's. */
  settled(run: number): boolean {
    const was = this.#pending[run] === true
    delete this.#pending[run]
    return was
  }
}
