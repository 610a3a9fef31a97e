import * as v from 'valibot'
import { CHANNEL_LIMITS, type ChannelLimitName } from '../../protocol/channel-limits.ts'
import { LAYERS } from '../../protocol/attestation.ts'
import { CPU_S, CRASH_WINDOW_MS, HIGH_WATER, MAX_QUEUE, MEMORY, QUEUE_TIMEOUT_MS, TIMEOUT_MS } from '../../protocol/limits.ts'
import { CONFINEMENTS } from '../confinement.ts'
import { LOG_LEVELS } from '../log.ts'
import type { DaemonOptions } from '../options.ts'
import { policySchema } from '../tenants/policy.ts'
import { bytes, listOf, oneOf, text, whole } from './rules.ts'

const MAX_WORKERS = 256
const MAX_SPARE = 64
const MAX_RECYCLE_AFTER = 1_000_000_000
const MAX_DRAIN_MS = 3_600_000
const MAX_COMPILER_IDLE_MS = 86_400_000
const ofChannels = Object.fromEntries(Object.entries(CHANNEL_LIMITS).map(([name, { min, max }]) => [name, whole(min, max)])) as Record<
  ChannelLimitName,
  ReturnType<typeof whole>
>
const SOCKET_MODES = ['600', '660', '666'] as const

/** Nobody but this machine. A port is at most 65,535. */
const METRICS = /^(\/.+|(127\.0\.0\.1|\[::1\]):([0-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]))$/

/** The rule of each option of a daemon, wherever it was given. What an option means stands with its name in `DaemonOptions`. */
const rules = {
  socket: text,
  spare: whole(0, MAX_SPARE),
  max: whole(1, MAX_WORKERS),
  maxPerTenant: whole(1, MAX_WORKERS),
  timeout: whole(TIMEOUT_MS.min, TIMEOUT_MS.max),
  maxTimeout: whole(TIMEOUT_MS.min, TIMEOUT_MS.max),
  ...ofChannels,
  maxQueue: whole(MAX_QUEUE.min, MAX_QUEUE.max),
  queueTimeout: whole(QUEUE_TIMEOUT_MS.min, QUEUE_TIMEOUT_MS.max),
  cpu: whole(CPU_S.min, CPU_S.max),
  highWater: bytes(HIGH_WATER.min, HIGH_WATER.max),
  recycleAfter: whole(1, MAX_RECYCLE_AFTER),
  runtime: text,
  memory: bytes(MEMORY.min, MEMORY.max),
  confinement: oneOf(CONFINEMENTS),
  require: listOf(LAYERS),
  cgroup: text,
  policy: v.union([text, policySchema], 'must be the path of a policy, or a policy'),
  socketMode: oneOf(SOCKET_MODES),
  socketGroup: text,
  compilerIdle: whole(1, MAX_COMPILER_IDLE_MS),
  crashWindow: whole(CRASH_WINDOW_MS.min, CRASH_WINDOW_MS.max),
  drain: whole(0, MAX_DRAIN_MS),
  metrics: v.pipe(
    text,
    v.regex(METRICS, "must be '127.0.0.1:PORT', '[::1]:PORT' (a port is at most 65535) or the absolute path of a socket"),
  ),
  logLevel: oneOf(LOG_LEVELS),
} satisfies Record<keyof DaemonOptions, v.GenericSchema>

type Optional = { readonly [Key in keyof typeof rules]: v.OptionalSchema<(typeof rules)[Key], undefined> }

/** All options of a daemon. */
export const optionsSchema = v.strictObject(
  Object.fromEntries(Object.entries(rules).map(([key, rule]) => [key, v.optional(rule as v.GenericSchema)])) as unknown as Optional,
)

/** What a configuration file holds: the same, and the name of its schema, which editors look for. */
export const configSchema = v.strictObject({ $schema: v.optional(v.string('must be a string')), ...optionsSchema.entries })

export type OptionKey = keyof typeof rules
export const OPTION_KEYS = Object.keys(rules) as OptionKey[]
