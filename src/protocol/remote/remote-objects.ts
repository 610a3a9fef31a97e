import { malformed } from '../msgpack/codec-error.ts'
import { weakMapDelete, weakMapGet, WeakMapOf, weakMapSet } from '../msgpack/intrinsics.ts'
import type { RemoteObject } from '../values/value-options.ts'
import { KIND_ABORT_SIGNAL, KIND_ASYNC_ITERABLE, KIND_READABLE_STREAM } from '../values/wire-kinds.ts'
import { remoteSignal, sentSignal } from './abort-signals.ts'
import { remoteStream, sentStream } from './readable-streams.ts'
import { remoteIterable } from './remote-iterable.ts'
import type { RemoteFunction, RemotePlatform, SignalView } from './remote-platform.ts'
import { isAsyncIterable, SentIterable } from './sent-iterable.ts'

type Drop = (wasSent: boolean) => void

/**
 * The async iterables, streams and abort signals that two sides have of each other. Each stays where it is; one function stands for it at the peer's, and as long as the peer has that function, it has one
 * object for it. So what crosses again is what it was, and what comes home is the original; but for streams, which are locked when they are sent.
 */
export class RemoteObjects {
  readonly #platform: RemotePlatform
  /** The peer's functions that are held here for no other reason than to tell of an abort. */
  listeners = 0
  /** The functions that stand for objects, of this side and of the peer's. */
  readonly #functions = new WeakMapOf<object, RemoteFunction>()
  readonly #objects = new WeakMapOf<object, { readonly kind: number; readonly object: object }>()
  readonly #iterables = new WeakMapOf<object, SentIterable>()
  readonly #drops = new WeakMapOf<object, Drop>()
  /** Functions of this side that the peer calls when a signal of its own aborts, as keys. */
  readonly #onAborts = new WeakMapOf<object, true>()

  constructor(platform: RemotePlatform) {
    this.#platform = platform
  }

  /** Takes an object apart; undefined if it is none of these, a text that says why it cannot cross. */
  send(value: object): RemoteObject | string | undefined {
    const reader = this.#platform.readStream(value)
    if (reader === 'locked') return 'a ReadableStream that is locked'
    if (reader !== undefined) {
      const { readStream, dropped } = sentStream(reader)
      weakMapSet(this.#drops, readStream, dropped)
      weakMapSet(this.#objects, readStream, { kind: KIND_READABLE_STREAM, object: value })
      return { kind: KIND_READABLE_STREAM, parts: [readStream] }
    }
    const signal = this.#platform.viewSignal(value)
    if (signal !== undefined) {
      const { aborted } = signal
      const reason = aborted ? this.#platform.toPeer(signal.reason) : undefined
      return { kind: KIND_ABORT_SIGNAL, parts: [aborted, reason, this.#subscriber(value, signal)] }
    }
    return isAsyncIterable(value) ? { kind: KIND_ASYNC_ITERABLE, parts: [this.#opener(value)] } : undefined
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

  /** Whether the peer holds this function, if it does, for no other reason than to tell of an abort. */
  isListener(fn: object): boolean {
    return weakMapGet(this.#onAborts, fn) === true
  }

  #subscriber(value: object, signal: SignalView): RemoteFunction {
    const known = weakMapGet(this.#functions, value)
    if (known !== undefined) return known
    const { subscribe, dropped } = sentSignal(signal, this.#platform, (change) => {
      this.listeners += change
    })
    weakMapSet(this.#functions, value, subscribe)
    weakMapSet(this.#objects, subscribe, { kind: KIND_ABORT_SIGNAL, object: value })
    weakMapSet(this.#drops, subscribe, dropped)
    return subscribe
  }

  #opener(value: object): RemoteFunction {
    const ofPeer = weakMapGet(this.#functions, value)
    if (ofPeer !== undefined) return ofPeer
    let sent = weakMapGet(this.#iterables, value)
    if (sent === undefined) {
      sent = new SentIterable(value, (fn, dropped) => weakMapSet(this.#drops, fn, dropped))
      weakMapSet(this.#iterables, value, sent)
      weakMapSet(this.#objects, sent.open, { kind: KIND_ASYNC_ITERABLE, object: value })
    }
    sent.isHeld = true
    return sent.open
  }

  #make(kind: number, parts: readonly unknown[], fn: RemoteFunction): object {
    switch (kind) {
      case KIND_ASYNC_ITERABLE: {
        const iterable: object = remoteIterable(fn, this.#platform, () => weakMapDelete(this.#functions, iterable))
        return iterable
      }
      case KIND_READABLE_STREAM:
        return remoteStream(fn, this.#platform)
      case KIND_ABORT_SIGNAL: {
        const { signal, onAbort } = remoteSignal(parts[0] === true, parts[1], fn, this.#platform)
        if (onAbort !== undefined) weakMapSet(this.#onAborts, onAbort, true)
        return signal
      }
      default:
        throw malformed(`an object of kind ${kind}`)
    }
  }
}
