import { defineLink } from './link.ts'
import { MAX_NAME, TICKET_BYTES } from './limits.ts'

/** Daemon → worker, over the worker's control pipe (file descriptor 3). */
export type DaemonToWorker =
  /** The next channel that presents `ticket` is number `channel`, and may ask for no more than these limits. */
  | { readonly type: 'admit'; readonly channel: number; readonly ticket: Uint8Array; readonly maxTimeoutMs: number }
  | { readonly type: 'ping'; readonly sequence: number }
  /** Drop, abort or never start this run. */
  | { readonly type: 'cancel'; readonly channel: number; readonly run: number }
  /** The channel's client is gone: end the channel, with all that it asked for. */
  | { readonly type: 'drop'; readonly channel: number }

/** Worker → daemon. HOSTILE: guest code may own the sender. */
export type WorkerToDaemon =
  /** Booted, locked down, listening. `bootMs` since its first instruction. */
  | { readonly type: 'ready'; readonly pid: number; readonly bootMs: number; readonly runtime: string; readonly v8: string }
  /** `waiting` runs have no answer yet. */
  | { readonly type: 'pong'; readonly sequence: number; readonly waiting: number }
  /** Totals since the start; the daemon takes differences. */
  | { readonly type: 'usage'; readonly contexts: number; readonly runs: number }
  | { readonly type: 'closed'; readonly channel: number }

export const daemonToWorker = defineLink<DaemonToWorker>({
  admit: {
    code: 1,
    fields: 3,
    pack(out, message) {
      out.int(message.channel)
      out.bin(message.ticket, message.ticket.length)
      out.int(message.maxTimeoutMs)
    },
    unpack(from) {
      const channel = from.uint32()
      // Copied: the frame's bytes do not outlive the call.
      const ticket = from.bin(TICKET_BYTES).slice()
      return { type: 'admit', channel, ticket, maxTimeoutMs: from.uint32() }
    },
  },
  ping: {
    code: 2,
    fields: 1,
    pack: (out, message) => out.int(message.sequence),
    unpack: (from) => ({ type: 'ping', sequence: from.uint32() }),
  },
  cancel: {
    code: 3,
    fields: 2,
    pack(out, message) {
      out.int(message.channel)
      out.int(message.run)
    },
    unpack: (from) => ({ type: 'cancel', channel: from.uint32(), run: from.uint32() }),
  },
  drop: {
    code: 4,
    fields: 1,
    pack: (out, message) => out.int(message.channel),
    unpack: (from) => ({ type: 'drop', channel: from.uint32() }),
  },
})

export const workerToDaemon = defineLink<WorkerToDaemon>({
  ready: {
    code: 1,
    fields: 4,
    pack(out, message) {
      out.int(message.pid)
      out.number(message.bootMs)
      out.string(message.runtime)
      out.string(message.v8)
    },
    unpack: (from) => ({
      type: 'ready',
      pid: from.uint32(),
      bootMs: from.number(),
      runtime: from.string(MAX_NAME),
      v8: from.string(MAX_NAME),
    }),
  },
  pong: {
    code: 2,
    fields: 2,
    pack(out, message) {
      out.int(message.sequence)
      out.int(message.waiting)
    },
    unpack: (from) => ({ type: 'pong', sequence: from.uint32(), waiting: from.uint32() }),
  },
  usage: {
    code: 3,
    fields: 2,
    pack(out, message) {
      out.int(message.contexts)
      out.int(message.runs)
    },
    unpack: (from) => ({ type: 'usage', contexts: from.uint32(), runs: from.uint32() }),
  },
  closed: {
    code: 4,
    fields: 1,
    pack: (out, message) => out.int(message.channel),
    unpack: (from) => ({ type: 'closed', channel: from.uint32() }),
  },
})
