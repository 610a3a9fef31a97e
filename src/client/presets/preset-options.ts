import { InvalidOptionError, OptionReader } from '../../base/options.ts'
import { type Language, LANGUAGES } from '../../protocol/compiler-link.ts'
import { MAX_NAME, TIMEOUT_MS } from '../../protocol/limits.ts'
import { Script } from '../compiler/script.ts'
import { checkSource, readFilename, type RunPolicy } from '../run-options.ts'
import { type PresetName, readPreset } from './context-settings.ts'
import type { Preset } from './preset.ts'

/** How a preset is made. */
export interface PresetOptions {
  /** The script that runs once in each context. Either this or `source`. */
  readonly script?: Script
  /** The same as text. */
  readonly source?: string
  /** Of `source`. Default `'js'`. */
  readonly language?: Language
  /** Of `source`; default: the preset's name. Shown in stack traces. At most 1,024 characters. */
  readonly filename?: string
  /** What it is based on: a preset of the same kind, or a built-in one. Default `'web'`. */
  readonly globals?: PresetName | Preset
  /** What it is called in messages. At most 1,024 characters; default `'preset'`. */
  readonly name?: string
  /** What each of its scripts may take in a context, in milliseconds. 1 to the daemon's maximum; default: the connection's. */
  readonly timeout?: number
  /** Gives up waiting for its source to be compiled. */
  readonly signal?: AbortSignal
}

export interface PresetSettings {
  readonly script: Script | undefined
  readonly source: string | undefined
  readonly language: Language
  readonly filename: string | undefined
  readonly base: PresetName | Preset
  readonly name: string
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

export function resolvePresetOptions(policy: RunPolicy, given: unknown): PresetSettings {
  const read = new OptionReader('definePreset()', given)
  const script = read.any('script')
  const source = read.string('source')
  const language = read.oneOf('language', LANGUAGES)
  const filename = readFilename(read)
  const settings = {
    base: readPreset('globals', read.any('globals')) ?? 'web',
    name: read.string('name') ?? 'preset',
    timeoutMs: read.integer('timeout', TIMEOUT_MS.min, policy.maxMs) ?? policy.defaultMs,
    signal: read.signal('signal'),
  }
  read.finish()
  if (settings.name.length > MAX_NAME) throw new InvalidOptionError('name', `must have at most ${MAX_NAME} characters`, settings.name)
  if (script === undefined) {
    if (source === undefined) throw new InvalidOptionError('source', "must be given, or 'script'", source)
    checkSource(source, policy.limits.maxSource)
    return { ...settings, script, source, language: language ?? 'js', filename }
  }
  if (!(script instanceof Script)) throw new InvalidOptionError('script', 'must be a Script of box.compile()', script)
  if (script.format === 'module') throw new InvalidOptionError('script', 'must be a script: a module is imported, not run', script)
  for (const [name, value] of Object.entries({ source, language, filename }))
    if (value !== undefined) throw new InvalidOptionError(name, "is not for a preset with a 'script'", value)
  return { ...settings, script, source, language: 'js', filename }
}
