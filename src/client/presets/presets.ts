import { readFile } from 'node:fs/promises'
import { InvalidOptionError } from '../../base/options.ts'
import { MAX_PRESET_SCRIPTS } from '../../protocol/limits.ts'
import type { Scripts } from '../compiler/scripts.ts'
import type { RunPolicy } from '../run-options.ts'
import type { ContextSettings, PresetName } from './context-settings.ts'
import type { Making } from './making.ts'
import { ECMASCRIPT, Preset, WEB } from './preset.ts'
import type { PresetSettings } from './preset-options.ts'

/** The script of `'browser'`, which the build makes of src/browser/. */
const BROWSER = new URL('../../browser/browser.js', import.meta.url)
/** What it may take, in milliseconds. It takes some 30 where nothing is compiled yet; a daemon may allow less. */
const BROWSER_TIMEOUT_MS = 5_000

/** The presets of a box. */
export class Presets {
  readonly #scripts: Scripts
  readonly #browserTimeoutMs: number
  #browser: Promise<Preset> | undefined

  constructor(scripts: Scripts, { maxMs }: RunPolicy) {
    this.#scripts = scripts
    this.#browserTimeoutMs = Math.min(BROWSER_TIMEOUT_MS, maxMs)
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
  async making({ preset, deterministic }: ContextSettings): Promise<Making> {
    return { preset: await this.#find(preset ?? 'web'), deterministic }
  }

  async #defineBrowser(): Promise<Preset> {
    const source = await readFile(BROWSER, 'utf8')
    const settings = { language: 'js', format: 'script', filename: 'glovebox:browser', signal: undefined } as const
    const script = await this.#scripts.compileOurs(source, settings)
    return new Preset({ name: 'browser', globals: 'web', scripts: [script], timeoutMs: this.#browserTimeoutMs })
  }

  async #find(preset: PresetName | Preset): Promise<Preset> {
    switch (preset) {
      case 'web':
        return WEB
      case 'ecmascript':
        return ECMASCRIPT
      case 'browser':
        this.#browser ??= this.#defineBrowser().catch((error: unknown) => {
          this.#browser = undefined
          throw error
        })
        return this.#browser
      default:
        return preset
    }
  }
}
