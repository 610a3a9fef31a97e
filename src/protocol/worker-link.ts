import { type Attestation, readAttestation, writeAttestation } from './attestation.ts'
import { type ChannelLimits, packChannelLimits, readChannelLimits } from './channel-limits.ts'
import { defineLink } from './link.ts'
import { type NamesOfDaemon, namesOfDaemonCodecs, type NamesOfWorker, namesOfWorkerCodecs } from './named-messages.ts'
import { TICKET_BYTES } from './limits.ts'
import { readTally, type RunTally, TALLY_FIELDS, writeTally } from './run-tally.ts'

/** Daemon → worker, over the worker's control pipe (file descriptor 3). */
export type DaemonToWorker =
  | NamesOfDaemon
  /** The next channel that presents `ticket` is number `channel`, and may ask for no more than these limits. */
  | {
      readonly type: 'admit'
      readonly channel: number
      readonly ticket: Uint8Array
      readonly maxTimeoutMs: number
      readonly limits: ChannelLimits
    }
  | { readonly type: 'ping'; readonly sequence: number }
  /** The answer to `booted`: give up what guests must not have, attack yourself, report. */
  | ({ readonly type: 'confine' } & ConfineRequest)
  /** The tenant has used up its processor time: the page says until when. Whatever waits is to end, and nothing begins before. */
  | { readonly type: 'pause' }
  /** Drop, abort or never start this run. */
  | { readonly type: 'cancel'; readonly channel: number; readonly run: number }
  /** The channel's client is gone: end the channel, with all that it asked for. */
  | { readonly type: 'drop'; readonly channel: number }

/** How a worker confines itself from inside. */
export interface ConfineRequest {
  /** Drop the grants of Node's permission model (L2). */
  readonly dropPermissions: boolean
  /** Lock the kernel's doors (L3). */
  readonly lockDown: boolean
  /** Bubblewrap started it (L4): attack that layer by itself first. */
  readonly namespaces: boolean
  /** RLIMIT_DATA, in bytes; 0 for none. */
  readonly dataBytes: number
}

/** Worker → daemon. HOSTILE: guest code may own the sender. */
export type WorkerToDaemon =
  | NamesOfWorker
  /** Node runs, and this is its first instruction of ours: so whatever it was to be started in holds on this machine. */
  | { readonly type: 'started' }
  /** Everything that it needs later is loaded; it waits to be told how to confine itself. */
  | { readonly type: 'booted' }
  /** Confined and listening. `bootMs` since its first instruction. */
  | { readonly type: 'ready'; readonly bootMs: number; readonly attestation: Attestation }
  /** `waiting` runs have no answer yet. */
  | { readonly type: 'pong'; readonly sequence: number; readonly waiting: number }
  /** Contexts now, runs since the start, functions that guests and clients hold of each other now, and how runs have ended since the start. */
  | { readonly type: 'usage'; readonly contexts: number; readonly runs: number; readonly handles: number; readonly tally: RunTally }
  | { readonly type: 'closed'; readonly channel: number }
  /** Code of a context computes until its deadline time and again: others are better off elsewhere. */
  | { readonly type: 'offends' }

/** The channel of the daemon's own: no client's has this number. */
export const REHEARSAL_CHANNEL = 0xffff_ffff

export const daemonToWorker = defineLink<DaemonToWorker>({
  ...namesOfDaemonCodecs,
  admit: {
    code: 1,
    fields: 4,
    pack(out, message) {
      out.int(message.channel)
      out.bin(message.ticket, message.ticket.length)
      out.int(message.maxTimeoutMs)
      packChannelLimits(out, message.limits)
    },
    unpack(from) {
      const channel = from.uint32()
      // Copied: the frame's bytes do not outlive the call.
      const ticket = from.bin(TICKET_BYTES).slice()
      return { type: 'admit', channel, ticket, maxTimeoutMs: from.uint32(), limits: readChannelLimits(from) }
    },
  },
  ping: {
    code: 2,
    fields: 1,
    pack: (out, message) => out.int(message.sequence),
    unpack: (from) => ({ type: 'ping', sequence: from.uint32() }),
  },
  confine: {
    code: 9,
    fields: 4,
    pack(out, message) {
      out.bool(message.dropPermissions)
      out.bool(message.lockDown)
      out.bool(message.namespaces)
      out.number(message.dataBytes)
    },
    unpack: (from) => ({
      type: 'confine',
      dropPermissions: from.bool(),
      lockDown: from.bool(),
      namespaces: from.bool(),
      dataBytes: from.number(),
    }),
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
  pause: { code: 95, fields: 0, pack: () => undefined, unpack: () => ({ type: 'pause' }) },
  drop: {
    code: 4,
    fields: 1,
    pack: (out, message) => out.int(message.channel),
    unpack: (from) => ({ type: 'drop', channel: from.uint32() }),
  },
})

export const workerToDaemon = defineLink<WorkerToDaemon>({
  ...namesOfWorkerCodecs,
  ready: {
    code: 1,
    fields: 2,
    pack(out, message) {
      out.number(message.bootMs)
      writeAttestation(out, message.attestation)
    },
    unpack: (from) => ({ type: 'ready', bootMs: from.number(), attestation: readAttestation(from) }),
  },
  // src/protocol/started-frame.ts has its bytes.
  started: { code: 7, fields: 0, pack: () => undefined, unpack: () => ({ type: 'started' }) },
  booted: { code: 5, fields: 0, pack: () => undefined, unpack: () => ({ type: 'booted' }) },
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
    fields: 3 + TALLY_FIELDS,
    pack(out, message) {
      out.int(message.contexts)
      out.int(message.runs)
      out.int(message.handles)
      writeTally(out, message.tally)
    },
    unpack: (from) => ({ type: 'usage', contexts: from.uint32(), runs: from.uint32(), handles: from.uint32(), tally: readTally(from) }),
  },
  offends: {
    code: 6,
    fields: 0,
    pack: () => undefined,
    unpack: () => ({ type: 'offends' }),
  },
  closed: {
    code: 4,
    fields: 1,
    pack: (out, message) => out.int(message.channel),
    unpack: (from) => ({ type: 'closed', channel: from.uint32() }),
  },
})
