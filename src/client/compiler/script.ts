import { InvalidOptionError } from '../../base/options.ts'
import { OriginalPlaces } from '../source-map.ts'
import { type RunScript, runScript } from '../source-maps.ts'
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
  #refused = false
  #forStacks: RunScript | undefined

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

  /** Whether a worker's V8 refused the code cache: another version made it. The script runs all the same, and the next `box.compile()` of its source makes a new one. */
  get cachedDataRejected(): boolean {
    return this.#refused
  }

  /** @internal The script as stacks are told of the original source. */
  forStacks(): RunScript {
    this.#forStacks ??= runScript(this.code, this.filename, placesOf(this.sourceMap))
    return this.#forStacks
  }

  /** @internal */
  refuseCachedData(): void {
    this.#refused = true
  }
}

/** HOSTILE: a compiler may send any text as a map. What is none tells stacks nothing. */
function placesOf(sourceMap: string | undefined): OriginalPlaces | undefined {
  try {
    return sourceMap === undefined ? undefined : OriginalPlaces.of(sourceMap)
  } catch (error) {
    if (error instanceof InvalidOptionError) return undefined
    throw error
  }
}
