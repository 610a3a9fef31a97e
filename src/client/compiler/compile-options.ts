import { OptionReader } from '../../base/options.ts'
import { FORMATS, type Format, type Language, LANGUAGES } from '../../protocol/compiler-link.ts'
import { readFilename } from '../run-options.ts'

/** How a source is compiled. */
export interface CompileOptions {
  /** `'ts'` has its types stripped, not checked. Default `'js'`. */
  readonly language?: Language
  /** `'script'` (default) runs in a context; `'module'` is imported into one. */
  readonly format?: Format
  /** Shown in stack traces and syntax errors. At most 1,024 characters. */
  readonly filename?: string
  /** Gives up; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface CompileSettings {
  readonly language: Language
  readonly format: Format
  readonly filename: string | undefined
  readonly signal: AbortSignal | undefined
}

export function resolveCompileOptions(given: unknown): CompileSettings {
  const read = new OptionReader('compile()', given)
  const settings = {
    language: read.oneOf('language', LANGUAGES) ?? 'js',
    format: read.oneOf('format', FORMATS) ?? 'script',
    filename: readFilename(read),
    signal: read.signal('signal'),
  }
  read.finish()
  return settings
}
