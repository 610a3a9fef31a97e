import type { Due } from './due.ts'
import type { ManyCall } from './many-call.ts'
import type { Nested } from './reentrance.ts'
import type { Traces } from './run-traces.ts'
import type { RunScript } from './source-maps.ts'
import type { TracePlace } from './tracing/tracing.ts'

/** What a channel remembers of a call until it is answered. */
export interface AboutCall extends Nested, Traces {
  readonly context: number
  readonly timeoutMs: number
  /** Bytes of its result. */
  readonly maxOutput: number
  /** Where outcomes of a `many` run go. */
  readonly many: ManyCall | undefined
  /** The source of a run, for the stacks of what it throws. */
  readonly script: RunScript | undefined
  /** When it is due, if its time in the worker's line counts. */
  readonly due: Due | undefined
  /** Where its host calls belong in a trace, if there are traces. */
  readonly trace: TracePlace | undefined
}
