import { OptionReader } from '../../base/options.ts'
import { MAX_SOURCE } from '../../protocol/limits.ts'
import { Script } from '../compiler/script.ts'
import { readFilename } from '../run-options.ts'
import { OriginalPlaces } from '../source-map.ts'
import type { ModuleFormat } from './given-modules.ts'

/** What a guest's realm is told that a module is. */
export type GuestFormat = 'module' | 'commonjs' | 'json' | 'text'

/** A module that a user gave, checked. */
export interface FoundModule {
  readonly source: string
  readonly format: GuestFormat
  readonly isTypeScript: boolean
  readonly filename: string
  readonly meta: Readonly<Record<string, unknown>> | undefined
  readonly sourceMap: OriginalPlaces | undefined
  /** Compiled already. */
  readonly script: Script | undefined
}

const FORMATS = ['module', 'commonjs', 'json', 'text', 'typescript'] as const
/** Stacks leave frames of such files out. */
const HIDDEN = /^(?:glovebox|node):/

/** Who asks for a module: one that imports it, CommonJS, or the client's own `import`, which needs no attributes. */
export type Asker = 'module' | 'require' | 'client'

/** undefined if there is none. Throws what is wrong with it. */
export function foundModule(given: unknown, key: string, type: string, asker: Asker): FoundModule | undefined {
  if (given === undefined || given === null) return undefined
  const filename = HIDDEN.test(key) ? `module:${key}` : key
  if (given instanceof Script) {
    if (given.format !== 'module') throw new TypeError("it is compiled as a script, not with the format 'module'")
    const script = given
    return {
      source: script.code,
      format: 'module',
      isTypeScript: false,
      filename: script.filename ?? filename,
      meta: undefined,
      sourceMap: undefined,
      script,
    }
  }
  if (typeof given === 'string') return checked({ source: given, filename, key, type, asker })
  if (typeof given !== 'object' || Array.isArray(given))
    throw new TypeError(`it must be a string, or an object with a source, and is ${given === null ? 'null' : kindOf(given)}`)
  const read = new OptionReader('a module', given)
  const source = read.string('source')
  if (source === undefined) throw new TypeError('it has no source')
  const sourceMap = read.any('sourceMap')
  const parts = {
    source,
    format: read.oneOf('format', FORMATS),
    filename: readFilename(read) ?? filename,
    meta: read.object('meta'),
    sourceMap: sourceMap === undefined ? undefined : OriginalPlaces.of(sourceMap),
  }
  read.finish()
  return checked({ ...parts, key, type, asker })
}

interface Parts {
  readonly source: string
  readonly format?: ModuleFormat | undefined
  readonly filename: string
  readonly meta?: Readonly<Record<string, unknown>> | undefined
  readonly sourceMap?: OriginalPlaces | undefined
  readonly key: string
  readonly type: string
  readonly asker: Asker
}

function checked({ source, format, filename, meta, sourceMap, key, type, asker }: Parts): FoundModule {
  if (source.length > MAX_SOURCE.default)
    throw new RangeError(`its source has ${source.length} characters, over the limit of ${MAX_SOURCE.default}`)
  const extension = /\.[cm]?tsx?$|\.[cm]js$|\.json$/i.exec(key)?.[0].toLowerCase()
  const isTypeScript = format === 'typescript' || (format === undefined && extension?.includes('ts') === true && type === '')
  const isCommon = format === 'commonjs' || extension === '.cjs' || extension === '.cts'
  const isOpen = extension !== '.mjs' && extension !== '.mts'
  const plain = isCommon || (isOpen && (asker === 'require' || looksLikeCommonJs(source))) ? 'commonjs' : 'module'
  const byKey = type === 'json' || type === 'text' ? type : extension === '.json' ? 'json' : plain
  const kind = format === undefined || format === 'typescript' ? byKey : format
  if (asker === 'module' && (kind === 'json' || kind === 'text') && type !== kind)
    throw new TypeError(`it needs the import attribute type: '${kind}'`)
  if (type !== '' && kind !== type) throw new TypeError(`it is imported with the attribute type: '${type}', and is '${kind}'`)
  // As whoever decodes UTF-8 does.
  const text = source.startsWith('\ufeff') ? source.slice(1) : source
  return { source: text, format: kind, isTypeScript, filename, meta, sourceMap, script: undefined }
}

/** A statement that only an ES module has, also in the middle of a line, where minified code has it. `import(` is an expression, which CommonJS has, too. */
const MODULE_SYNTAX = /(?:^|[;}]|\*\/)[ \t]*(?:export\b|import\b(?!\s*\())|\bimport\.meta\b/m
/** What only CommonJS has a use for. */
const COMMON_SYNTAX = /\bmodule\.exports\b|\bexports\.[\w$]+\s*=|\bexports\[|\brequire\s*\(|\btypeof (?:module|exports)\b/

/** For a source whose key does not tell. A comment may deceive it: then `format` helps. */
function looksLikeCommonJs(source: string): boolean {
  return COMMON_SYNTAX.test(source) && !MODULE_SYNTAX.test(source)
}

function kindOf(given: unknown): string {
  return Array.isArray(given) ? 'an array' : `a ${typeof given}`
}
