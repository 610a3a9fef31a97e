import { InvalidOptionError } from '../base/options.ts'

export interface OriginalSource {
  /** `null` if the map does not name it. */
  readonly name: string | null
  readonly content: string | null
}

/** A map, and where in the generated code it begins. Only an index map (one with `sections`) has several. */
export interface MapSection {
  readonly offset: { readonly line: number; readonly column: number }
  readonly mappings: string
  readonly names: readonly string[]
  readonly sources: readonly OriginalSource[]
}

/** UTF-16 code units of a map's JSON. The TypeScript compiler's, sources included, has some 25 million. */
const MAX_JSON = 64 * 1024 * 1024

type Fields = Readonly<Record<string, unknown>>

/**
 * Checks a source map (ECMA-426, version 3), all but the numbers that its mappings stand for.
 * @param given the map, or its JSON
 * @throws InvalidOptionError naming the rule that it breaks
 */
export function readSourceMap(given: unknown): readonly MapSection[] {
  const map = typeof given === 'string' ? parse(given) : given
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new InvalidOptionError('sourceMap', 'must be a source map: an object, or its JSON', given)
  const fields = map as Fields
  if (fields['version'] !== 3) throw new InvalidOptionError('sourceMap', "must be a source map with 'version' 3", fields['version'])
  return fields['sections'] === undefined ? [readSection(fields, { line: 0, column: 0 }, '')] : readSections(fields['sections'])
}

function parse(json: string): unknown {
  if (json.length > MAX_JSON) throw new InvalidOptionError('sourceMap', `must have at most ${MAX_JSON} characters`, json)
  try {
    return JSON.parse(json)
  } catch {
    throw new InvalidOptionError('sourceMap', 'must be the JSON of a source map', json)
  }
}

function readSections(given: unknown): readonly MapSection[] {
  let last = { line: 0, column: 0 }
  return listAt('sections', given).map((section, index) => {
    const where = `sections[${index}]`
    const { offset, map } = fieldsAt(where, section)
    const { line, column } = fieldsAt(`${where}.offset`, offset)
    const at = { line: wholeAt(`${where}.offset.line`, line), column: wholeAt(`${where}.offset.column`, column) }
    if (at.line < last.line || (at.line === last.line && at.column < last.column))
      refuse(`${where}.offset`, 'beyond the one before', offset)
    last = at
    return readSection(fieldsAt(`${where}.map`, map), at, `${where}.map.`)
  })
}

function readSection(map: Fields, offset: MapSection['offset'], where: string): MapSection {
  const { mappings, names, sources, sourceRoot, sourcesContent } = map
  const root = textOrNullAt(`${where}sourceRoot`, sourceRoot ?? null) ?? ''
  const contents = listAt(`${where}sourcesContent`, sourcesContent ?? [])
  return {
    offset,
    mappings: mappingsAt(`${where}mappings`, mappings),
    names: listAt(`${where}names`, names ?? []).map((name, index) => textAt(`${where}names[${index}]`, name)),
    sources: listAt(`${where}sources`, sources).map((source, index) => {
      const name = textOrNullAt(`${where}sources[${index}]`, source)
      const content = textOrNullAt(`${where}sourcesContent[${index}]`, contents[index] ?? null)
      return { name: name === null ? null : underRoot(root, name), content }
    }),
  }
}

/** Segments of 1, 4 or 5 numbers. Of a number's Base64 digits, `A` to `f` are the last one. */
function mappingsAt(where: string, value: unknown): string {
  const text = textAt(where, value)
  const areNumbers = /^[A-Za-z0-9+/,;]*$/.test(text) && !/[g-z0-9+/](?![A-Za-z0-9+/])/.test(text)
  const segments = areNumbers ? text.replace(/[g-z0-9+/]+/g, '') : ''
  if (!areNumbers || /(?<![A-Za-f])(?:[A-Za-f]{2,3}|[A-Za-f]{6,})(?![A-Za-f])/.test(segments))
    return refuse(where, 'segments of 1, 4 or 5 Base64 VLQ numbers', value)
  // Some tools write commas where there is no segment, which Node does not expect.
  return text.replace(/(?<=^|[,;]),+|,+(?=;|$)/g, '')
}

function underRoot(root: string, name: string): string {
  if (root === '' || /^(?:\/|[a-z][a-z0-9+.-]*:)/i.test(name)) return name
  return root.endsWith('/') ? root + name : `${root}/${name}`
}

function fieldsAt(where: string, value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : refuse(where, 'an object', value)
}

function listAt(where: string, value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : refuse(where, 'a list', value)
}

function textAt(where: string, value: unknown): string {
  return typeof value === 'string' ? value : refuse(where, 'a string', value)
}

function textOrNullAt(where: string, value: unknown): string | null {
  return value === null || typeof value === 'string' ? value : refuse(where, 'a string or null', value)
}

function wholeAt(where: string, value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : refuse(where, 'a whole number from 0', value)
}

function refuse(where: string, what: string, value: unknown): never {
  throw new InvalidOptionError('sourceMap', `must be a source map, whose '${where}' must be ${what}`, value)
}
