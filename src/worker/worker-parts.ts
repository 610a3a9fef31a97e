import type { Guard } from './guard.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { Pause } from './pause.ts'
import type { PresetContexts } from './preset-contexts.ts'
import type { ReadyContexts } from './ready-contexts.ts'
import type { RunCounter } from './run-counter.ts'
import type { ScriptCache } from './scripts.ts'
import type { TimeZones } from './time-zones.ts'
import type { UploadedScripts } from './uploaded-scripts.ts'

/** What all channels of a worker share. */
export interface WorkerParts {
  readonly guard: Guard
  readonly counter: RunCounter
  readonly heartbeat: Pick<Heartbeat, 'serve' | 'rest' | 'isUnwanted'>
  readonly pause: Pause
  readonly ready: ReadyContexts
  readonly presets: PresetContexts
  readonly timeZones: TimeZones
  readonly scripts: ScriptCache
  readonly uploads: Pick<UploadedScripts, 'keep' | 'get' | 'forget'>
  /** Whether several channels share the context that is made: then data alone crosses. */
  readonly isShared?: boolean
  readonly maxContexts: number
  /** For the daemon: contexts and waiting runs now, and runs so far. */
  readonly usage: { contexts: number; runs: number; waiting: number }
}
