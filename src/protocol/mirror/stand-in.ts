import { setPrototypeOf } from '../msgpack/intrinsics.ts'
import { define } from '../values/define.ts'

const ProxyOf = Proxy
const { toStringTag } = Symbol

/**
 * Stands for an object of the other side that cannot cross: it may be passed on, and sent home, where it becomes what it was. Whoever does more with it gets an error that says what it is. It is no
 * thenable, and symbols find nothing in it but a tag, so it can be awaited and shown.
 */
export function standIn(what: string, makeError: (message: string) => Error): object {
  const refuse = (): never => {
    throw makeError(`this stands for ${what} of the other side, which cannot cross: it can only be passed on`)
  }
  const tag = `stand-in for ${what}`
  const handler: ProxyHandler<object> = {
    get(_, key) {
      if (key === toStringTag) return tag
      return typeof key === 'symbol' || key === 'then' ? undefined : refuse()
    },
    set: refuse,
    has: refuse,
    ownKeys: refuse,
    getPrototypeOf: () => null,
    setPrototypeOf: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
    getOwnPropertyDescriptor: refuse,
    preventExtensions: refuse,
  }
  // What is shown of it is the target.
  const target = setPrototypeOf({}, null)
  define(target, toStringTag, tag)
  return new ProxyOf(target, setPrototypeOf(handler, null))
}
