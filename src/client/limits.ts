import { InvalidOptionError, type OptionReader } from '../base/options.ts'
import {
  CHANNEL_LIMIT_NAMES,
  CHANNEL_LIMITS,
  type ChannelLimitName,
  type ChannelLimits,
  lowered,
  type SomeLimits,
} from '../protocol/channel-limits.ts'

/** What guests may have, in the units and ranges of docs/limits.md. Limits of the tenant, or of what this belongs to, may be lowered, and not raised: asking for more is `ERR_INVALID_OPTION`. */
export interface GuestLimits {
  /** Bytes of a result, and of the arguments of one host call. Default 16 MiB. */
  readonly maxOutput?: number
  /** Levels of a value. 1 to 1,000, default 100. */
  readonly maxDepth?: number
  /** Bytes of console messages in a second. Default 2 MiB. */
  readonly maxConsole?: number
  /** Console calls in a second. Default 1,000. */
  readonly maxConsoleLines?: number
  /** Host calls from when a context gets busy until nothing is pending there: usually, in one run. Default 100,000. */
  readonly maxHostCalls?: number
  /** Host calls of one context that have no answer yet. Default 1,000. */
  readonly maxHostCallsInFlight?: number
}

/** What a run in a context that there is may have of its own. */
export type RunLimits = Pick<GuestLimits, 'maxOutput' | 'maxDepth' | 'maxHostCalls'>

/** The names of {@link RunLimits}. */
export const RUN_LIMITS = ['maxOutput', 'maxDepth', 'maxHostCalls'] as const satisfies readonly ChannelLimitName[]
/** The names of {@link GuestLimits}. */
export const GUEST_LIMITS = [
  ...RUN_LIMITS,
  'maxConsole',
  'maxConsoleLines',
  'maxHostCallsInFlight',
] as const satisfies readonly ChannelLimitName[]

/** Reads limits of these names among other options; those that are not given are `defaults`, or the ceilings. The same object if none is lowered. */
export function readLimits(
  read: OptionReader,
  names: readonly ChannelLimitName[],
  ceilings: ChannelLimits,
  defaults?: SomeLimits,
): ChannelLimits {
  let given: Partial<Record<ChannelLimitName, number | undefined>> | undefined = defaults === undefined ? undefined : { ...defaults }
  for (const name of names) {
    const value = read.integer(name, CHANNEL_LIMITS[name].min, ceilings[name])
    if (value !== undefined) (given ??= {})[name] = value
  }
  return given === undefined ? ceilings : lowered(ceilings, given)
}

/** Refuses what is more than the tenant may have. What is not given is `defaults`, or the ceilings. */
export function underCeilings(
  given: Partial<Record<ChannelLimitName, number>>,
  ceilings: ChannelLimits,
  defaults?: SomeLimits,
): ChannelLimits {
  for (const name of CHANNEL_LIMIT_NAMES) {
    const value = given[name]
    if (value !== undefined && value > ceilings[name])
      throw new InvalidOptionError(name, `must be a whole number from ${CHANNEL_LIMITS[name].min} to ${ceilings[name]}`, value)
  }
  return lowered(ceilings, { ...defaults, ...given })
}
