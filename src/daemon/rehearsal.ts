import { connect } from 'node:net'
import { secretBytes } from '../base/random.ts'
import { type ClientToWorker, clientToWorker, workerToClient } from '../protocol/channel-link.ts'
import { DEFAULT_CHANNEL_LIMITS } from '../protocol/channel-limits.ts'
import { FrameSplitter } from '../protocol/framing.ts'
import { TICKET_BYTES } from '../protocol/limits.ts'
import { MsgpackReader } from '../protocol/msgpack/reader.ts'
import { MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '../protocol/versions.ts'
import { REHEARSAL_CHANNEL } from '../protocol/worker-link.ts'
import type { WorkerProcess } from './worker-process.ts'

/** How long one may take, in milliseconds. Most take ten. */
const REHEARSAL_MS = 1_000
/** All of the answers: they have some ten bytes each. A guest may own the worker before the rehearsal is over, if a lease came meanwhile. */
const MAX_ANSWERS_BYTES = 256
const RUN = 1

/**
 * Has a spare serve a client that wants as little as can be, before it has another: what runs in a process for the first time is a good part of what a run with a process of its own takes.
 * @returns when it is over, whether the worker has answered
 */
export async function rehearse(worker: Pick<WorkerProcess, 'send' | 'socketPath'>): Promise<boolean> {
  const ticket = secretBytes(TICKET_BYTES)
  const messages: readonly ClientToWorker[] = [
    { type: 'hello', minVersion: MIN_PROTOCOL_VERSION, maxVersion: MAX_PROTOCOL_VERSION, ticket },
    { type: 'once', run: RUN, context: 1, timeoutMs: REHEARSAL_MS, filename: undefined, source: '0' },
  ]
  worker.send({ type: 'admit', channel: REHEARSAL_CHANNEL, ticket, maxTimeoutMs: REHEARSAL_MS, limits: DEFAULT_CHANNEL_LIMITS })
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let hasAnswered = false
  const splitter = new FrameSplitter(MAX_ANSWERS_BYTES, (bytes, start, end) => {
    const message = workerToClient.read(new MsgpackReader(bytes, start, end))
    hasAnswered ||= message.type === 'done' && message.run === RUN
  })
  const socket = connect(worker.socketPath)
  const timer = setTimeout(() => socket.destroy(), REHEARSAL_MS)
  socket.on('data', (chunk: Buffer) => {
    try {
      if (socket.bytesRead > MAX_ANSWERS_BYTES) socket.destroy()
      else splitter.push(chunk)
    } catch {
      // It is heard no more. Its first client would find out the same.
      socket.destroy()
    }
  })
  // What follows is its end.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    clearTimeout(timer)
    resolve(hasAnswered)
  })
  socket.end(Buffer.concat(messages.map((message) => clientToWorker.encode(message))))
  return promise
}
