/** A change of a source: `remove` characters at `at` become `insert`. */
export interface Edit {
  readonly at: number
  readonly remove: number
  readonly insert: string
}

/** Edits of one place come in the order in which they are given. */
export function applyEdits(source: string, edits: readonly Edit[]): string {
  let text = ''
  let from = 0
  for (const { at, remove, insert } of edits) {
    text += source.slice(from, at) + insert
    from = at + remove
  }
  return text + source.slice(from)
}

/** The column in the source of a place in what the edits made of it; both counted from 1. Edits insert no lines but at the end. */
export function originalColumn(source: string, edits: readonly Edit[], line: number, column: number): number {
  const lineStart = startOfLine(source, line)
  const lineEnd = source.indexOf('\n', lineStart) < 0 ? source.length : source.indexOf('\n', lineStart)
  let left = column
  for (const { at, remove, insert } of edits) {
    if (at < lineStart || at > lineEnd) continue
    const place = at - lineStart + 1
    if (left < place) break
    left = Math.max(place, left - insert.length + remove)
  }
  return left
}

function startOfLine(source: string, line: number): number {
  let start = 0
  for (let i = 1; i < line; i++) start = source.indexOf('\n', start) + 1
  return start
}
