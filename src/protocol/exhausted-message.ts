import type { MessageCodec } from './link.ts'
import { packPhase, type Phase, readPhase } from './report.ts'

/**
 * Worker → client: `failed` with ERR_CPU_LIMIT, and more to tell. The tenant has used up its processor time: in phase `queued` nothing has happened, otherwise the run was ended.
 * HOSTILE: guest code may own the sender, and tell its own tenant what it likes.
 */
export interface Exhausted {
  readonly type: 'exhausted'
  readonly run: number
  readonly phase: Phase
  readonly wallMs: number
  readonly cpuMs: number
  /** When there is processor time again, in milliseconds from now. */
  readonly retryAfterMs: number
  /** The limit, and what the tenant has used: seconds in a minute. */
  readonly configured: number
  readonly observed: number
}

export const exhaustedCodec: MessageCodec<Exhausted> = {
  code: 95,
  fields: 7,
  pack(out, message) {
    out.int(message.run)
    packPhase(out, message.phase)
    out.number(message.wallMs)
    out.number(message.cpuMs)
    out.number(message.retryAfterMs)
    out.number(message.configured)
    out.number(message.observed)
  },
  unpack(from) {
    const run = from.uint32()
    const phase = readPhase(from)
    return {
      type: 'exhausted',
      run,
      phase,
      wallMs: from.number(),
      cpuMs: from.number(),
      retryAfterMs: from.number(),
      configured: from.number(),
      observed: from.number(),
    }
  },
}
