import type { MessageCodec } from './link.ts'

/** Client → daemon: this worker of the sender's has not let it in. May it? */
export interface AskBusy {
  readonly type: 'askBusy'
  readonly request: number
  readonly worker: number
}

/** Daemon → client: for so many milliseconds more, at most, the worker may answer nobody without being ended for it: it computes. 0 for one that answers, or is gone. */
export interface Busy {
  readonly type: 'busy'
  readonly request: number
  readonly forMs: number
}

export const askBusyCodec: MessageCodec<AskBusy> = {
  code: 50,
  fields: 2,
  pack(out, message) {
    out.int(message.request)
    out.int(message.worker)
  },
  unpack: (from) => ({ type: 'askBusy', request: from.uint32(), worker: from.uint32() }),
}

export const busyCodec: MessageCodec<Busy> = {
  code: 50,
  fields: 2,
  pack(out, message) {
    out.int(message.request)
    out.int(message.forMs)
  },
  unpack: (from) => ({ type: 'busy', request: from.uint32(), forMs: from.uint32() }),
}
