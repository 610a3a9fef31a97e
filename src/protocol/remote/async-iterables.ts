import { apply, asyncIterator, asyncIteratorPrototype, deleteProperty, setPrototypeOf } from '../msgpack/intrinsics.ts'
import type { RemoteFunction, RemotePlatform } from './remote-platform.ts'

type Method = 'next' | 'return' | 'throw'
type Callable = (...args: unknown[]) => unknown

/** Whether it is iterated asynchronously. May run a getter of its own. */
export function isAsyncIterable(value: object): boolean {
  return typeof (value as { readonly [asyncIterator]?: unknown })[asyncIterator] === 'function'
}

/**
 * The function that stands for an async iterable of this side. Each call begins an iteration, and gives the function that takes its steps. `once`: the iterable is its own iterator, as an
 * async generator is, and is over with the first iteration.
 */
export function iterableOpener(iterable: object): () => Promise<unknown> {
  const openIterator = async (): Promise<unknown> => {
    const iterator: unknown = apply((iterable as { readonly [asyncIterator]: Callable })[asyncIterator], iterable, [])
    if (!isObject(iterator)) throw new TypeError('the async iterator is not an object')
    return { iterate: stepper(iterator), once: iterator === iterable }
  }
  return openIterator
}

function stepper(iterator: object): (method: unknown, value: unknown) => Promise<unknown> {
  const { next } = iterator as { readonly next?: unknown }
  if (typeof next !== 'function') throw new TypeError('the async iterator has no next')
  const iterate = async (method: unknown, value: unknown): Promise<unknown> => {
    const result: unknown = await step(iterator, next as Callable, method, value)
    if (!isObject(result)) throw new TypeError('the result of an async iterator is not an object')
    const done = !!(result as { readonly done?: unknown }).done
    return { done, value: (result as { readonly value?: unknown }).value }
  }
  return iterate
}

function step(iterator: object, next: Callable, method: unknown, value: unknown): unknown {
  switch (method) {
    case 'next':
      return apply(next, iterator, [value])
    case 'return': {
      const close = (iterator as { readonly return?: unknown }).return
      return isAbsent(close) ? { done: true, value } : apply(close as Callable, iterator, [value])
    }
    case 'throw': {
      const raise = (iterator as { readonly throw?: unknown }).throw
      return isAbsent(raise) ? closeAndThrow(iterator, value) : apply(raise as Callable, iterator, [value])
    }
    default:
      throw new TypeError('an async iterator has next, return and throw')
  }
}

/** What a generator that catches nothing does. */
async function closeAndThrow(iterator: object, value: unknown): Promise<never> {
  const close = (iterator as { readonly return?: unknown }).return
  if (!isAbsent(close)) await apply(close as Callable, iterator, [])
  throw value
}

const isAbsent = (method: unknown): boolean => method === undefined || method === null
const isObject = (value: unknown): value is object => (typeof value === 'object' && value !== null) || typeof value === 'function'

interface Opened {
  readonly iterate: RemoteFunction
  readonly once: boolean
}

/** An async iterable of the peer's, behind the function that opens iterations. */
class Source {
  readonly #open: RemoteFunction
  readonly #platform: RemotePlatform
  readonly #forget: () => void
  isOver = false

  constructor(open: RemoteFunction, platform: RemotePlatform, forget: () => void) {
    this.#open = open
    this.#platform = platform
    this.#forget = forget
  }

  async open(): Promise<Opened> {
    const opened = (await this.#open()) as { readonly iterate?: unknown; readonly once?: unknown } | undefined
    const iterate: unknown = opened?.iterate
    if (typeof iterate !== 'function' || !this.#platform.isHandle(iterate)) throw new TypeError('the other side gave no async iterator')
    return { iterate: iterate as RemoteFunction, once: opened?.once === true }
  }

  toPeer(reason: unknown): unknown {
    return this.#platform.toPeer(reason)
  }

  /** An iteration has come to its end. */
  end({ iterate, once }: Opened): void {
    this.#platform.releaseHandle(iterate)
    if (!once || this.isOver) return
    this.isOver = true
    this.#forget()
    this.#platform.releaseHandle(this.#open)
  }
}

/** An iteration at the peer's side. It begins with the first `next`. */
class RemoteIterator {
  readonly #source: Source
  #opened: Promise<Opened> | undefined
  #isOver: boolean

  constructor(source: Source) {
    this.#source = source
    this.#isOver = source.isOver
  }

  async next(value?: unknown): Promise<unknown> {
    return this.#step('next', value)
  }

  async return(value?: unknown): Promise<unknown> {
    return this.#step('return', value)
  }

  async throw(reason?: unknown): Promise<unknown> {
    return this.#step('throw', reason)
  }

  async #step(method: Method, value: unknown): Promise<unknown> {
    if (this.#opened === undefined && method !== 'next') this.#isOver = true
    if (this.#isOver) return ended(method, value)
    const opened = await (this.#opened ??= this.#source.open())
    // Another step may have ended it meanwhile.
    if (this.#isOver) return ended(method, value)
    const result = (await opened.iterate(method, method === 'throw' ? this.#source.toPeer(value) : value)) as
      | { readonly done?: unknown; readonly value?: unknown }
      | undefined
    const done = result?.done
    if (typeof done !== 'boolean') throw new TypeError('the other side gave no result of an async iterator')
    if (done && !this.#isOver) {
      this.#isOver = true
      this.#source.end(opened)
    }
    return { value: result?.value, done }
  }
}
hideConstructor(RemoteIterator)
setPrototypeOf(RemoteIterator.prototype, asyncIteratorPrototype)

class RemoteIterable {
  readonly #source: Source

  constructor(source: Source) {
    this.#source = source
  }

  [asyncIterator](): RemoteIterator {
    return new RemoteIterator(this.#source)
  }
}
hideConstructor(RemoteIterable)

/** Whoever holds such an object must not make others. */
function hideConstructor(constructor: { readonly prototype: object }): void {
  deleteProperty(constructor.prototype, 'constructor')
}

/** What an iterator answers that is over. */
function ended(method: Method, value: unknown): unknown {
  if (method === 'throw') throw value
  return { value: method === 'return' ? value : undefined, done: true }
}

/** The async iterable that stands for the peer's. `forget` is called when that is over: its function is given back. */
export function remoteIterable(open: RemoteFunction, platform: RemotePlatform, forget: () => void): object {
  return new RemoteIterable(new Source(open, platform, forget))
}
