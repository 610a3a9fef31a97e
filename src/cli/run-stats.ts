import { type Box, ReportedError } from '../client/index.ts'
import { formatBytes, formatMs } from './quantity.ts'

/** What a run took. Processor time and memory are of its worker, as the kernel has them: other runs of the same tenant may be in the same worker. */
export interface RunStats {
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakRssBytes: number
  readonly worker: number
}

/** Begins to measure; what it resolves with measures what came since, whether that failed (with `error`) or not. */
export async function measureRun(box: Box, worker: number): Promise<(error?: Error) => Promise<RunStats>> {
  const before = await usageOf(box, worker)
  const startedMs = performance.now()
  return async (error) => {
    const wallMs = performance.now() - startedMs
    const after = (await usageOf(box, worker)) ?? (error instanceof ReportedError ? error.report : undefined)
    const cpuMs = Math.max(0, (after?.cpuMs ?? 0) - (before?.cpuMs ?? 0))
    return { wallMs, cpuMs, peakRssBytes: after?.peakRssBytes ?? 0, worker }
  }
}

/** Undefined if the worker is gone, or nobody can be asked any more. */
async function usageOf(box: Box, worker: number): Promise<{ readonly cpuMs: number; readonly peakRssBytes: number } | undefined> {
  try {
    return (await box.status()).workers.find((each) => each.worker === worker)
  } catch {
    return undefined
  }
}

export function describeStats({ wallMs, cpuMs, peakRssBytes, worker }: RunStats): string {
  return `time ${formatMs(wallMs)}, CPU ${formatMs(cpuMs)}, peak memory ${formatBytes(peakRssBytes)} (worker ${worker})`
}
