import { Mirror } from '../../protocol/mirror/mirror.ts'
import type { AccessorPair } from '../../protocol/mirror/mirror-side.ts'
import { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import { ValueEncoder } from '../../protocol/values/value-encoder.ts'
import { mayBeRemote } from '../remote-platform.ts'

const HANDLE = { id: 0, isAsync: false, returns: false, name: '' } as const

interface Accessor {
  readonly get?: () => unknown
  readonly set?: (value: unknown) => unknown
}

/**
 * The client's side of a context's global object: the object that was given. What it inherits counts, too, but for `Object.prototype`; its accessors are called where they are. Instances of classes
 * cross as copies, and are not written back to: a guest must not reach into what is more than data.
 */
export function mirrorOf(root: object): Mirror {
  const writer = new MsgpackWriter()
  const encoder = new ValueEncoder({ functionOut: () => HANDLE })
  const accessors = new WeakMap<object, WeakMap<object, AccessorPair>>()
  return new Mirror({
    firstId: 1,
    root,
    locksRoot: true,
    sharesInstances: false,
    callsSetters: false,
    eachOfRoot(visit) {
      const seen = new Set<PropertyKey>()
      for (let at: object | null = root; at !== null && !isObjectPrototype(at); at = Reflect.getPrototypeOf(at)) {
        for (const key of Reflect.ownKeys(at)) {
          if (seen.has(key) || (at !== root && key === 'constructor')) continue
          seen.add(key)
          const described = Reflect.getOwnPropertyDescriptor(at, key)
          if (described !== undefined) visit(key, at === root ? described : { ...described, configurable: true })
        }
      }
    },
    deleteOfRoot: (key) => Reflect.deleteProperty(root, key),
    accessorOf(owner, described) {
      const { get, set } = described as Accessor
      const key = get ?? set
      if (key === undefined) return undefined
      let ofOwner = accessors.get(owner)
      if (ofOwner === undefined) accessors.set(owner, (ofOwner = new WeakMap()))
      const known = ofOwner.get(key)
      if (known !== undefined) return known
      // Weakly: what a guest holds must not keep the object alive for which the guest is.
      const ref = new WeakRef(owner)
      const pair: AccessorPair = {
        get: get && ((): unknown => Reflect.apply(get, ref.deref(), [])),
        set: set && ((value: unknown): unknown => Reflect.apply(set, ref.deref(), [value])),
      }
      ofOwner.set(key, pair)
      return pair
    },
    isRemote: mayBeRemote,
    tryCopy(value) {
      writer.reset()
      encoder.write(writer, value)
    },
    makeError: (message) => new TypeError(message),
  })
}

/** That of any realm. */
function isObjectPrototype(object: object): boolean {
  return object === Object.prototype || (Reflect.getPrototypeOf(object) === null && Object.hasOwn(object, 'hasOwnProperty'))
}
