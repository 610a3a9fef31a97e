import type { MessageCodec } from './link.ts'
import { TICKET_BYTES } from './limits.ts'

/** A client's first message to a worker or compiler. */
export interface Hello {
  readonly type: 'hello'
  readonly minVersion: number
  readonly maxVersion: number
  /** From the daemon; opens one channel, once. */
  readonly ticket: Uint8Array
}

/** The answer, if the ticket is good. */
export interface Welcome {
  readonly type: 'welcome'
  readonly version: number
}

export const helloCodec: MessageCodec<Hello> = {
  code: 0,
  fields: 3,
  pack(out, message) {
    out.int(message.minVersion)
    out.int(message.maxVersion)
    out.bin(message.ticket, message.ticket.length)
  },
  // Copied: the frame's bytes do not outlive the call.
  unpack: (from) => ({ type: 'hello', minVersion: from.uint32(), maxVersion: from.uint32(), ticket: from.bin(TICKET_BYTES).slice() }),
}

export const welcomeCodec: MessageCodec<Welcome> = {
  code: 0,
  fields: 1,
  pack: (out, message) => out.int(message.version),
  unpack: (from) => ({ type: 'welcome', version: from.uint32() }),
}
