import { MalformedMessageError, type MessageCodec } from './link.ts'
import {
  type Limit,
  MAX_CONSOLE,
  MAX_CONSOLE_LINES,
  MAX_CONTEXTS,
  MAX_DEPTH,
  MAX_HOST_CALLS,
  MAX_HOST_CALLS_IN_FLIGHT,
  MAX_OUTPUT,
  MAX_SOURCE,
} from './limits.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'

/**
 * The limits of a channel, besides the deadline: what the daemon lets a tenant's guests have, which the worker is told with the ticket. A client may lower them, for all of its channels, for a context and, some, for a run;
 * a worker takes the lower of the two whatever it is asked for.
 */
export const CHANNEL_LIMITS = {
  /** Bytes of a result, and of the arguments of a host call. */
  maxOutput: MAX_OUTPUT,
  /** Levels of a value. */
  maxDepth: MAX_DEPTH,
  /** UTF-16 code units of a source. */
  maxSource: MAX_SOURCE,
  /** Bytes of console messages in a second. */
  maxConsole: MAX_CONSOLE,
  /** Console calls in a second. */
  maxConsoleLines: MAX_CONSOLE_LINES,
  /** Host calls from when a context gets busy until nothing is pending there. */
  maxHostCalls: MAX_HOST_CALLS,
  /** Host calls of one context that have no answer yet. */
  maxHostCallsInFlight: MAX_HOST_CALLS_IN_FLIGHT,
  /** Contexts in one worker. */
  maxContexts: MAX_CONTEXTS,
} as const satisfies Readonly<Record<string, Limit>>

export type ChannelLimitName = keyof typeof CHANNEL_LIMITS
export type ChannelLimits = Readonly<Record<ChannelLimitName, number>>
/** Some of them, as options of users give them. */
export type SomeLimits = { readonly [Name in ChannelLimitName]?: number | undefined }

/** In the order in which they travel. */
export const CHANNEL_LIMIT_NAMES = Object.keys(CHANNEL_LIMITS) as readonly ChannelLimitName[]

/** The limits whose values `value` gives. */
export function channelLimitsOf(value: (name: ChannelLimitName) => number): ChannelLimits {
  const limits = {} as Record<ChannelLimitName, number>
  for (const name of CHANNEL_LIMIT_NAMES) limits[name] = value(name)
  return Object.freeze(limits)
}

export const DEFAULT_CHANNEL_LIMITS = channelLimitsOf((name) => CHANNEL_LIMITS[name].default)

/** The same object if nothing is lower. */
export function lowered(limits: ChannelLimits, by: SomeLimits): ChannelLimits {
  if (CHANNEL_LIMIT_NAMES.every((name) => (by[name] ?? limits[name]) >= limits[name])) return limits
  return channelLimitsOf((name) => Math.min(limits[name], by[name] ?? limits[name]))
}

export function packChannelLimits(out: MsgpackWriter, limits: ChannelLimits): void {
  out.arrayHeader(CHANNEL_LIMIT_NAMES.length)
  for (const name of CHANNEL_LIMIT_NAMES) out.int(limits[name])
}

export function readChannelLimits(from: MsgpackReader): ChannelLimits {
  if (from.arrayHeader() !== CHANNEL_LIMIT_NAMES.length) throw new MalformedMessageError('limits of another number')
  return channelLimitsOf((name) => {
    const value = from.uint32()
    const { min, max } = CHANNEL_LIMITS[name]
    if (value < min || value > max) throw new MalformedMessageError(`${name} of ${value}, which is not from ${min} to ${max}`)
    return value
  })
}

/**
 * Client → worker: lower limits. Of the channel, if `context` is 0; otherwise of the context of that number, which the next request makes, or of the request numbered `run` in it, which comes next. Not answered.
 */
export interface LimitsMessage {
  readonly type: 'limits'
  readonly context: number
  readonly run: number
  readonly limits: ChannelLimits
}

export const limitsCodec: MessageCodec<LimitsMessage> = {
  code: 80,
  fields: 3,
  pack(out, message) {
    out.int(message.context)
    out.int(message.run)
    packChannelLimits(out, message.limits)
  },
  unpack: (from) => ({ type: 'limits', context: from.uint32(), run: from.uint32(), limits: readChannelLimits(from) }),
}
