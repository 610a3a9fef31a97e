import { apply, asyncIterator } from '../msgpack/intrinsics.ts'
import { soon } from './soon.ts'

type Callable = (...args: unknown[]) => unknown

/** Whether it is iterated asynchronously. May run a getter of its own. */
export function isAsyncIterable(value: object): boolean {
  return typeof (value as { readonly [asyncIterator]?: unknown })[asyncIterator] === 'function'
}

/** Says what to do when the peer gives a function back. */
type WhenDropped = (fn: object, dropped: () => void) => void

/**
 * An async iterable of this side, behind the function that stands for it: that begins an iteration, and gives the function which takes its steps, and `once`: the iterable is its own
 * iterator, as an async generator is, and there is no other.
 *
 * An iteration that the peer gives up is returned, as `for await` does it. One of many is given up with its function; the only one when the peer holds nothing of the iterable any more.
 */
export class SentIterable {
  readonly open: () => Promise<unknown>
  /** Whether the peer holds {@link SentIterable.open}. */
  isHeld = false
  /** Iterations of the iterable that is its own iterator. */
  #sharing = 0
  readonly #whenDropped: WhenDropped
  #shared: Iteration | undefined

  constructor(iterable: object, whenDropped: WhenDropped) {
    this.#whenDropped = whenDropped
    const openIterator = async (): Promise<unknown> => this.#begin(iterable)
    this.open = openIterator
    whenDropped(openIterator, () => {
      this.isHeld = false
      this.#closeUnheld()
    })
  }

  #begin(iterable: object): unknown {
    const method = (iterable as { readonly [asyncIterator]?: unknown })[asyncIterator]
    if (typeof method !== 'function') throw new TypeError('the object is not async iterable any more')
    const iterator: unknown = apply(method as Callable, iterable, [])
    if (!isObject(iterator)) throw new TypeError('the async iterator is not an object')
    const once = iterator === iterable
    const iteration = new Iteration(iterator)
    const iterate = async (method: unknown, value: unknown): Promise<unknown> => iteration.step(method, value)
    if (once) {
      this.#shared = iteration
      this.#sharing++
    }
    this.#whenDropped(iterate, () => {
      if (once) {
        this.#sharing--
        this.#closeUnheld()
      } else iteration.close()
    })
    return { iterate, once }
  }

  #closeUnheld(): void {
    if (!this.isHeld && this.#sharing === 0) this.#shared?.close()
  }
}

class Iteration {
  readonly #iterator: object
  readonly #next: Callable
  #isOver = false

  constructor(iterator: object) {
    const { next } = iterator as { readonly next?: unknown }
    if (typeof next !== 'function') throw new TypeError('the async iterator has no next')
    this.#iterator = iterator
    this.#next = next as Callable
  }

  async step(method: unknown, value: unknown): Promise<unknown> {
    const result: unknown = await this.#call(method, value)
    if (!isObject(result)) throw new TypeError('the result of an async iterator is not an object')
    const done = !!(result as { readonly done?: unknown }).done
    if (done) this.#isOver = true
    return { done, value: (result as { readonly value?: unknown }).value }
  }

  /** Nobody asks for more. Its owner's code runs later, when nothing is half done. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    void this.#return()
  }

  #call(method: unknown, value: unknown): unknown {
    const iterator = this.#iterator as { readonly return?: unknown; readonly throw?: unknown }
    switch (method) {
      case 'next':
        return apply(this.#next, iterator, [value])
      case 'return': {
        const close = iterator.return
        return isAbsent(close) ? { done: true, value } : apply(close as Callable, iterator, [value])
      }
      case 'throw': {
        const raise = iterator.throw
        return isAbsent(raise) ? this.#raise(value) : apply(raise as Callable, iterator, [value])
      }
      default:
        throw new TypeError('an async iterator has next, return and throw')
    }
  }

  /** What a generator that catches nothing does. */
  async #raise(reason: unknown): Promise<never> {
    this.#isOver = true
    await this.#call('return', undefined)
    throw reason
  }

  async #return(): Promise<void> {
    try {
      await soon
      await this.#call('return', undefined)
    } catch {
      // There is nobody to tell.
    }
  }
}

const isAbsent = (method: unknown): boolean => method === undefined || method === null
const isObject = (value: unknown): value is object => (typeof value === 'object' && value !== null) || typeof value === 'function'
