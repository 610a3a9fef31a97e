import { ATTENTION, type RealmRecord } from './record.ts'

const { apply, defineProperty } = Reflect
const NativeProxy = Proxy
const NativePromise = Promise
const { then } = NativePromise.prototype
/** Good enough to count: what a guest passes off as a promise misleads nobody but itself. */
const isPromise = (value: unknown): value is Promise<unknown> => value instanceof NativePromise

/**
 * Counts the promises that V8 settles from outside of any evaluate: compilation of WebAssembly, `Atomics.waitAsync`. What waits for them goes on only in a later evaluate, and the worker
 * must know that there is something to wait for. Proxies keep name, length and text of the functions as they are. Streaming is removed: it calls into code of the main realm, and
 * there is no network to stream from.
 */
export function countOutsidePromises(record: RealmRecord): void {
  const settled = (): void => {
    record.outside--
    record.busy--
  }
  const handler: ProxyHandler<(...args: unknown[]) => unknown> = {
    // @ts-expect-error a handler without a prototype: a guest's Object.prototype must not add traps
    __proto__: null,
    apply(target, self, args) {
      const result: unknown = apply(target, self, args)
      const promise = isPromise(result) ? result : promiseIn(result)
      if (promise !== undefined) {
        void apply(then, promise, [settled, settled])
        record.outside++
        record.attention |= ATTENTION.outside
        record.busy++
      }
      return result
    },
  }
  const { WebAssembly, Atomics } = globalThis as unknown as Record<string, Record<string, unknown> | undefined>
  wrap(WebAssembly, 'compile', handler)
  wrap(WebAssembly, 'instantiate', handler)
  wrap(Atomics, 'waitAsync', handler)
  if (WebAssembly === undefined) return
  delete WebAssembly['compileStreaming']
  delete WebAssembly['instantiateStreaming']
}

/** `Atomics.waitAsync` gives `{ async, value }`, an object of its own making. */
function promiseIn(result: unknown): Promise<unknown> | undefined {
  if (typeof result !== 'object' || result === null) return undefined
  const { value } = result as { readonly value?: unknown }
  return isPromise(value) ? value : undefined
}

function wrap(owner: Record<string, unknown> | undefined, name: string, handler: ProxyHandler<(...args: unknown[]) => unknown>): void {
  const native = owner?.[name]
  if (typeof native !== 'function') return
  const value = new NativeProxy(native as (...args: unknown[]) => unknown, handler)
  const enumerable = Reflect.getOwnPropertyDescriptor(owner as object, name)?.enumerable === true
  defineProperty(owner as object, name, { __proto__: null, value, writable: true, enumerable, configurable: true } as PropertyDescriptor)
}
