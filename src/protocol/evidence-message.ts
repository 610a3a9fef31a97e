import { MAX_NAME } from './limits.ts'
import { type MessageCodec, optionalString, readOptionalString } from './link.ts'
import type { GuestPlace } from './report.ts'

/** Worker → client, right before `failed` for the same run: what the worker knows besides. HOSTILE as everything a worker says; the client believes it of that run only. */
export interface Evidence {
  readonly type: 'evidence'
  readonly run: number
  /** The most memory that the worker's process has had resident in its life, in bytes. */
  readonly peakRssBytes: number
  /** Where the guest was when its run was ended, if that is known. */
  readonly at: GuestPlace | undefined
}

export const evidenceCodec: MessageCodec<Evidence> = {
  code: 110,
  fields: 6,
  pack(out, { run, peakRssBytes, at }) {
    out.int(run)
    out.number(peakRssBytes)
    optionalString(out, at?.functionName)
    optionalString(out, at?.file)
    out.int(at?.line ?? 0)
    out.int(at?.column ?? 0)
  },
  unpack(from) {
    const run = from.uint32()
    const peakRssBytes = from.number()
    const functionName = readOptionalString(from, MAX_NAME)
    const file = readOptionalString(from, 3 * MAX_NAME)
    const line = from.uint32()
    const column = from.uint32()
    return { type: 'evidence', run, peakRssBytes, at: file === undefined ? undefined : { functionName, file, line, column } }
  },
}
