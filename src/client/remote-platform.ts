import { isAsyncIterable } from '../protocol/remote/sent-iterable.ts'
import type { RemotePlatform } from '../protocol/remote/remote-platform.ts'
import { guestFunctionId, releaseGuestFunction } from './guest-function.ts'
import { raisedToGuest } from './raised-error.ts'

/** Whether it is worth asking a context's {@link RemoteObjects}. May run a getter of its own. */
export function mayBeRemote(value: object): boolean {
  try {
    return isAsyncIterable(value) || value instanceof AbortSignal
  } catch {
    // A Proxy that will not tell its prototype, or tells of one without end.
    return false
  }
}

/** Remote objects as this process makes them, of what comes over a context's bridge. */
export function remotePlatform(bridge: object): RemotePlatform {
  return {
    readStream(value) {
      if (!(value instanceof ReadableStream)) return undefined
      return value.locked ? 'locked' : (value as ReadableStream<unknown>).getReader()
    },
    makeStream: (source) => new ReadableStream(source, { highWaterMark: 0 }),
    viewSignal(value) {
      if (!(value instanceof AbortSignal)) return undefined
      return {
        get aborted() {
          return value.aborted
        },
        get reason(): unknown {
          return value.reason
        },
        onAbort(listener) {
          value.addEventListener('abort', listener, { once: true })
          return () => value.removeEventListener('abort', listener)
        },
      }
    },
    makeSignal() {
      const controller = new AbortController()
      // Keeps a signal that follows it alive only while that is listened to.
      return { signal: AbortSignal.any([controller.signal]), abort: (reason) => controller.abort(reason) }
    },
    isHandle: (fn) => guestFunctionId(fn, bridge) !== undefined,
    releaseHandle: releaseGuestFunction,
    toPeer: raisedToGuest,
  }
}
