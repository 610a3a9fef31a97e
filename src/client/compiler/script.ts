import type { Format, Language, SourceImport } from '../../protocol/compiler-link.ts'

export type { Format, Language, SourceImport }

/** What a script is made of. */
export interface ScriptParts {
  readonly language: Language
  readonly format: Format
  readonly filename: string | undefined
  readonly code: string
  readonly imports: readonly SourceImport[]
  readonly sourceMap: string | undefined
  readonly cachedData: Uint8Array | undefined
}

/** A compiled source: parsed once, to be run any number of times, in any context of the box's tenant. Made by `box.compile()`. Holds no resource: nothing needs to be disposed. */
export class Script {
  /** SHA-256 of language, format, file name and source, in hexadecimal. Equal sources have equal hashes. */
  readonly hash: string
  readonly language: Language
  readonly format: Format
  /** Shown in stack traces. */
  readonly filename: string | undefined
  /** JavaScript: the source itself, or TypeScript without its types. */
  readonly code: string
  /** What the source imports: its statements in order, then its `import()` expressions. */
  readonly imports: readonly SourceImport[]
  /** Source map (version 3, JSON) from `code` to the TypeScript source. Absent where lines and columns are the same, which they are unless the source has enums, namespaces and the like. */
  readonly sourceMap: string | undefined
  /** V8's code cache. Absent if it would be larger than 64 MiB. */
  readonly cachedData: Uint8Array | undefined

  /** @internal Scripts are made by `box.compile()`. */
  constructor(hash: string, { language, format, filename, code, imports, sourceMap, cachedData }: ScriptParts) {
    this.hash = hash
    this.language = language
    this.format = format
    this.filename = filename
    this.code = code
    this.imports = imports
    this.sourceMap = sourceMap
    this.cachedData = cachedData
    Object.freeze(this)
  }
}
