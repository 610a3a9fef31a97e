import { CodecError } from '../../protocol/msgpack/codec-error.ts'
import type { RemotePlatform } from '../../protocol/remote/remote-platform.ts'
import type { Functions } from './functions.ts'

/** Remote objects as this realm makes them. */
export function remotePlatform(functions: Functions): RemotePlatform {
  const absent = (what: string): never => {
    throw new CodecError('ERR_VALUE_UNSUPPORTED', `this context has no ${what}`)
  }
  return {
    readStream: () => undefined,
    makeStream: () => absent('ReadableStream'),
    viewSignal: () => undefined,
    makeSignal: () => absent('AbortSignal'),
    isHandle: (fn) => functions.isImported(fn),
    releaseHandle: (fn) => functions.releaseImported(fn),
    toPeer: (reason) => reason,
  }
}
