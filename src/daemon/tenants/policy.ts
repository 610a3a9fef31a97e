import * as v from 'valibot'
import { LAYERS } from '../../protocol/attestation.ts'
import { CHANNEL_LIMITS, type ChannelLimitName } from '../../protocol/channel-limits.ts'
import { CPU_S, MAX_NAMED, MAX_QUEUE, MEMORY, QUEUE_TIMEOUT_MS, TIMEOUT_MS } from '../../protocol/limits.ts'
import { TRUSTS } from '../../protocol/placement.ts'
import { bytes, oneOf, whole } from '../config/rules.ts'
import { CONFINEMENTS } from '../confinement.ts'

/** Names that a tenant may have: they stand in logs, metrics and paths. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
const MAX_WORKERS = 256
const MAX_CLIENTS = 4_096
const MAX_TENANTS = 1_000

const tokenHash = v.pipe(
  v.string('must be a string'),
  v.regex(/^sha256:[0-9a-f]{64}$/, "must be 'sha256:' and 64 hexadecimal digits; 'glovebox token' makes one"),
)

const ofChannels = Object.fromEntries(
  Object.entries(CHANNEL_LIMITS).map(([name, { min, max }]) => [name, v.optional(whole(min, max))]),
) as Record<ChannelLimitName, ReturnType<typeof v.optional<ReturnType<typeof whole>, undefined>>>

const limits = v.strictObject({
  /** What each channel of its clients may have: docs/limits.md. */
  ...ofChannels,
  /** Default deadline of a run, and the longest that a client may ask for, in milliseconds. */
  timeout: v.optional(whole(TIMEOUT_MS.min, TIMEOUT_MS.max)),
  maxTimeout: v.optional(whole(TIMEOUT_MS.min, TIMEOUT_MS.max)),
  /** V8 heap of each of its workers, in bytes or as a text. */
  memory: v.optional(bytes(MEMORY.min, MEMORY.max)),
  /** Workers at most, shared and dedicated. */
  maxWorkers: v.optional(whole(1, MAX_WORKERS)),
  /** Leases that may wait for a worker, and for how long, in milliseconds. */
  maxQueue: v.optional(whole(0, MAX_QUEUE.max)),
  /** Clients that may be connected at once. */
  maxClients: v.optional(whole(1, MAX_CLIENTS)),
  /** Named contexts that there may be at once. */
  maxNamed: v.optional(whole(MAX_NAMED.min, MAX_NAMED.max)),
  queueTimeout: v.optional(whole(0, QUEUE_TIMEOUT_MS.max)),
  /** Processor time that all its processes together may use in a minute, in seconds. */
  cpu: v.optional(whole(CPU_S.min, CPU_S.max)),
})

const tenant = v.strictObject({
  /** SHA-256 of each token that names this tenant. */
  tokens: v.optional(v.pipe(v.array(tokenHash, 'must be a list'), v.maxLength(100, 'has at most 100 tokens'))),
  /** Users whose processes are this tenant. */
  uids: v.optional(v.pipe(v.array(whole(0, 0xffff_fffe), 'must be a list'), v.maxLength(1_000, 'has at most 1000 users'))),
  limits: v.optional(limits),
  /** The least that its clients may ask for: docs/placement.md. */
  trust: v.optional(oneOf(TRUSTS)),
  /** Layers that must hold in its workers and compilers, by name or as `confinement: 'strict'` asks for them: otherwise it gets none. */
  confinement: v.optional(oneOf(CONFINEMENTS)),
  require: v.optional(v.pipe(v.array(oneOf(LAYERS), 'must be a list'), v.maxLength(LAYERS.length, `has at most ${LAYERS.length} layers`))),
  /** Its share of the workers when not all tenants get what they want, in proportion to theirs. */
  weight: v.optional(whole(1, 1_000)),
})

/** What a policy file holds. */
export const policySchema = v.strictObject({
  tenants: v.pipe(
    v.record(v.pipe(v.string(), v.regex(NAME, 'a tenant has a name of 1 to 64 letters, digits, dots, dashes and underscores')), tenant),
    v.maxEntries(MAX_TENANTS, `has at most ${MAX_TENANTS} tenants`),
  ),
})

export type Policy = v.InferOutput<typeof policySchema>
export type TenantPolicy = v.InferOutput<typeof tenant>
