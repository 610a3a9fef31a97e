import type { RemoteFunction, RemotePlatform, SignalView } from './remote-platform.ts'
import { soon } from './soon.ts'

/** An AbortSignal of this side that the peer may listen to. */
export interface SentSignal {
  /** The function that stands for it: takes the function to call when it aborts. */
  readonly subscribe: (onAbort: unknown) => Promise<void>
  /** The peer has let go of it. */
  readonly dropped: () => void
}

export function sentSignal(signal: SignalView, platform: RemotePlatform): SentSignal {
  let takeBack: (() => void) | undefined
  const unsubscribe = (): void => {
    takeBack?.()
    takeBack = undefined
  }
  const tell = async (listener: RemoteFunction): Promise<void> => {
    await inform(listener, platform.toPeer(signal.reason))
    platform.releaseHandle(listener)
  }
  const subscribe = async (onAbort: unknown): Promise<void> => {
    if (typeof onAbort !== 'function' || !platform.isHandle(onAbort)) throw new TypeError('the other side gave no function')
    // Another one comes if the peer's signal was collected and sent anew.
    unsubscribe()
    const listener = onAbort as RemoteFunction
    if (signal.aborted) {
      await tell(listener)
      return
    }
    const remove = signal.onAbort(() => void tell(listener))
    takeBack = () => {
      remove()
      platform.releaseHandle(listener)
    }
  }
  return { subscribe, dropped: unsubscribe }
}

async function inform(listener: RemoteFunction, reason: unknown): Promise<void> {
  try {
    await listener(reason)
  } catch {
    // The reason cannot cross, and the peer makes one of its own; or the peer is gone.
    await listener(undefined).catch(() => undefined)
  }
}

/** The AbortSignal that stands for the peer's. */
export function remoteSignal(aborted: boolean, reason: unknown, subscribe: RemoteFunction, platform: RemotePlatform): object {
  const { signal, abort } = platform.makeSignal()
  if (aborted) abort(reason)
  else void listen(subscribe, abort)
  return signal
}

/** Holds neither the signal nor what stands for it: once nobody else does, the peer is told, and gives up the listener. */
async function listen(subscribe: RemoteFunction, abort: (reason: unknown) => void): Promise<void> {
  const onAbort = async (reason: unknown): Promise<void> => abort(reason)
  try {
    // This runs while a message is read.
    await soon
    await subscribe(onAbort)
  } catch {
    // The peer is gone, and will not abort.
  }
}
