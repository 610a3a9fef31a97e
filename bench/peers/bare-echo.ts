import type { Contender, Session } from '../contender.ts'
import { frameSizes } from './frame-sizes.ts'
import { otherProcess } from './other-process.ts'

/** As large as the library's: Node reads into it again and again. */
const READ_BUFFER_BYTES = 64 * 1024
/** Requests that one write may carry. */
const MAX_BATCH = 1_024

/** Sends requests of the library's size to another process, which answers with as many bytes as the library does. With `work` in the settings it does that for each. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const { request, answer } = frameSizes()
  const waiting: ((counter: number) => void)[] = []
  const other = await otherProcess(
    'bare-echo-server.ts',
    [String(request), String(answer), (settings?.['work'] as string | undefined) ?? ''],
    {
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
        callback(size, bytes) {
          // What the server writes at once is far smaller than this buffer, and a Unix socket hands it over whole.
          if (size % answer !== 0) throw new Error(`${size} bytes are not a whole number of answers`)
          const view = bytes as Buffer
          for (let at = 0; at < size; at += answer) waiting.shift()?.(view.readUInt32LE(at))
          return true
        },
      },
    },
  )
  const { socket } = other

  const requests = Buffer.alloc(MAX_BATCH * request)
  let unsent = 0
  const flush = (): void => {
    socket.write(requests.subarray(0, unsent * request))
    unsent = 0
  }
  return {
    async add() {
      return new Promise<number>((resolve) => {
        // One write for all requests of a turn; one that is alone leaves at once.
        if (waiting.push(resolve) === 1) socket.write(requests.subarray(0, request))
        else if (++unsent === 1) process.nextTick(flush)
      })
    },
    [Symbol.asyncDispose]: () => other[Symbol.asyncDispose](),
  }
}
