/** A line of a stack, `    at NAME (FILE:LINE:COLUMN)` or `    at FILE:LINE:COLUMN`, taken apart. */
export interface StackFrame {
  /** `async `, `new ` or ''. */
  readonly manner: string
  /** Name of the function; '' if it has none. */
  readonly name: string
  readonly file: string
  readonly line: number
  readonly column: number
}

const AT = '    at '
/** Characters of a line that may be a frame: a file name has 1,024 at most. */
const MAX_LENGTH = 2_500
/** Function names may have parentheses, too: so many are tried as the one before the file name. */
const MAX_PARENTHESES = 5
/** Digits of a line or a column. */
const MAX_DIGITS = 9

/**
 * Reads a line as a frame in one of the files that `isFile` knows. A file name may have any character but the end of a line; where it could begin in several places, the longest is meant.
 * Code of an eval is in no file. HOSTILE: a guest may put any text into a stack.
 */
export function readFrame(text: string, isFile: (name: string) => boolean): StackFrame | undefined {
  if (!text.startsWith(AT) || text.length > MAX_LENGTH) return undefined
  const isCall = text.endsWith(')')
  const column = numberBefore(text, isCall ? text.length - 1 : text.length)
  const line = column && numberBefore(text, column.at)
  if (column === undefined || line === undefined) return undefined
  const [, manner = '', rest = ''] = /^(async |new |)(.*)$/s.exec(text.slice(AT.length, line.at)) ?? []
  const place = { line: line.value, column: column.value }
  if (!isCall) {
    if (isFile(manner + rest)) return { manner: '', name: '', file: manner + rest, ...place }
    return isFile(rest) ? { manner, name: '', file: rest, ...place } : undefined
  }
  let at = rest.indexOf(' (')
  for (let tries = 0; at >= 0 && tries < MAX_PARENTHESES; tries++) {
    const file = rest.slice(at + 2)
    if (isFile(file)) return { manner, name: rest.slice(0, at), file, ...place }
    at = rest.indexOf(' (', at + 1)
  }
  return undefined
}

export function writeFrame({ manner, name, file, line, column }: StackFrame): string {
  const place = `${file}:${line}:${column}`
  return name === '' ? `${AT}${manner}${place}` : `${AT}${manner}${name} (${place})`
}

/** The whole number, from 1, that ends at `end` and follows a colon; `at` is where the colon is. */
function numberBefore(text: string, end: number): { readonly value: number; readonly at: number } | undefined {
  let at = end - 1
  while (at >= 0 && end - at <= MAX_DIGITS && isDigit(text.charCodeAt(at))) at--
  const value = Number(text.slice(at + 1, end))
  return text[at] === ':' && value > 0 ? { value, at } : undefined
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
