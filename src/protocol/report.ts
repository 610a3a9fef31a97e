import { MAX_NAME } from './limits.ts'
import { MalformedMessageError, optionalNumber, optionalString, readOptionalNumber, readOptionalString } from './link.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'

/** Where a run was when it failed. */
export const PHASES = ['queued', 'boot', 'compile', 'run', 'host-call', 'result'] as const
export type Phase = (typeof PHASES)[number]

/** What is known about a run or a worker that failed for a reason of ours: which limit, which evidence. */
export interface Report {
  readonly phase: Phase
  /** The limit that was reached, by its name in `limits`. */
  readonly limit?: string | undefined
  /** What the limit was set to, and what was seen, in the limit's unit. */
  readonly configured?: number | undefined
  readonly observed?: number | undefined
  /** Number of the worker in its daemon's life. */
  readonly worker: number
  /** Signal that ended the worker. */
  readonly signal?: string | undefined
  readonly exitCode?: number | undefined
  readonly cpuMs: number
  readonly wallMs: number
  readonly peakRssBytes: number
  /** The last line that the worker's runtime wrote to standard error. */
  readonly stderr?: string | undefined
  /** Why the daemon ended the worker, if it did. */
  readonly reason?: string | undefined
}

/** A report travels as a fixed array; what is not known is nil. */
export function writeReport(out: MsgpackWriter, report: Report): void {
  out.arrayHeader(REPORT_FIELDS)
  out.int(PHASES.indexOf(report.phase))
  optionalString(out, report.limit)
  optionalNumber(out, report.configured)
  optionalNumber(out, report.observed)
  out.int(report.worker)
  optionalString(out, report.signal)
  optionalNumber(out, report.exitCode)
  out.number(report.cpuMs)
  out.number(report.wallMs)
  out.number(report.peakRssBytes)
  optionalString(out, report.stderr)
  optionalString(out, report.reason)
}

const REPORT_FIELDS = 12

export function readReport(from: MsgpackReader): Report {
  if (from.arrayHeader() !== REPORT_FIELDS) throw new MalformedMessageError('a report with other fields than expected')
  const phase = PHASES[from.uint32()]
  if (phase === undefined) throw new MalformedMessageError('a report with an unknown phase')
  return {
    phase,
    limit: readOptionalString(from, MAX_NAME),
    configured: readOptionalNumber(from),
    observed: readOptionalNumber(from),
    worker: from.uint32(),
    signal: readOptionalString(from, MAX_NAME),
    exitCode: readOptionalNumber(from),
    cpuMs: from.number(),
    wallMs: from.number(),
    peakRssBytes: from.number(),
    stderr: readOptionalString(from, MAX_NAME),
    reason: readOptionalString(from, MAX_NAME),
  }
}
