/** Of a longer line, such as that of a minified bundle, an excerpt shows this many UTF-16 code units around the caret. */
const MAX_LINE = 200
const BEFORE_CARET = 100

export function isLongLine(text: string): boolean {
  return text.length > MAX_LINE
}

/** A place in a source as a syntax error shows it: `FILE:LINE`, the line, and a caret below the place. The column begins at 0. */
export function excerpt(file: string, line: number, column: number, text: string): string {
  const from = isLongLine(text) ? Math.max(0, column - BEFORE_CARET) : 0
  const shown = text.slice(from, from + MAX_LINE)
  // Tabs stay, so that the caret is where they put it.
  const indent = shown.slice(0, column - from).replace(/[^\t]/g, ' ')
  return `${file}:${line}\n${shown}\n${indent}^`
}
