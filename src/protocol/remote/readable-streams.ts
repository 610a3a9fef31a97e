import type { RemoteFunction, RemotePlatform, StreamReader } from './remote-platform.ts'
import { soon } from './soon.ts'

/** A ReadableStream of this side that is taken apart. */
export interface SentStream {
  /** The function that stands for it. */
  readonly readStream: (method: unknown, reason: unknown) => Promise<unknown>
  /** The peer has let go of it; or, if it never got it, the stream is whose it was. */
  readonly dropped: (wasSent: boolean) => void
}

export function sentStream(reader: StreamReader): SentStream {
  const readStream = async (method: unknown, reason: unknown): Promise<unknown> => {
    switch (method) {
      case 'read': {
        const { done, value } = await reader.read()
        return { done, value }
      }
      case 'cancel':
        await reader.cancel(reason)
        return undefined
      default:
        throw new TypeError('a stream is read or cancelled')
    }
  }
  return {
    readStream,
    dropped(wasSent) {
      if (wasSent) void abandon(reader)
      else reader.releaseLock()
    },
  }
}

/** Cancelling runs code of the stream's owner: later, when nothing is half done. */
async function abandon(reader: StreamReader): Promise<void> {
  try {
    await soon
    await reader.cancel(new Error('nobody reads this stream any more'))
  } catch {
    // There is nobody to tell.
  }
}

/** The ReadableStream that stands for the peer's: each chunk is asked for when somebody reads it. */
export function remoteStream(readStream: RemoteFunction, platform: RemotePlatform): object {
  let isOver = false
  const end = (): void => {
    if (isOver) return
    isOver = true
    platform.releaseHandle(readStream)
  }
  return platform.makeStream({
    async pull(controller) {
      let done: unknown
      let value: unknown
      try {
        const result = (await readStream('read')) as { readonly done?: unknown; readonly value?: unknown } | undefined
        done = result?.done
        value = result?.value
        if (typeof done !== 'boolean') throw new TypeError('the other side gave no chunk of a stream')
      } catch (error) {
        end()
        throw error
      }
      // Cancelled meanwhile.
      if (isOver) return
      if (!done) controller.enqueue(value)
      else {
        end()
        controller.close()
      }
    },
    async cancel(reason) {
      try {
        const cancelled = readStream('cancel', platform.toPeer(reason))
        isOver = true
        await cancelled
      } finally {
        platform.releaseHandle(readStream)
      }
    },
  })
}
