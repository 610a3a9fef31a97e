import { MAX_NAME } from './limits.ts'
import { type MessageCodec, optionalNumber, readOptionalNumber } from './link.ts'
import { readHash } from './script-messages.ts'

/**
 * Client → daemon: a worker died at work on this run of the sender's, as `lost` said. The daemon never sees sources, so it takes the client's word for which it was: a client can only have
 * scripts of its own tenant refused, and one for each death. Not answered.
 */
export interface Crashed {
  readonly type: 'crashed'
  readonly channel: number
  readonly run: number
  /** SHA-256 of the JavaScript that ran, as UTF-16LE. */
  readonly hash: Uint8Array
}

/** Daemon → client: a script of its tenant crashed too many workers, and is not to be sent for so many milliseconds. */
export interface ScriptRefused {
  readonly type: 'scriptRefused'
  readonly hash: Uint8Array
  readonly forMs: number
}

/** Daemon → client: something comes near a limit. */
export interface Warning {
  readonly type: 'warning'
  /** The limit's name in `limits`, what it is set to, and what was seen. */
  readonly limit: string
  readonly configured: number
  readonly observed: number
  /** The worker that it is about; undefined if it is about the tenant. */
  readonly worker: number | undefined
  readonly message: string
}

/** Daemon → client: this worker takes no more. Whoever holds nothing there closes its channel, and leases another when it needs one. */
export interface Draining {
  readonly type: 'draining'
  readonly worker: number
}

export const crashedCodec: MessageCodec<Crashed> = {
  code: 30,
  fields: 3,
  pack(out, message) {
    out.int(message.channel)
    out.int(message.run)
    out.bin(message.hash, message.hash.length)
  },
  // Copied: the frame's bytes do not outlive the call.
  unpack: (from) => ({ type: 'crashed', channel: from.uint32(), run: from.uint32(), hash: readHash(from) }),
}

export const scriptRefusedCodec: MessageCodec<ScriptRefused> = {
  code: 30,
  fields: 2,
  pack(out, message) {
    out.bin(message.hash, message.hash.length)
    out.number(message.forMs)
  },
  unpack: (from) => ({ type: 'scriptRefused', hash: readHash(from), forMs: from.number() }),
}

export const warningCodec: MessageCodec<Warning> = {
  code: 31,
  fields: 5,
  pack(out, message) {
    out.string(message.limit)
    out.number(message.configured)
    out.number(message.observed)
    optionalNumber(out, message.worker)
    out.string(message.message)
  },
  unpack: (from) => ({
    type: 'warning',
    limit: from.string(MAX_NAME),
    configured: from.number(),
    observed: from.number(),
    worker: readOptionalNumber(from),
    message: from.string(MAX_NAME),
  }),
}

export const drainingCodec: MessageCodec<Draining> = {
  code: 32,
  fields: 1,
  pack: (out, message) => out.int(message.worker),
  unpack: (from) => ({ type: 'draining', worker: from.uint32() }),
}
