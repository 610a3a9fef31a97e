import { MalformedMessageError, type MessageCodec } from './link.ts'

/**
 * Client → worker: the request of this number, which comes next, is due at a time of CLOCK_MONOTONIC, in milliseconds: its deadline is not later, however long it waited before it was read. Not answered.
 */
export interface DueMessage {
  readonly type: 'due'
  readonly run: number
  readonly atMs: number
}

export const dueCodec: MessageCodec<DueMessage> = {
  code: 95,
  fields: 2,
  pack(out, message) {
    out.int(message.run)
    out.number(message.atMs)
  },
  unpack(from) {
    const run = from.uint32()
    const atMs = from.number()
    if (!Number.isFinite(atMs)) throw new MalformedMessageError('a time that is none')
    return { type: 'due', run, atMs }
  },
}
