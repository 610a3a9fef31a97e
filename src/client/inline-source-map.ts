import { OriginalPlaces } from './source-map.ts'

const KEY = 'sourceMappingURL='
const DATA_URL = /^data:application\/json(?:;charset=([\w-]{1,20}))?(;base64)?,/i
/** Of a map that comes with a source, UTF-16 code units of its URL: it may be as hostile as the source, and to decode one of this size takes 0.2 s. */
const MAX_URL = 1024 * 1024

/** Where the last word of a source begins, if that is the `data:` URL of a source map in the comment that gives it; -1 if not. Looks at no more of the source than that word. */
export function inlineSourceMapAt(source: string): number {
  let end = source.length
  while (end > 0 && isSpace(source.charCodeAt(end - 1))) end--
  let at = end
  while (at > 0 && end - at <= MAX_URL && !isSpace(source.charCodeAt(at - 1))) at--
  if (!source.startsWith(`${KEY}data:`, at)) return -1
  return source.startsWith('//# ', at - 4) || source.startsWith('//@ ', at - 4) ? at + KEY.length : -1
}

/** The map whose URL begins at `at`; undefined if it is none that could be used. */
export function readInlineSourceMap(source: string, at: number): OriginalPlaces | undefined {
  try {
    const head = DATA_URL.exec(source.slice(at, at + 100))
    if (head === null) return undefined
    const [{ length }, charset = 'utf-8', base64] = head
    const data = source.slice(at + length).trimEnd()
    if (base64 === undefined) return OriginalPlaces.of(decodeURIComponent(data))
    return OriginalPlaces.of(new TextDecoder(charset, { fatal: true }).decode(Buffer.from(data, 'base64')))
  } catch {
    // A source may end in any comment that it likes.
    return undefined
  }
}

/** Space, tab and the ends of lines. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0x2028 || code === 0x2029
}
