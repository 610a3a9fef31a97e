import { isDeepStrictEqual } from 'node:util'
import type { Layer } from '../../protocol/attestation.ts'
import { type ChannelLimits, lowered } from '../../protocol/channel-limits.ts'
import { stricter, type Trust } from '../../protocol/placement.ts'
import { REQUIRED_BY } from '../confinement.ts'
import { DaemonError } from '../daemon-error.ts'
import type { Policy, TenantPolicy } from './policy.ts'
import { readPolicy } from './policy-file.ts'
import { findToken } from './token.ts'

/** The one tenant of a daemon that has no policy: whoever may open its socket. */
const DEFAULT_TENANT = 'default'

/** What a client shows of itself. */
export interface Credentials {
  readonly tenant: string | undefined
  readonly token: string | undefined
  /** The user whose process it is, if the kernel says. */
  readonly uid: number | undefined
}

/** Limits of a tenant. A policy may lower the daemon's, and raises none. */
export interface TenantLimits {
  readonly timeoutMs: number
  readonly maxTimeoutMs: number
  /** Of each channel of its clients. */
  readonly channel: ChannelLimits
  /** V8 heap of a worker at most, in bytes. */
  readonly memoryBytes: number
  /** How far its guests trust each other at most. */
  readonly trust: Trust
  /** Layers of confinement without which it gets no worker. */
  readonly required: readonly Layer[]
  /** Workers at most, and of these, shared ones. */
  readonly maxWorkers: number
  readonly maxShared: number
  /** Leases that may wait for a worker, and how long, in milliseconds. */
  readonly maxQueue: number
  readonly queueTimeoutMs: number
  /** Clients that may be connected at once. */
  readonly maxClients: number
  /** Named contexts. */
  readonly maxNamed: number
  /** Processor time that it may use in a minute, in milliseconds; undefined for any. */
  readonly cpuMs: number | undefined
  /** The tenant's share of the workers when not all get what they want, in proportion to others'. */
  readonly weight: number
}

/** Who a client is, and so what it may see. */
export interface Viewer {
  /** Undefined for an operator who is nobody's tenant: it may look, and stop the daemon. */
  readonly tenant: string | undefined
  /** May stop the daemon, and sees what all tenants do: the daemon's own user, and root. */
  readonly isOperator: boolean
}

/** What became of a tenant when its daemon read the policy again. */
export interface TenantChange {
  readonly tenant: string
  readonly change: 'added' | 'changed' | 'removed'
}

/** The tenants of a daemon, by its policy; or, without one, a single tenant for everyone who may open its socket. */
export class Tenants {
  #defaults: TenantLimits
  #policy: Policy | undefined

  /** `policy` is one, or the path of one. Throws ERR_POLICY. */
  constructor(policy: string | Policy | undefined, defaults: TenantLimits) {
    this.#defaults = defaults
    this.#policy = typeof policy === 'string' ? readPolicy(policy) : policy
  }

  /** Takes over a policy and defaults, and says which tenants are other than before. Throws ERR_POLICY, and all stays as it was. */
  reload(policy: string | Policy | undefined, defaults: TenantLimits): readonly TenantChange[] {
    const before = this.#policy?.tenants ?? {}
    this.#policy = typeof policy === 'string' ? readPolicy(policy) : policy
    this.#defaults = defaults
    const now = this.#policy?.tenants ?? {}
    return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((tenant): TenantChange[] => {
      const change = changeOf(
        Object.hasOwn(before, tenant) ? before[tenant] : undefined,
        Object.hasOwn(now, tenant) ? now[tenant] : undefined,
      )
      return change === undefined ? [] : [{ tenant, change }]
    })
  }

  has(tenant: string): boolean {
    return this.#policy === undefined ? tenant === DEFAULT_TENANT : Object.hasOwn(this.#policy.tenants, tenant)
  }

