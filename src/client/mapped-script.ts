import { DEFAULT_FILENAME } from '../protocol/default-filename.ts'
import { inlineSourceMapAt, readInlineSourceMap } from './inline-source-map.ts'
import type { OriginalPlace, OriginalPlaces } from './source-map.ts'

/** What V8 shows of a script whose name is empty. */
const NAMELESS = '<anonymous>'
/** Names of a map that are no names are not shown. */
const IDENTIFIER = /^[\p{ID_Start}$_#][\p{ID_Continue}$]{0,255}$/u
const IDENTIFIER_PART = /^[\p{ID_Continue}$]/u

/** A source that was run with a source map. The map of an inline comment is read when it is needed. */
export class MappedScript {
  /** About how much it keeps, in UTF-16 code units. */
  readonly size: number
  readonly #source: string
  #inlineAt: number
  #places: OriginalPlaces | undefined
  #lines: readonly string[] | undefined

  private constructor(source: string, inlineAt: number, places: OriginalPlaces | undefined) {
    this.size = source.length + (places?.size ?? 0)
    this.#source = source
    this.#inlineAt = inlineAt
    this.#places = places
  }

  /** Undefined for a source without a map. */
  static of(source: string, places: OriginalPlaces | undefined): MappedScript | undefined {
    const inlineAt = places === undefined ? inlineSourceMapAt(source) : -1
    return places === undefined && inlineAt < 0 ? undefined : new MappedScript(source, inlineAt, places)
  }

  find(line: number, column: number): OriginalPlace | undefined {
    if (this.#inlineAt >= 0) this.#places = readInlineSourceMap(this.#source, this.#inlineAt)
    this.#inlineAt = -1
    return this.#places?.find(line, column)
  }

  lineAt(line: number): string | undefined {
    this.#lines ??= linesOf(this.#source)
    return this.#lines[line - 1]
  }

  /**
   * The original name of a function that is called at a place, if the code calls it there by the name that it has in the stack. The place of a call through another name (a
   * parameter, say) has a name of the map's, too, but not the function's.
   */
  calleeName(line: number, column: number, name: string): string | undefined {
    const text = this.lineAt(line)?.slice(column - 1, column + name.length + 20) ?? ''
    const skipped = /^(?:(?:new|await)\s+)?/.exec(text)?.[0].length ?? 0
    if (!text.startsWith(name, skipped) || IDENTIFIER_PART.test(text.slice(skipped + name.length))) return undefined
    const original = this.find(line, column + skipped)?.name
    return original !== undefined && IDENTIFIER.test(original) ? original : undefined
  }
}

/** The lines of a source as V8 counts them. */
export function linesOf(source: string): readonly string[] {
  return source.split(/\r\n|[\n\r\u2028\u2029]/)
}

/** A file name as stacks show it. */
export function shownName(filename: string | undefined): string {
  return filename === '' ? NAMELESS : (filename ?? DEFAULT_FILENAME)
}
