import { SourceMap, type SourceMapPayload } from 'node:module'
import { MAX_NAME } from '../protocol/limits.ts'
import { type MapSection, type OriginalSource, readSourceMap } from './source-map-format.ts'

/** A place in an original source. Line and column begin at 1, as in a stack. */
export interface OriginalPlace {
  readonly source: string
  readonly line: number
  readonly column: number
  /** The original name of what stands exactly where it was asked for. */
  readonly name: string | undefined
  /** The source's text, if the map has it. */
  readonly content: string | undefined
}

const known = new WeakMap<object, OriginalPlaces>()

/** What a source map says. It is decoded when it is asked for the first time, which takes some 0.2 µs per character of its mappings. */
export class OriginalPlaces {
  /** UTF-16 code units of its mappings. */
  readonly size: number
  readonly #sections: readonly MapSection[]
  readonly #sources: readonly OriginalSource[]
  #decoded: SourceMap | undefined

  private constructor(sections: readonly MapSection[]) {
    this.#sections = sections
    this.#sources = sections.flatMap(({ sources }) => sources)
    this.size = sections.reduce((sum, { mappings }) => sum + mappings.length, 0)
  }

  /**
   * @param given a source map, which is read once: what is changed in it later does not count. Or its JSON, which is read each time
   * @throws InvalidOptionError naming the rule that it breaks
   */
  static of(given: unknown): OriginalPlaces {
    if (typeof given !== 'object' || given === null) return new OriginalPlaces(readSourceMap(given))
    const places = known.get(given) ?? new OriginalPlaces(readSourceMap(given))
    known.set(given, places)
    return places
  }

  /** What stands at a place of the generated code; undefined if the map does not say. */
  find(line: number, column: number): OriginalPlace | undefined {
    this.#decoded ??= this.#decode()
    const entry = this.#decoded.findEntry(line - 1, column - 1)
    // The nearest entry before may be one of an earlier line, which says nothing of this one.
    if (!('originalSource' in entry) || entry.generatedLine !== line - 1) return undefined
    const { originalSource, originalLine, originalColumn, generatedColumn } = entry
    const source = this.#sources[Number(originalSource)]
    if (source === undefined || source.name === null || source.name.length > MAX_NAME) return undefined
    if (!isIndex(originalLine) || !isIndex(originalColumn)) return undefined
    return {
      source: source.name,
      line: originalLine + 1,
      column: originalColumn + 1,
      name: generatedColumn === column - 1 ? (entry as { readonly name?: string }).name : undefined,
      content: source.content ?? undefined,
    }
  }

  #decode(): SourceMap {
    let first = 0
    const sections = this.#sections.map(({ offset, mappings, names, sources }) => {
      // Numbers for names: of two sources with one name, or with none, each is found.
      const numbers = sources.map((_source, index) => String(first + index))
      first += sources.length
      // With the end of a line behind it: without, Node reads more fields of the last segment than it has.
      return { offset, map: { version: 3, mappings: `${mappings};`, names, sources: numbers } }
    })
    return new SourceMap({ version: 3, sections } as unknown as SourceMapPayload)
  }
}

/** What a mapping leads to may be outside of everything. */
function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
