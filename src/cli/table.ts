import { styleText } from 'node:util'

export interface Column {
  readonly title: string
  /** Numbers read best aligned to the right. */
  readonly align?: 'left' | 'right'
}

/** Rows under titles, each column as wide as its widest cell. Titles are dim on a terminal. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[]): string => {
    const padded = columns.map(({ align }, at) => pad(cells[at] ?? '', widths[at] ?? 0, align))
    return padded.join('  ').trimEnd()
  }
  const titles = styleText('dim', line(columns.map(({ title }) => title)))
  return [titles, ...rows.map(line)].join('\n')
}

function pad(cell: string, width: number, align: Column['align']): string {
  return align === 'right' ? cell.padStart(width) : cell.padEnd(width)
}
