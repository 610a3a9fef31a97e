import type { ClientToWorker } from '../protocol/channel-link.ts'
import { MAX_QUEUED_BYTES, MAX_RELEASED } from '../protocol/limits.ts'
import type { ChannelSocket } from './channel-socket.ts'
import { FLUSH_BYTES, NO_PAYLOAD, type Requests } from './requests.ts'

/** A worker reads more than this at once, in bytes, if it is there: all of it, or nothing. */
const READ_AT_ONCE_BYTES = 32 * 1024

/** Says when what has gathered for a worker leaves: one write for all messages of a turn. Replies to a worker that does not read may not pile up. */
export class ChannelOutbox {
  readonly #requests: Requests
  readonly #socket: ChannelSocket
  readonly #distrust: (reason: string) => void
  #flushing = false
  /** Writes, and their bytes, since the worker had nothing to do for this channel. */
  #writes = 0
  #writtenBytes = 0
  /** Of what has not left yet, replies have at most so many bytes. */
  #replyBytes = 0

  constructor(requests: Requests, socket: ChannelSocket, distrust: (reason: string) => void) {
    this.#requests = requests
    this.#socket = socket
    this.#distrust = distrust
  }

  /** Whether the worker was gone before it read anything of what it was last asked: none of that was begun. */
  get isUnread(): boolean {
    return this.#writes === 0 || (this.#socket.isBroken && this.#writes === 1 && this.#writtenBytes <= READ_AT_ONCE_BYTES)
  }

  /** One write for all requests of a turn. */
  flushSoon(): void {
    if (this.#requests.bytes > FLUSH_BYTES) this.#flush()
    else if (!this.#flushing) {
      this.#flushing = true
      process.nextTick(() => {
        this.#flushing = false
        this.#flush()
      })
    }
  }

  /** Sends what answers a worker's own message, which may not pile up. If a guest waits for it, that stands still, and its worker with it. */
  reply(message: Extract<ClientToWorker, { readonly context: number }>, payload: unknown, isUrgent: boolean): void {
    const before = this.#requests.bytes
    this.#requests.write(message, message.context, payload)
    const { unsent } = this.#socket
    if (unsent === 0) this.#replyBytes = 0
    this.#replyBytes += Math.max(0, this.#requests.bytes - before)
    if (this.#replyBytes > MAX_QUEUED_BYTES && unsent + this.#requests.bytes > MAX_QUEUED_BYTES)
      this.#distrust('it does not take the answers to its calls')
    // What cannot leave at once is gathered: each write costs more than a small answer.
    else if (isUrgent && unsent === 0) this.#flush()
    else this.flushSoon()
  }

  /** Gives handles back: ids and numbers in turns. */
  giveBack(context: number, handles: readonly number[]): void {
    if (handles.length === 0 || !this.#socket.isWritable) return
    for (let from = 0; from < handles.length; from += 2 * MAX_RELEASED) {
      // The list has no prototype.
      const some: number[] = []
      for (let i = from; i < handles.length && i < from + 2 * MAX_RELEASED; i++) some.push(handles[i] as number)
      this.reply({ type: 'releasedByHost', context, handles: some }, NO_PAYLOAD, false)
    }
  }

  /** The worker has nothing to do for this channel: its writes are counted anew. */
  rest(): void {
    this.#writes = 0
    this.#writtenBytes = 0
  }

  #flush(): void {
    const bytes = this.#requests.take()
    if (bytes === undefined || !this.#socket.isWritable) return
    this.#writes++
    this.#writtenBytes += bytes.length
    this.#socket.write(bytes)
  }
}
