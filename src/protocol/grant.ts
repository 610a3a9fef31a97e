import { optionalString, readOptionalString } from './link.ts'
import { MAX_NAME, TICKET_BYTES } from './limits.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'

/** Channels that one client may name in a lease request. */
export const MAX_KNOWN_WORKERS = 1_000

/** What a client is told of a worker that it was leased. `path` and `ticket` are absent for one that it knows. */
export interface Grant {
  readonly request: number
  readonly worker: number
  readonly channel: number
  readonly path: string | undefined
  readonly ticket: Uint8Array
}

/** Its fields, which any others follow. */
export const GRANT_FIELDS = 5

export function packGrant(out: MsgpackWriter, grant: Grant): void {
  out.int(grant.request)
  out.int(grant.worker)
  out.int(grant.channel)
  optionalString(out, grant.path)
  out.bin(grant.ticket, grant.ticket.length)
}

export function readGrant(from: MsgpackReader): Grant {
  return {
    request: from.uint32(),
    worker: from.uint32(),
    channel: from.uint32(),
    path: readOptionalString(from, MAX_NAME),
    // Copied: the frame's bytes do not outlive the call.
    ticket: from.bin(TICKET_BYTES).slice(),
  }
}
