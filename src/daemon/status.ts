import type { DaemonSettings } from './options.ts'
import type { Compilers } from './compilers.ts'
import type { CpuWatch } from './cpu-watch.ts'
import type { DeathRecord, Deaths } from './deaths.ts'
import type { NamedContexts, NameStatus } from './named-contexts.ts'
import type { Pool } from './pool.ts'
import type { ChannelLimits } from '../protocol/channel-limits.ts'
import type { Attestation } from '../protocol/attestation.ts'
import { type CacheName, CACHES, DURATION_BOUNDS_MS, RUN_OUTCOMES, type RunOutcome } from '../protocol/run-tally.ts'
import type { RunCounts, TenantCounts } from './metrics/run-counts.ts'
import type { Confinement } from './confinement.ts'
import type { Runtime } from './runtime.ts'
import type { Viewer } from './tenants/tenants.ts'
import { VERSION } from './version.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What a daemon says of itself. Grows from release to release; existing fields keep their meaning. */
export interface DaemonStatus {
  readonly daemon: {
    readonly version: string
    readonly pid: number
    readonly startedAt: string
    readonly uptimeMs: number
    readonly socket: string
    readonly clients: number
  }
  /** Of the Node binary that workers run on, when it was installed, and how long ago. */
  readonly versions: {
    readonly node: string
    readonly v8: string
    readonly runtime: string
    readonly installedAt: string
    readonly ageDays: number
  }
  readonly limits: {
    readonly timeoutMs: number
    readonly maxTimeoutMs: number
    readonly memoryBytes: number
    readonly maxWorkers: number
    readonly maxPerTenant: number
  } & ChannelLimits
  readonly queue: {
    /** Leases that wait for a worker. */
    readonly waiting: number
  }
  /** What the runs of each tenant came to, as its workers say. */
  readonly tenants: readonly TenantStatus[]
  /** What the newest worker attested, and what this machine does not give. */
  readonly confinement: { readonly layers: Attestation['layers']; readonly absent: Confinement['absent'] }
  readonly workers: readonly WorkerStatus[]
  /** One a tenant, while its clients compile. */
  readonly compilers: readonly WorkerStatus[]
  /** Named contexts, the first hundred. */
  readonly names: readonly NameStatus[]
  /** The last deaths that nobody planned, newest first. */
  readonly deaths: readonly DeathRecord[]
}

export interface TenantStatus {
  readonly tenant: string
  /** Runs and calls since the daemon's start, by how they ended. */
  readonly runs: Readonly<Record<RunOutcome, number>>
  /** How many took at most so many milliseconds, and longer than the bound before; the last class has no bound. */
  readonly durations: readonly { readonly maxMs: number | undefined; readonly runs: number }[]
  /** Processor time of its workers and compilers in the last minute, and how much of it the tenant may have, in milliseconds. */
  readonly cpu: { readonly usedMs: number; readonly limitMs: number | undefined }
  /** What its workers did not compile again: scripts that they had, and code caches that V8 took; and what they did. */
  readonly caches: Readonly<Record<CacheName, { readonly hits: number; readonly misses: number }>>
}

export interface WorkerStatus {
  readonly worker: number
  readonly pid: number | undefined
  readonly state: string
  /** It takes no more, and ends when nobody holds anything there. */
  readonly draining: boolean
  readonly tenant: string | undefined
  readonly contexts: number
  /** Functions that guests and clients hold of each other. */
  readonly handles: number
  readonly runs: number
  readonly cpuMs: number
  /** The limit of its V8 heap. */
  readonly memoryBytes: number
  /** Resident memory now, without shared files, and the most there was. */
  readonly rssBytes: number
  readonly peakRssBytes: number
}

/** The document has a limit. */
const MAX_LISTED_NAMES = 100
const MS_PER_DAY = 86_400_000

export function statusOf(
  {
    pool,
    compilers,
    deaths,
    counts,
    names,
    cpu,
  }: {
    readonly pool: Pool
    readonly compilers: Compilers
    readonly deaths: Deaths
    readonly counts: RunCounts
    readonly names: NamedContexts
    readonly cpu: CpuWatch
  },
  settings: DaemonSettings,
  runtime: Runtime,
  confinement: Confinement,
  startedAt: Date,
  clients: number,
  viewer: Viewer,
): DaemonStatus {
  let layers: Attestation['layers'] = []
  for (const { attestation } of pool.workers) if (attestation !== undefined) layers = attestation.layers
  return {
    daemon: {
      version: VERSION,
      pid: process.pid,
      startedAt: startedAt.toISOString(),
      uptimeMs: Date.now() - startedAt.getTime(),
      socket: settings.socketPath,
      clients,
    },
    versions: {
      node: runtime.node,
      v8: runtime.v8,
      runtime: runtime.path,
      installedAt: runtime.installedAt.toISOString(),
      ageDays: Math.floor((Date.now() - runtime.installedAt.getTime()) / MS_PER_DAY),
    },
    limits: {
      timeoutMs: settings.timeoutMs,
      maxTimeoutMs: settings.maxTimeoutMs,
      memoryBytes: settings.memoryBytes,
      maxWorkers: settings.max,
      maxPerTenant: settings.maxPerTenant,
      ...settings.channel,
    },
    queue: { waiting: pool.waiting },
    tenants: Array.from(counts.tenants)
      .filter(([tenant]) => viewer.isOperator || tenant === viewer.tenant)
      .map((each) => tenantStatus(each, cpu)),
    confinement: { layers, absent: confinement.absent },
    workers: visible(pool.workers, viewer),
    compilers: visible(compilers.processes, viewer),
    names: names.status(viewer.isOperator ? undefined : (viewer.tenant ?? '')).slice(0, MAX_LISTED_NAMES),
    deaths: deaths.visible(viewer),
  }
}

/** A tenant sees what is its own. */
function visible(processes: Iterable<WorkerProcess>, { tenant, isOperator }: Viewer): WorkerStatus[] {
  return Array.from(processes, workerStatus).filter((each) => isOperator || each.tenant === tenant)
}

function workerStatus(worker: WorkerProcess): WorkerStatus {
  const { shownState: state, number, pid, isDraining: draining, tenant, contexts, handles, runs, kind } = worker
  const { memoryBytes } = kind
  const { cpuMs, rssBytes, peakRssBytes } = worker.sampleUsage()
  return { worker: number, pid, state, draining, tenant, contexts, handles, runs, cpuMs, memoryBytes, rssBytes, peakRssBytes }
}

function tenantStatus([tenant, { outcomes, durations, caches }]: [string, TenantCounts], cpu: CpuWatch): TenantStatus {
  const runs = Object.fromEntries(RUN_OUTCOMES.map((outcome, at) => [outcome, outcomes[at] ?? 0])) as Record<RunOutcome, number>
  return {
    tenant,
    runs,
    cpu: cpu.useOf(tenant),
    durations: durations.map((count, at) => ({ maxMs: DURATION_BOUNDS_MS[at], runs: count })),
    caches: Object.fromEntries(
      CACHES.map((cache, at) => [cache, { hits: caches[2 * at] ?? 0, misses: caches[2 * at + 1] ?? 0 }]),
    ) as TenantStatus['caches'],
  }
}
