import { InvalidOptionError } from '../../base/options.ts'
import { MAX_PRESET_SCRIPTS } from '../../protocol/limits.ts'
import type { Scripts } from '../compiler/scripts.ts'
import type { ContextSettings, PresetName } from './context-settings.ts'
import type { Making } from './making.ts'
import { ECMASCRIPT, Preset, WEB } from './preset.ts'
import type { PresetSettings } from './preset-options.ts'

/** The presets of a box. */
export class Presets {
  readonly #scripts: Scripts

  constructor(scripts: Scripts) {
    this.#scripts = scripts
  }

  async define(settings: PresetSettings): Promise<Preset> {
    const { name, base, timeoutMs, source, language, signal } = settings
    const { globals, scripts } = await this.#find(base)
    if (scripts.length >= MAX_PRESET_SCRIPTS)
      throw new InvalidOptionError('globals', `must be a preset of less than ${MAX_PRESET_SCRIPTS} scripts`, base)
    const filename = settings.filename ?? name
    const script = settings.script ?? (await this.#scripts.compile(source as string, { language, format: 'script', filename, signal }))
    return new Preset({ name, globals, scripts: [...scripts, script], timeoutMs })
  }

  /** How a context is made. */
  async making({ preset }: ContextSettings): Promise<Making> {
    return { preset: await this.#find(preset ?? 'web'), deterministic: undefined }
  }

  async #find(preset: PresetName | Preset): Promise<Preset> {
    switch (preset) {
      case 'web':
        return WEB
      case 'ecmascript':
        return ECMASCRIPT
      case 'browser':
        throw new InvalidOptionError('globals', 'is not there yet', preset)
      default:
        return preset
    }
  }
}
