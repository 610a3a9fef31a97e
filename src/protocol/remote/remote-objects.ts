import { malformed } from '../msgpack/codec-error.ts'
import { weakMapDelete, weakMapGet, WeakMapOf, weakMapSet } from '../msgpack/intrinsics.ts'
import type { RemoteObject } from '../values/value-options.ts'
import { KIND_ABORT_SIGNAL, KIND_ASYNC_ITERABLE, KIND_READABLE_STREAM } from '../values/wire-kinds.ts'
import { remoteSignal, sentSignal } from './abort-signals.ts'
import { isAsyncIterable, iterableOpener, remoteIterable } from './async-iterables.ts'
import { remoteStream, sentStream } from './readable-streams.ts'
import type { RemoteFunction, RemotePlatform } from './remote-platform.ts'

interface Standing {
  readonly kind: number
  readonly object: object
}

/**
 * The async iterables, streams and abort signals that two sides have of each other. Each stays where it is; one function stands for it at the peer's, and as long as the peer has that function, it has one
 * object for it. So what crosses again is what it was, and what comes home is the original; but for streams, which are locked when they are sent.
 */
export class RemoteObjects {
  readonly #platform: RemotePlatform
  /** The functions that stand for objects, of this side and of the peer's. */
  readonly #functions = new WeakMapOf<object, RemoteFunction>()
  readonly #objects = new WeakMapOf<object, Standing>()
  readonly #drops = new WeakMapOf<object, (wasSent: boolean) => void>()

  constructor(platform: RemotePlatform) {
    this.#platform = platform
  }

  /** Takes an object apart; undefined if it is none of these, a text that says why it cannot cross. */
  send(value: object): RemoteObject | string | undefined {
    const reader = this.#platform.readStream(value)
    if (reader === 'locked') return 'a ReadableStream that is locked'
    if (reader !== undefined) {
      const { readStream, dropped } = sentStream(reader)
      this.#stand(readStream, KIND_READABLE_STREAM, value, dropped)
      return { kind: KIND_READABLE_STREAM, parts: [readStream] }
    }
    const signal = this.#platform.viewSignal(value)
    if (signal !== undefined) {
      let subscribe = weakMapGet(this.#functions, value)
      if (subscribe === undefined) {
        const sent = sentSignal(signal, this.#platform)
        subscribe = sent.subscribe
        this.#stand(subscribe, KIND_ABORT_SIGNAL, value, sent.dropped)
      }
      const { aborted } = signal
      return { kind: KIND_ABORT_SIGNAL, parts: [aborted, aborted ? this.#platform.toPeer(signal.reason) : undefined, subscribe] }
    }
    if (!isAsyncIterable(value)) return undefined
    let open = weakMapGet(this.#functions, value)
    if (open === undefined) {
      open = iterableOpener(value)
      this.#stand(open, KIND_ASYNC_ITERABLE, value, undefined)
    }
    return { kind: KIND_ASYNC_ITERABLE, parts: [open] }
  }

  /** Makes the object for parts that the peer sent. Throws a CodecError if they are not such parts. */
  receive(kind: number, parts: readonly unknown[]): object {
    const fn = parts[parts.length - 1]
    if (typeof fn !== 'function') throw malformed(`an object of kind ${kind} without its function`)
    const known = weakMapGet(this.#objects, fn)
    if (known !== undefined) {
      if (known.kind !== kind) throw malformed(`an object of kind ${kind} that was of kind ${known.kind}`)
      return known.object
    }
    if (!this.#platform.isHandle(fn)) throw malformed(`an object of kind ${kind} with a function of its receiver`)
    const object = this.#make(kind, parts, fn as RemoteFunction)
    weakMapSet(this.#objects, fn, { kind, object })
    if (kind !== KIND_READABLE_STREAM) weakMapSet(this.#functions, object, fn as RemoteFunction)
    return object
  }

  /** The peer has given a function of this side back; or, if not `wasSent`, it never got it. */
  dropped(fn: object, wasSent: boolean): void {
    const drop = weakMapGet(this.#drops, fn)
    if (drop !== undefined) drop(wasSent)
  }

  #make(kind: number, parts: readonly unknown[], fn: RemoteFunction): object {
    switch (kind) {
      case KIND_ASYNC_ITERABLE: {
        const iterable: object = remoteIterable(fn, this.#platform, () => weakMapDelete(this.#functions, iterable))
        return iterable
      }
      case KIND_READABLE_STREAM:
        return remoteStream(fn, this.#platform)
      case KIND_ABORT_SIGNAL:
        return remoteSignal(parts[0] === true, parts[1], fn, this.#platform)
      default:
        throw malformed(`an object of kind ${kind}`)
    }
  }

  #stand(fn: RemoteFunction, kind: number, object: object, drop: ((wasSent: boolean) => void) | undefined): void {
    weakMapSet(this.#objects, fn, { kind, object })
    if (kind !== KIND_READABLE_STREAM) weakMapSet(this.#functions, object, fn)
    if (drop !== undefined) weakMapSet(this.#drops, fn, drop)
  }
}
