import type { Globals } from '../../protocol/context-messages.ts'
import type { Script } from '../compiler/script.ts'

/** What a preset is made of. */
export interface PresetParts {
  readonly name: string
  readonly globals: Globals
  readonly scripts: readonly Script[]
  readonly timeoutMs: number
}

/**
 * What contexts are made with: globals, and scripts that run once in each. Workers keep a few contexts ready in which they have. Made by `box.definePreset()`, for any box. Holds no resource: nothing needs to be
 * disposed.
 */
export class Preset {
  /** What it is called in messages. */
  readonly name: string
  /** What the context has before the scripts run. */
  readonly globals: Globals
  /** Those of the preset that it is based on come first. */
  readonly scripts: readonly Script[]
  /** What each script may take, in milliseconds. */
  readonly timeout: number

  /** @internal Presets are made by `box.definePreset()`. */
  constructor({ name, globals, scripts, timeoutMs }: PresetParts) {
    this.name = name
    this.globals = globals
    this.scripts = scripts
    this.timeout = timeoutMs
    Object.freeze(this)
  }
}

const bare = (globals: Globals): Preset => new Preset({ name: globals, globals, scripts: [], timeoutMs: 0 })

/** Those that need no script. */
export const WEB = bare('web')
export const ECMASCRIPT = bare('ecmascript')