  /** Throws ERR_ACCESS_DENIED. What it says does not tell whether a tenant exists. */
  identify({ tenant, token, uid }: Credentials): Viewer {
    // Who shows a token is that tenant, and nobody else.
    const isOperator = token === undefined && uid !== undefined && (uid === 0 || uid === process.getuid?.())
    if (this.#policy === undefined) {
      if (token !== undefined) throw new DaemonError('ERR_ACCESS_DENIED', 'this daemon has no policy, and knows no tokens')
      if (tenant !== undefined && tenant !== DEFAULT_TENANT)
        throw new DaemonError('ERR_ACCESS_DENIED', `this daemon has no tenant '${tenant}'`)
      return { tenant: DEFAULT_TENANT, isOperator: true }
    }
    const named = token === undefined ? this.#byUser(uid) : this.#byToken(token)
    if (named !== undefined && (tenant === undefined || tenant === named)) return { tenant: named, isOperator }
    if (isOperator && tenant === undefined) return { tenant: undefined, isOperator }
    const shown = token === undefined ? `uid ${uid ?? 'unknown'}` : 'this token'
    const wanted = tenant === undefined ? 'any tenant' : `tenant '${tenant}'`
    throw new DaemonError('ERR_ACCESS_DENIED', `${shown} does not stand for ${wanted} in this daemon's policy`)
  }

  limitsOf(tenant: string): TenantLimits {
    const policy = this.#policyOf(tenant)
    const { timeout, maxTimeout, maxWorkers, maxQueue, queueTimeout, maxClients, maxNamed, cpu, memory } = policy?.limits ?? {}
    const defaults = this.#defaults
    const maxTimeoutMs = Math.min(maxTimeout ?? defaults.maxTimeoutMs, defaults.maxTimeoutMs)
    return {
      maxTimeoutMs,
      channel: lowered(defaults.channel, policy?.limits ?? {}),
      timeoutMs: Math.min(timeout ?? defaults.timeoutMs, maxTimeoutMs),
      memoryBytes: Math.min(memory ?? defaults.memoryBytes, defaults.memoryBytes),
      trust: stricter(policy?.trust ?? defaults.trust, defaults.trust),
      required: [...(policy?.confinement === undefined ? [] : REQUIRED_BY[policy.confinement]), ...(policy?.require ?? [])],
      maxWorkers: Math.min(maxWorkers ?? defaults.maxWorkers, defaults.maxWorkers),
      maxShared: Math.min(maxWorkers ?? defaults.maxShared, defaults.maxShared),
      maxQueue: Math.min(maxQueue ?? defaults.maxQueue, defaults.maxQueue),
      queueTimeoutMs: Math.min(queueTimeout ?? defaults.queueTimeoutMs, defaults.queueTimeoutMs),
      maxNamed: maxNamed ?? defaults.maxNamed,
      maxClients: this.#policy === undefined ? defaults.maxClients : (maxClients ?? Math.floor(defaults.maxClients / 4)),
      cpuMs: cpu === undefined ? defaults.cpuMs : Math.min(cpu * 1_000, defaults.cpuMs ?? Number.POSITIVE_INFINITY),
      weight: policy?.weight ?? 1,
    }
  }

  #policyOf(tenant: string): TenantPolicy | undefined {
    return this.#policy === undefined || !this.has(tenant) ? undefined : this.#policy.tenants[tenant]
  }

  #byUser(uid: number | undefined): string | undefined {
    if (uid === undefined) return undefined
    return this.#entries().find(([, { uids }]) => uids?.includes(uid) === true)?.[0]
  }

  #byToken(token: string): string | undefined {
    return findToken(
      token,
      this.#entries().flatMap(([name, { tokens = [] }]) => tokens.map((hash) => [hash, name] as const)),
    )
  }

  #entries(): [string, TenantPolicy][] {
    return Object.entries(this.#policy?.tenants ?? {})
  }
}

function changeOf(before: TenantPolicy | undefined, now: TenantPolicy | undefined): TenantChange['change'] | undefined {
  if (before === undefined) return 'added'
  if (now === undefined) return 'removed'
  return isDeepStrictEqual(before, now) ? undefined : 'changed'
}
