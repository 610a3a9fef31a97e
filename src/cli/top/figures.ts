import type { Report, Status, WorkerStatus } from '../../client/index.ts'
import { type DurationClass, quantileMs } from './quantile.ts'

/** A status, and when it came, in milliseconds of a steady clock. */
export interface Sample {
  readonly atMs: number
  readonly status: Status
}

export interface WorkerFigures extends WorkerStatus {
  readonly runsPerSecond: number
  /** Of one core. */
  readonly cpuPercent: number
}

export interface TenantFigures {
  readonly tenant: string
  readonly workers: number
  readonly contexts: number
  readonly runsPerSecond: number
  readonly failedPerSecond: number
  /** Of the runs since the sample before; undefined if there were none. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly cpuPercent: number
  readonly rssBytes: number
  /** Processor time in the last minute, and its limit. An older daemon does not say. */
  readonly cpu: NonNullable<Status['tenants']>[number]['cpu']
}

/** What happened between two samples. One line of `glovebox top --json`. */
export interface Figures {
  readonly time: string
  readonly intervalMs: number
  readonly daemon: Status['daemon']
  /** Leases that wait for a worker. */
  readonly waiting: number
  readonly maxWorkers: number
  readonly runsPerSecond: number
  readonly cpuPercent: number
  readonly rssBytes: number
  readonly tenants: readonly TenantFigures[]
  readonly workers: readonly WorkerFigures[]
  readonly deaths: readonly Report[]
}

/** Outcomes of runs that nobody has to look into. */
const NO_FAILURES: ReadonlySet<string> = new Set(['completed', 'cancelled'])

export function figuresOf(before: Sample, after: Sample, time: string): Figures {
  const { status } = after
  const intervalMs = after.atMs - before.atMs
  const workers = status.workers.map((each) => workerFigures(each, before.status, intervalMs))
  const tenants = [...new Set([...workers.flatMap(({ tenant }) => tenant ?? []), ...(status.tenants ?? []).map(({ tenant }) => tenant)])]
  return {
    time,
    intervalMs: Math.round(intervalMs),
    daemon: status.daemon,
    waiting: status.queue?.waiting ?? 0,
    maxWorkers: status.limits['maxWorkers'] ?? 0,
    runsPerSecond: sum(workers, 'runsPerSecond'),
    cpuPercent: sum(workers, 'cpuPercent'),
    rssBytes: workers.reduce((total, each) => total + memoryOf(each), 0),
    tenants: tenants.map((tenant) => tenantFigures(tenant, workers, before.status, status, intervalMs)),
    workers,
    deaths: status.deaths,
  }
}

/** An older daemon knows the peak only. */
export const memoryOf = ({ rssBytes, peakRssBytes }: WorkerStatus): number => rssBytes ?? peakRssBytes

function workerFigures(now: WorkerStatus, before: Status, intervalMs: number): WorkerFigures {
  const then = before.workers.find(({ worker }) => worker === now.worker)
  return {
    ...now,
    runsPerSecond: perSecond(now.runs - (then?.runs ?? 0), intervalMs),
    // What one did before it was seen is not of this interval.
    cpuPercent: then === undefined ? 0 : perSecond(now.cpuMs - then.cpuMs, intervalMs) / 10,
  }
}

function tenantFigures(tenant: string, all: readonly WorkerFigures[], before: Status, after: Status, intervalMs: number): TenantFigures {
  const workers = all.filter((each) => each.tenant === tenant)
  const now = after.tenants?.find((each) => each.tenant === tenant)
  const then = before.tenants?.find((each) => each.tenant === tenant)
  const durations: readonly DurationClass[] = (now?.durations ?? []).map(({ maxMs, runs }, at) => ({
    maxMs,
    runs: runs - (then?.durations[at]?.runs ?? 0),
  }))
  const failed = (status: typeof now): number =>
    Object.entries(status?.runs ?? {}).reduce((total, [outcome, runs]) => total + (NO_FAILURES.has(outcome) ? 0 : runs), 0)
  return {
    tenant,
    workers: workers.length,
    contexts: sum(workers, 'contexts'),
    runsPerSecond: sum(workers, 'runsPerSecond'),
    failedPerSecond: perSecond(failed(now) - failed(then), intervalMs),
    p50Ms: quantileMs(durations, 0.5),
    p99Ms: quantileMs(durations, 0.99),
    cpuPercent: sum(workers, 'cpuPercent'),
    rssBytes: workers.reduce((total, each) => total + memoryOf(each), 0),
    cpu: now?.cpu,
  }
}

function sum(workers: readonly WorkerFigures[], key: 'runsPerSecond' | 'cpuPercent' | 'contexts'): number {
  return round(workers.reduce((total, each) => total + each[key], 0))
}

const perSecond = (count: number, intervalMs: number): number => round((Math.max(0, count) * 1_000) / Math.max(1, intervalMs))

/** Figures are for people, and JSON of them too. */
const round = (value: number): number => Math.round(value * 10) / 10
