import { MAX_NAME } from './limits.ts'
import { MalformedMessageError, type MessageCodec, optionalNumber, readOptionalNumber } from './link.ts'
import { packPhase, type Phase, readPhase } from './report.ts'

/** What a limit is called, what it is set to, and what was seen, in its unit. */
export interface ReachedLimit {
  readonly limit: string
  readonly configured: number
  readonly observed?: number | undefined
}

/**
 * Worker → client: `failed` because of a limit, and which.
 * HOSTILE: guest code may own the sender, and tell its own client what it likes.
 */
export interface Limited extends ReachedLimit {
  readonly type: 'limited'
  readonly run: number
  readonly code: number
  readonly message: string
  readonly phase: Phase
  readonly wallMs: number
  readonly cpuMs: number
}

/** Limits that a worker warns of. */
export const NEAR_LIMITS = [
  'maxHostCalls',
  'maxHostCallsInFlight',
  'maxHandles',
  'maxTimers',
  'maxConsole',
  'maxConsoleLines',
  'maxContexts',
] as const
export type NearLimitName = (typeof NEAR_LIMITS)[number]

/** Worker → client: a context has come near a limit, once for each. The realm side says it by itself, but for what only the worker knows. */
export interface NearLimit {
  readonly type: 'nearLimit'
  readonly context: number
  readonly limit: NearLimitName
  readonly configured: number
  readonly observed: number
}

export const limitedCodec: MessageCodec<Limited> = {
  code: 80,
  fields: 9,
  pack(out, message) {
    out.int(message.run)
    out.int(message.code)
    out.string(message.message)
    packPhase(out, message.phase)
    out.number(message.wallMs)
    out.number(message.cpuMs)
    out.string(message.limit)
    out.number(message.configured)
    optionalNumber(out, message.observed)
  },
  unpack(from) {
    const run = from.uint32()
    const code = from.uint32()
    const message = from.string()
    const phase = readPhase(from)
    return {
      type: 'limited',
      run,
      code,
      message,
      phase,
      wallMs: from.number(),
      cpuMs: from.number(),
      limit: from.string(MAX_NAME),
      configured: from.number(),
      observed: readOptionalNumber(from),
    }
  },
}

export const nearLimitCodec: MessageCodec<NearLimit> = {
  code: 81,
  fields: 4,
  // Said, because a guest may put a property of that name on Object.prototype.
  payload: false,
  pack(out, message) {
    out.int(message.context)
    out.string(message.limit)
    out.number(message.configured)
    out.number(message.observed)
  },
  unpack(from) {
    const context = from.uint32()
    const name = from.string(MAX_NAME)
    const limit = NEAR_LIMITS.find((each) => each === name)
    if (limit === undefined) throw new MalformedMessageError('a warning of a limit that there is not')
    return { type: 'nearLimit', context, limit, configured: from.number(), observed: from.number() }
  },
}
