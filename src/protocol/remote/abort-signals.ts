import type { RemoteFunction, RemotePlatform, SignalView } from './remote-platform.ts'
import { soon } from './soon.ts'

/** An AbortSignal of this side that the peer may listen to. */
export interface SentSignal {
  /** The function that stands for it: takes the function to call when it aborts. */
  readonly subscribe: (onAbort: unknown) => Promise<void>
  /** The peer has let go of it. */
  readonly dropped: () => void
}

export function sentSignal(signal: SignalView, platform: RemotePlatform, countListeners: (change: 1 | -1) => void): SentSignal {
  let giveBack: (() => void) | undefined
  const subscribe = async (onAbort: unknown): Promise<void> => {
    if (typeof onAbort !== 'function' || !platform.isHandle(onAbort)) throw new TypeError('the other side gave no function')
    // Another one comes if the peer's signal was collected and sent anew.
    giveBack?.()
    countListeners(1)
    const listener = onAbort as RemoteFunction
    let remove: (() => void) | undefined
    const end = (): void => {
      if (giveBack !== end) return
      giveBack = undefined
      remove?.()
      countListeners(-1)
      platform.releaseHandle(listener)
    }
    const tell = async (): Promise<void> => {
      await inform(listener, platform.toPeer(signal.reason))
      end()
    }
    giveBack = end
    if (signal.aborted) await tell()
    else remove = signal.onAbort(() => void tell())
  }
  return { subscribe, dropped: () => giveBack?.() }
}

async function inform(listener: RemoteFunction, reason: unknown): Promise<void> {
  try {
    await listener(reason)
  } catch {
    // The reason cannot cross, and the peer makes one of its own; or the peer is gone.
    await listener(undefined).catch(() => undefined)
  }
}

/** The AbortSignal that stands for the peer's, and the function that is told when that aborts. */
export interface RemoteSignal {
  readonly signal: object
  /** Undefined if it has aborted already. */
  readonly onAbort: ((reason: unknown) => Promise<void>) | undefined
}

export function remoteSignal(aborted: boolean, reason: unknown, subscribe: RemoteFunction, platform: RemotePlatform): RemoteSignal {
  const { signal, abort } = platform.makeSignal()
  if (aborted) {
    abort(reason)
    return { signal, onAbort: undefined }
  }
  // Holds neither the signal nor what stands for it: once nobody else does, the peer is told, and gives this one back.
  const onAbort = async (reason: unknown): Promise<void> => abort(reason)
  void listen(subscribe, onAbort)
  return { signal, onAbort }
}

async function listen(subscribe: RemoteFunction, onAbort: (reason: unknown) => Promise<void>): Promise<void> {
  try {
    // This runs while a message is read.
    await soon
    await subscribe(onAbort)
  } catch {
    // The peer is gone, and will not abort.
  }
}
