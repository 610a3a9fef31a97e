import type { IsolateContext } from './context.ts'
import { Callback, copyOf, ExternalCopy, isPrimitive, noSync, notTransferable, type TransferOptions } from './transfer.ts'

export interface ApplyOptions {
  /** Milliseconds. Default: the connection's. */
  readonly timeout?: number
  readonly arguments?: TransferOptions
  readonly result?: TransferOptions
}

/** @internal Where a guest's value is: its handle, in its context. */
export interface Place {
  readonly context: IsolateContext
  readonly handle: unknown
}

/** Marks an argument: there, it is the value itself. */
class Dereference {
  readonly place: Place

  constructor(place: Place) {
    this.place = place
  }
}

const PLACES = new WeakMap<object, Place>()
const VALUES = new WeakMap<object, unknown>()

/** A value that stays where it is, in this process or in a context of an isolate. */
export class Reference<Value = unknown> {
  /** As the `typeof` operator says, but for null, which is `'null'`. */
  readonly typeof: string

  /** A reference to a value of this process, for guests. */
  constructor(value: Value) {
    this.typeof = value === null ? 'null' : typeof value
    VALUES.set(this, value)
  }

  /** @internal A reference to a guest's value. */
  static at(kind: string, place: Place): Reference {
    const reference = new Reference(undefined)
    Object.defineProperty(reference, 'typeof', { value: kind })
    VALUES.delete(reference)
    PLACES.set(reference, place)
    return reference
  }

  /** The value, if it is one of this process. */
  deref(): Value {
    if (VALUES.has(this)) return VALUES.get(this) as Value
    placeOf(this)
    throw new TypeError('Cannot dereference this from current isolate')
  }

  /** For arguments in the context that the value is in: there, it is the value itself. */
  derefInto(): unknown {
    return new Dereference(placeOf(this))
  }

  release(): void {
    const handle = PLACES.get(this)?.handle as Partial<Disposable> | undefined
    handle?.[Symbol.dispose]?.()
    PLACES.delete(this)
    VALUES.delete(this)
  }

  async get(key: unknown, options: TransferOptions = {}): Promise<unknown> {
    const { context, handle } = placeOf(this)
    return context.request(['get', handle, options, argument(key, context)], undefined, true)
  }

  async set(key: unknown, value: unknown, options: TransferOptions = {}): Promise<boolean> {
    const { context, handle } = placeOf(this)
    return (await context.request(['set', handle, {}, argument(key, context), argument(value, context, options)], undefined, true)) === true
  }

  async delete(key: unknown): Promise<boolean> {
    const { context, handle } = placeOf(this)
    return (await context.request(['delete', handle, {}, argument(key, context)], undefined, true)) === true
  }

  /** Calls it, if it is a function. A result that is no primitive needs `result`. */
  async apply(receiver?: unknown, args: readonly unknown[] = [], options: ApplyOptions = {}): Promise<unknown> {
    const { context, handle } = placeOf(this)
    const given = args.map((each) => argument(each, context, options.arguments))
    return context.request(['apply', handle, options.result ?? {}, argument(receiver, context), given], options.timeout, true)
  }

  /** As `apply`, with nothing to wait for. */
  applyIgnored(receiver?: unknown, args?: readonly unknown[], options?: ApplyOptions): void {
    this.apply(receiver, args, options).catch(() => undefined)
  }

  /** A copy of the value. */
  async copy(): Promise<Value> {
    if (VALUES.has(this)) return structuredClone(VALUES.get(this)) as Value
    const { context, handle } = placeOf(this)
    return (await context.request(['copy', handle, { copy: true }], undefined, true)) as Value
  }

  readonly getSync = noSync('getSync', 'reference.get()')
  readonly setSync = noSync('setSync', 'reference.set()')
  readonly deleteSync = noSync('deleteSync', 'reference.delete()')
  readonly copySync = noSync('copySync', 'reference.copy()')
  readonly applySync = noSync('applySync', 'reference.apply()')
  readonly applySyncPromise = noSync('applySyncPromise', 'reference.apply()')
}

function placeOf(reference: object): Place {
  const place = PLACES.get(reference)
  if (place !== undefined) return place
  throw new Error(VALUES.has(reference) ? 'this Reference is to a value of this process: deref() gives it' : 'Reference has been released')
}

/** A value as the guest side takes it. */
export function argument(
  value: unknown,
  context: IsolateContext,
  { copy = false, reference = false, externalCopy = false }: TransferOptions = {},
): unknown {
  if (isPrimitive(value)) return ['value', value]
  if (value instanceof ExternalCopy) return ['value', copyOf(value)]
  if (value instanceof Callback) return ['value', value.fn]
  if (value instanceof Dereference) {
    if (value.place.context !== context) throw new TypeError('a value can be dereferenced in its own context only')
    return ['deref', value.place.handle]
  }
  if (value instanceof Reference) {
    if (!VALUES.has(value)) throw new TypeError('a Reference to a value of a guest can be passed by derefInto() only')
    return ['host', lent(VALUES.get(value))]
  }
  if (reference) return ['host', lent(value)]
  if (copy || externalCopy) return ['value', value]
  // As isolated-vm does: "Callbacks are created automatically when passing functions".
  if (typeof value === 'function') return ['value', new Callback(value as (...args: never[]) => unknown).fn]
  throw notTransferable()
}

/** What a guest can do to a value of this process. Of properties, it gets those that are the object's own, data and primitives: it can come to no prototype and no function. */
function lent(value: unknown): object {
  const call = (isCopied: unknown, args: unknown): unknown => {
    if (typeof value !== 'function') throw new TypeError('Reference is not a function')
    const result: unknown = Reflect.apply(value, undefined, Array.isArray(args) ? args : [])
    return result instanceof Promise ? result.then((settled: unknown) => given(settled, isCopied)) : given(result, isCopied)
  }
  return {
    typeof: value === null ? 'null' : typeof value,
    applySync: call,
    apply: async (isCopied: unknown, args: unknown) => call(isCopied, args),
    copy: () => {
      if (typeof value === 'function') throw notTransferable()
      return structuredClone(value)
    },
    get: (key: unknown) => {
      const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
      const property: unknown = isObject && typeof key === 'string' ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined
      if (!isPrimitive(property)) throw notTransferable()
      return property
    },
  }
}

function given(result: unknown, isCopied: unknown): unknown {
  if (isPrimitive(result)) return result
  if (result instanceof ExternalCopy) return copyOf(result)
  if (result instanceof Callback) return result.fn
  if (isCopied === true && typeof result !== 'function') return structuredClone(result)
  throw notTransferable()
}
