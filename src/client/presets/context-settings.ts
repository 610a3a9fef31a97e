import { InvalidOptionError, type OptionReader } from '../../base/options.ts'
import type { Deterministic } from '../../protocol/context-messages.ts'
import { readDeterministic } from './deterministic.ts'
import { checkGlobals } from '../checked-globals.ts'
import { Preset } from './preset.ts'

const PRESET_NAMES = ['ecmascript', 'web', 'browser'] as const
/** `'ecmascript'`: the bare language and `console`. `'web'`: timers, URL, streams and the like, see docs/web-globals.md. `'browser'`: a DOM, see docs/presets.md. */
export type PresetName = (typeof PRESET_NAMES)[number]

/** How a context is made. */
export interface ContextSettings {
  /** Undefined for the default. */
  readonly preset: PresetName | Preset | undefined
  readonly deterministic: Deterministic | undefined
}

/** Whether it is made as any. */
export function isUsual({ preset, deterministic }: ContextSettings): boolean {
  if (deterministic !== undefined) return false
  return preset === undefined || preset === 'web'
}

/** A preset, or the name of one. */
export function readPreset(option: string, given: unknown): PresetName | Preset | undefined {
  if (given === undefined || given instanceof Preset) return given
  const found = PRESET_NAMES.find((name) => name === given)
  if (found !== undefined) return found
  const names = PRESET_NAMES.map((name) => `'${name}'`).join(', ')
  throw new InvalidOptionError(option, `must be one of ${names}, or a preset of box.definePreset()`, given)
}

/** Of the options of `createContext()`. */
export function readContextSettings(read: OptionReader): ContextSettings {
  return {
    preset: readEither(readPreset('globals', read.any('globals')), read),
    deterministic: readDeterministic(read.any('deterministic'), false),
  }
}

/** Of those of a single run, whose `globals` may also be values. */
export function readGlobals(read: OptionReader): ContextSettings & { readonly globals: Readonly<Record<string, unknown>> | undefined } {
  const given = read.any('globals')
  const isPreset = typeof given === 'string' || given instanceof Preset
  if (!isPreset && given !== undefined) checkGlobals(given)
  return {
    globals: isPreset ? undefined : given,
    preset: readEither(isPreset ? readPreset('globals', given) : undefined, read),
    deterministic: readDeterministic(read.any('deterministic'), true),
  }
}

function readEither(asGlobals: PresetName | Preset | undefined, read: OptionReader): PresetName | Preset | undefined {
  const preset = readPreset('preset', read.any('preset'))
  if (preset !== undefined && asGlobals !== undefined) throw new InvalidOptionError('preset', "is given already, as 'globals'", preset)
  return preset ?? asGlobals
}
