import type { DeathCause } from '../protocol/report.ts'
import { ConnectionError, type GloveboxError, LimitError, MemoryLimitError, type Report, TimeoutError, WorkerCrashError } from './errors.ts'
import { type RunFacts, withFacts } from './run-traces.ts'

const MIB = 1024 * 1024
const MEMORY_CAUSES: ReadonlySet<DeathCause | undefined> = new Set(['heap', 'off-heap', 'oom-kill', 'high-water'])

/** Whether it says that a worker is gone, or the daemon with all workers. Another may not be. */
export function isDeath(error: unknown): error is WorkerCrashError | MemoryLimitError | ConnectionError {
  if (error instanceof ConnectionError) return error.code === 'ERR_CONNECTION' || error.code === 'ERR_STOPPING'
  return error instanceof WorkerCrashError || error instanceof MemoryLimitError
}

/** What a worker's death means for the calls that were under way there. */
export interface Death {
  /** The run that it died of, and the error for it, if that is known: its number in the channel that the report names. */
  readonly culprit: { readonly run: number; readonly error: (timeoutMs: number, facts: RunFacts) => GloveboxError } | undefined
  /** For each of the others: by its number, and that of the latest call that is known to have begun. */
  readonly other: (facts: RunFacts, run: number, begun: number) => GloveboxError
  /** For those who come later. */
  readonly cause: GloveboxError
}

/** @param channel number of the channel that asks */
export function deathOf(worker: number, channel: number, report: Report): Death {
  const text = crashText(worker, report)
  const atWork = report.channel === channel && report.cause !== 'shutdown' ? report.run : undefined
  return {
    culprit:
      atWork === undefined
        ? undefined
        : { run: atWork, error: (timeoutMs, facts) => culpritError(worker, text, reportOf(report, facts), timeoutMs) },
    other: (facts, run, begun) => {
      // Calls begin in order. One that is at work although a later one had begun has waited, and says nothing of those that came after.
      const isQueued = atWork !== undefined && run > atWork && begun <= atWork && facts.hostCall === undefined
      return errorOfOther(text, isQueued ? { ...withFacts(report, facts), phase: 'queued' } : reportOf(report, facts))
    },
    cause: errorOfOther(text, report),
  }
}

/** The report of one run among those that were under way. */
function reportOf(report: Report, facts: RunFacts): Report {
  return { ...withFacts(report, facts), phase: facts.isInHostCall ? 'host-call' : report.phase }
}

function errorOfOther(text: string, report: Report): GloveboxError {
  if (report.cause === 'shutdown') return new ConnectionError('ERR_STOPPING', `the daemon is stopping: ${text}`, { report })
  // Nobody knows whose run it was: then it is the limit that all of them have in common.
  if (report.run === undefined && MEMORY_CAUSES.has(report.cause)) return outOfMemory(text, report)
  return new WorkerCrashError('ERR_WORKER_CRASHED', text, report)
}

function culpritError(worker: number, text: string, report: Report, timeoutMs: number): GloveboxError {
  if (MEMORY_CAUSES.has(report.cause)) return outOfMemory(text, report)
  if (report.cause === 'cpu') return new LimitError('ERR_CPU_LIMIT', `${text}; its contexts are lost`, report)
  if (report.cause !== 'unresponsive') return errorOfOther(text, report)
  return new TimeoutError(
    'ERR_TIMEOUT',
    `the run did not end at its deadline of ${timeoutMs} ms, in native code that cannot be interrupted; worker ${worker} was killed, and its contexts are lost`,
    { ...report, limit: 'timeout', configured: timeoutMs },
  )
}

function outOfMemory(text: string, report: Report): MemoryLimitError {
  if (report.cause === 'high-water') return new MemoryLimitError('ERR_MEMORY_LIMIT', `${text}; its contexts are lost`, report)
  const limit = report.configured === undefined ? '' : ` of ${Math.round(report.configured / MIB)} MiB`
  const what =
    report.cause === 'oom-kill'
      ? `the kernel ended the worker for want of memory (its own limit${limit} of memory outside the heap was not reached)`
      : `the worker's limit${limit} of ${report.cause === 'heap' ? 'heap' : 'memory outside the heap'} was reached`
  return new MemoryLimitError('ERR_MEMORY_LIMIT', `${what}; its contexts are lost: ${text}`, report)
}

function crashText(worker: number, report: Report): string {
  const how =
    report.signal === undefined
      ? report.exitCode === undefined
        ? 'ended'
        : `exited with code ${report.exitCode}`
      : `was killed by ${report.signal}`
  const why = report.reason ?? report.stderr
  return `worker ${worker} ${how}${why === undefined ? '' : ` (${why})`}`
}
