import { GloveboxError } from '../base/error.ts'
import type { Report } from '../protocol/report.ts'

export { GloveboxError } from '../base/error.ts'
export { InvalidOptionError } from '../base/options.ts'
export type { Report } from '../protocol/report.ts'

/**
 * The guest threw. `name`, `message`, `stack`, `cause`, `errors` and own properties are the guest's, its own `code` among them, and may be whatever the guest likes;
 * the class is ours. The stack shows guest frames only. `code` is `ERR_GUEST` unless the guest's error had one.
 */
export class GuestError extends GloveboxError {
  /** What was thrown, if it was not an Error. */
  declare readonly value?: unknown

  constructor(message: string) {
    super('ERR_GUEST', message)
  }
}

/** A failure of Glovebox's, with the evidence where a limit or a death is the cause. */
export class ReportedError extends GloveboxError {
  readonly report: Report | undefined

  constructor(code: string, message: string, report?: Report, options?: ErrorOptions) {
    super(code, message, options)
    this.report = report
  }
}

/** `ERR_TIMEOUT`: the run's deadline passed. The context is alive, with its state, unless `report.signal` says that its worker had to be killed: native code cannot be interrupted. Raise `timeout`, or look at `report` for what it was doing. */
export class TimeoutError extends ReportedError {}
/** `ERR_MEMORY_LIMIT`: the run's worker reached its limit of memory, in V8's heap or outside of it, and died: its contexts are lost. `report` says which limit. Use less, or raise `memory`. */
export class MemoryLimitError extends ReportedError {}
/** `ERR_PRESET_FAILED`: the script of a preset threw while a context was made; `cause` is what it threw, a {@link GuestError}. */
export class PresetError extends GloveboxError {
  constructor(cause: Error) {
    super('ERR_PRESET_FAILED', `the preset's script threw ${cause.name}: ${cause.message}`, { cause })
  }
}
/** `ERR_OUTPUT_LIMIT`: the result is larger than it may be. Return less, or in parts. */
export class OutputLimitError extends ReportedError {}
/** `ERR_WORKER_CRASHED`: the worker died while the call was under way; `report` says how. Its contexts are lost. */
export class WorkerCrashError extends ReportedError {}
/** `ERR_COMPILER_CRASHED`: the compiler died of this source, most likely for want of memory; `report` says how. Compile less at a time. */
export class CompilerCrashError extends ReportedError {}
/** `ERR_CONTEXT_LOST`: the context is gone, because it was disposed or its worker died before this call. Make a new one. */
export class ContextLostError extends ReportedError {}
interface Overload {
  readonly retryAfter?: number | undefined
  readonly position?: number | undefined
  readonly blockedBy?: string | undefined
}

/** `ERR_OVERLOADED`: no worker is free, and none is expected in time. Try again after `retryAfter` milliseconds. */
export class OverloadedError extends ReportedError {
  readonly retryAfter: number | undefined
  /** Its place among those that wait, counted from 1. */
  readonly position: number | undefined
  /** How long it would have waited, by what is known, in milliseconds. */
  readonly estimatedWaitMs: number | undefined
  /** What keeps it: `'max'` or `'maxWorkers'` (all workers that there may be are in use, or all that its tenant may have), `'maxQueue'`, `'boot'`; `'busy'` (the only worker that its tenant may have computes, and lets nobody in); `'cpu'` (its tenant has used up its processor time). */
  readonly blockedBy: string | undefined

  constructor(message: string, { retryAfter, position, blockedBy }: Overload, report?: Report) {
    super('ERR_OVERLOADED', message, report)
    this.retryAfter = retryAfter
    this.position = position
    this.estimatedWaitMs = retryAfter
    this.blockedBy = blockedBy
  }
}
/** `ERR_ACCESS_DENIED`, `ERR_VERSION`: the daemon does not serve this client. */
export class AccessDeniedError extends GloveboxError {}
/** `ERR_PROTOCOL`: the peer sent something that it must not. The link to it is closed. */
export class ProtocolError extends ReportedError {}
/** `ERR_CONNECTION`, `ERR_DISPOSED`, `ERR_STOPPING`: there is no daemon, no longer, or not for long. */
export class ConnectionError extends ReportedError {
  constructor(code: string, message: string, { report, cause }: { readonly report?: Report | undefined; readonly cause?: unknown } = {}) {
    super(code, message, report, cause === undefined ? undefined : { cause })
  }
}
/** A value that cannot cross, or is too deep or too large: `ERR_VALUE_UNSUPPORTED`, `ERR_VALUE_TOO_DEEP`, `ERR_VALUE_TOO_LARGE`. The message names its path. */
export class ValueError extends ReportedError {}
/** A limit that a request itself is over: `ERR_SOURCE_LIMIT`, `ERR_CONTEXT_LIMIT`; or that ended it: `ERR_CPU_LIMIT`, the tenant's processor time. See also {@link ScriptRefusedError}. */
export class LimitError extends ReportedError {}

/** `ERR_SCRIPT_REFUSED`: this script crashed several workers in a short time, and is not run for a while. Nothing was sent. Look at the errors of the crashes; try again after `retryAfter` milliseconds at the earliest. */
export class ScriptRefusedError extends LimitError {
  /** When the script is taken again, in milliseconds from then. */
  readonly retryAfter: number
  /** SHA-256 of the script's code as UTF-16LE, in hexadecimal. */
  readonly hash: string

  constructor(message: string, hash: string, retryAfter: number) {
    super('ERR_SCRIPT_REFUSED', message)
    this.hash = hash
    this.retryAfter = retryAfter
  }
}

/** The report of a failure before anything was sent: there is no worker, whose number is 0. */
export function unsentReport(limit: string, configured: number, observed: number): Report {
  return { phase: 'queued', limit, configured, observed, worker: 0, cpuMs: 0, wallMs: 0, peakRssBytes: 0 }
}

/** The error for a failure that a worker or the daemon named by its code. */
export function errorForCode(code: string, message: string, report?: Report, overload: Overload = {}): GloveboxError {
  switch (code) {
    case 'ERR_TIMEOUT':
      return new TimeoutError(code, message, report)
    case 'ERR_OUTPUT_LIMIT':
      return new OutputLimitError(code, message, report)
    case 'ERR_COMPILER_CRASHED':
      return new CompilerCrashError(code, message, report)
    case 'ERR_CONTEXT_LOST':
      return new ContextLostError(code, message, report)
    case 'ERR_OVERLOADED':
      return new OverloadedError(message, overload, report)
    case 'ERR_ACCESS_DENIED':
    case 'ERR_VERSION':
      return new AccessDeniedError(code, message)
    case 'ERR_STOPPING':
    case 'ERR_WORKER_BOOT':
      return new ConnectionError(code, message, { report })
    case 'ERR_VALUE_UNSUPPORTED':
    case 'ERR_VALUE_TOO_DEEP':
    case 'ERR_VALUE_TOO_LARGE':
      return new ValueError(code, message, report)
    case 'ERR_SOURCE_LIMIT':
    case 'ERR_CONTEXT_LIMIT':
    case 'ERR_NAME_LIMIT':
    case 'ERR_CPU_LIMIT':
    case 'ERR_CALL_DEPTH':
      return new LimitError(code, message, report)
    case 'ERR_PROTOCOL':
      return new ProtocolError(code, message, report)
    default:
      return new ReportedError(code, message, report)
  }
}
