import { asyncIterator, asyncIteratorPrototype, deleteProperty, setPrototypeOf } from '../msgpack/intrinsics.ts'
import type { RemoteFunction, RemotePlatform } from './remote-platform.ts'

type Method = 'next' | 'return' | 'throw'

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

  next(value?: unknown): Promise<unknown> {
    return this.#step('next', value)
  }

  return(value?: unknown): Promise<unknown> {
    return this.#step('return', value)
  }

  throw(reason?: unknown): Promise<unknown> {
    return this.#step('throw', reason)
  }

  async #step(method: Method, value: unknown): Promise<unknown> {
    if (this.#opened === undefined && method !== 'next') this.#isOver = true
    if (this.#isOver) return ended(method, value)
    this.#opened ??= this.#source.open()
    let opened: Opened | undefined
    try {
      opened = await this.#opened
      // Another step may have ended it meanwhile.
      if (this.#isOver) return ended(method, value)
      const result = (await opened.iterate(method, method === 'throw' ? this.#source.toPeer(value) : value)) as
        | { readonly done?: unknown; readonly value?: unknown }
        | undefined
      const done = result?.done
      if (typeof done !== 'boolean') throw new TypeError('the other side gave no result of an async iterator')
      if (done) this.#end(opened)
      return { value: result?.value, done }
    } catch (error) {
      // As with a generator: what has failed goes no further.
      this.#end(opened)
      throw error
    }
  }

  #end(opened: Opened | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    if (opened !== undefined) this.#source.end(opened)
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
