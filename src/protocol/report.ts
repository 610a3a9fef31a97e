import { MAX_NAME } from './limits.ts'
import { MalformedMessageError, optionalNumber, optionalString, readOptionalNumber, readOptionalString } from './link.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'

/** Where a run was when it failed. */
export const PHASES = ['queued', 'boot', 'compile', 'run', 'host-call', 'result'] as const
export type Phase = (typeof PHASES)[number]

/** What a worker died of. */
export const DEATH_CAUSES = [
  /** V8's heap was full. */
  'heap',
  /** Memory outside of V8's heap was used up, and what asked for it could not go on. */
  'off-heap',
  /** The kernel killed it for want of memory. */
  'oom-kill',
  /** V8 or Node gave up, or the processor refused what it did. */
  'fatal',
  /** It did not end a run in time, or answered nothing: native code that nothing interrupts. */
  'unresponsive',
  /** It sent what no worker sends, or took nothing any more. */
  'protocol',
  /** The daemon stops. */
  'shutdown',
  /** Nobody needed it any more. */
  'retired',
  /** It did not start, or is not confined as it must be. */
  'boot',
  /** Somebody else killed it. */
  'signal',
  /** It exited by itself. */
  'exit',
  /** Its tenant had used up its processor time, and it went on computing. */
  'cpu',
  /** It had more resident memory than is good for the machine, and was ended before the kernel ended something. */
  'high-water',
] as const
export type DeathCause = (typeof DEATH_CAUSES)[number]

/** A place in a guest's source, in lines and columns from 1. */
export interface GuestPlace {
  /** Undefined at the top level of a script, and in a function without a name. */
  readonly functionName: string | undefined
  readonly file: string
  readonly line: number
  readonly column: number
}

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
  /** What the worker died of, if it did. */
  readonly cause?: DeathCause | undefined
  /** The channel and run that it was at when it died, by its own account. */
  readonly channel?: number | undefined
  readonly run?: number | undefined
  /** The last host function that the run called, by its name or else its number. Known to the client; does not travel. */
  readonly hostCall?: string | undefined
  /** What the worker sent to this client from when the run was asked for until it failed, in bytes: console output, host calls, results, also of other runs. Does not travel. */
  readonly bytesOut?: number | undefined
  /** Where the guest was when its deadline passed, if that is known. Does not travel with a report. */
  readonly at?: GuestPlace | undefined
}

export function packPhase(out: MsgpackWriter, phase: Phase): void {
  out.int(PHASES.indexOf(phase))
}

/** `what` is what would be malformed. */
export function readPhase(from: MsgpackReader, what = 'an unknown phase'): Phase {
  const phase = PHASES[from.uint32()]
  if (phase === undefined) throw new MalformedMessageError(what)
  return phase
}

/** A report travels as a fixed array; what is not known is nil. */
export function writeReport(out: MsgpackWriter, report: Report): void {
  out.arrayHeader(REPORT_FIELDS)
  packPhase(out, report.phase)
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
  optionalNumber(out, report.cause === undefined ? undefined : DEATH_CAUSES.indexOf(report.cause))
  optionalNumber(out, report.channel)
  optionalNumber(out, report.run)
}

const REPORT_FIELDS = 15

export function readReport(from: MsgpackReader): Report {
  if (from.arrayHeader() !== REPORT_FIELDS) throw new MalformedMessageError('a report with other fields than expected')
  return {
    phase: readPhase(from, 'a report with an unknown phase'),
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
    cause: readCause(from),
    channel: readOptionalNumber(from),
    run: readOptionalNumber(from),
  }
}

function readCause(from: MsgpackReader): DeathCause | undefined {
  const number = readOptionalNumber(from)
  const cause = number === undefined ? undefined : DEATH_CAUSES[number]
  if (number !== undefined && cause === undefined) throw new MalformedMessageError('an unknown cause of death')
  return cause
}
