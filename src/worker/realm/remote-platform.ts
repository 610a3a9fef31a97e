import { isAsyncIterable } from '../../protocol/remote/sent-iterable.ts'
import type { RemotePlatform } from '../../protocol/remote/remote-platform.ts'
import type { Functions } from './functions.ts'
import type { WebLibraries } from './web/libraries.ts'

/** Whether it is worth asking the realm's remote objects. May run a getter of the guest's. */
export function mayBeRemote(value: object, web: WebLibraries): boolean {
  return web.loaded('events')?.isAbortSignal(value) === true || isAsyncIterable(value)
}

/** Remote objects as this realm makes them. */
export function remotePlatform(functions: Functions, web: WebLibraries): RemotePlatform {
  return {
    readStream(value) {
      const streams = web.loaded('streams')
      return streams?.isReadableStream(value) === true ? streams.lockStream(value) : undefined
    },
    makeStream: (source) => web.use('streams').makeStream(source),
    viewSignal: (value) => web.loaded('events')?.viewSignal(value),
    makeSignal: () => web.use('events').makeSignal(),
    isHandle: (fn) => functions.isImported(fn),
    releaseHandle: (fn) => functions.releaseImported(fn),
    toPeer: (reason) => reason,
  }
}
