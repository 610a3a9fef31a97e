import { MAX_NAMED } from '../../protocol/limits.ts'
import type { DaemonSettings } from '../options.ts'
import type { TenantLimits } from './tenants.ts'

/** Control connections at most. */
export const MAX_CLIENTS = 4_096

/** What a tenant may have of whom no policy says otherwise. */
export function defaultLimits(settings: DaemonSettings): TenantLimits {
  const {
    timeoutMs,
    maxTimeoutMs,
    channel,
    memoryBytes,
    max: maxWorkers,
    maxPerTenant: maxShared,
    maxQueue,
    queueTimeoutMs,
    cpuMs,
  } = settings
  const trust = 'team'
  return {
    timeoutMs,
    maxTimeoutMs,
    channel,
    memoryBytes,
    trust,
    required: [],
    maxWorkers,
    maxShared,
    maxQueue,
    queueTimeoutMs,
    maxClients: MAX_CLIENTS,
    maxNamed: MAX_NAMED.default,
    cpuMs,
    weight: 1,
  }
}
