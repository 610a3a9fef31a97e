import { createRequire } from 'node:module'
import { isAbsolute } from 'node:path'
import { errorCode, errorMessage } from '../../base/error.ts'
import { openTelemetry } from './open-telemetry.ts'

/** A place in a trace: OpenTelemetry's context, of which nobody else knows anything. */
export type TracePlace = object

/** What is known of a run before it begins. All of it is the host's word, none the guest's. */
export interface TracedRun {
  readonly operation: 'run' | 'many' | 'call' | 'invoke' | 'import'
  readonly filename?: string | undefined
  /** The path of the guest's function that is called. */
  readonly function?: string | undefined
  readonly specifier?: string | undefined
}

/** How runs become spans. Guests neither see nor name any of it: it never leaves this process. */
export interface Tracing {
  /** A span from now until `work` is settled, which is active in it. */
  readonly run: <Result>(about: TracedRun, work: () => Promise<Result>) => Promise<Result>
  /** A request leaves for a worker. Gives where the host calls belong that come of it. */
  readonly sent: (worker: number) => TracePlace
  /** Does something there; outside of every trace if that is undefined. */
  readonly within: <Result>(place: TracePlace | undefined, work: () => Result) => Result
}

const PACKAGE = '@opentelemetry/api'
let found: (() => Tracing | undefined) | undefined

/** Undefined if the application has no OpenTelemetry, or has not registered a provider yet. The package is looked for once in a process. */
export function findTracing(): Tracing | undefined {
  found ??= load()
  return found()
}

/** From beside this package, or where the program's main file is. Not from the current folder, which may be anybody's. */
function load(): () => Tracing | undefined {
  for (const from of [import.meta.filename, process.argv[1]]) {
    // Not a file: -, for standard input.
    if (from === undefined || !isAbsolute(from)) continue
    try {
      return openTelemetry(createRequire(from)(PACKAGE))
    } catch (error) {
      if (errorCode(error) === 'MODULE_NOT_FOUND') continue
      process.emitWarning(`glovebox does not trace: ${PACKAGE} is installed and does not load: ${errorMessage(error)}`)
      break
    }
  }
  return () => undefined
}
