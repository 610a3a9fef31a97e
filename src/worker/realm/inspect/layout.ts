import { floor, isArray } from '../../../protocol/msgpack/intrinsics.ts'
import type { Inspection } from './inspection.ts'
import { indexOf, max, min, repeat, sqrt } from './intrinsics.ts'
import { join, type List, list } from './list.ts'
import { ownData } from './own-data.ts'
import { widthOf } from './width.ts'

/** Levels of objects that may stand on one line. */
const LEVELS_PER_LINE = 3
/** More entries of an array than this are put in columns. */
const MAX_UNGROUPED = 6
const MAX_COLUMNS = 15
/** A comma and a space. */
const SEPARATOR = 2

/**
 * Puts the entries of an object between its brackets: on one line if that is short and not too deep, else each on its own; many items of an array in columns.
 * The numbers are those of Node's `util.inspect`, so that the same value is laid out in the same way. `items` is what an array's entries come from.
 */
export function layOut(
  inspection: Inspection,
  entries: List<string>,
  base: string,
  open: string,
  close: string,
  depth: number,
  items: object | undefined,
): string {
  let rows = entries
  if (items !== undefined && entries.length > MAX_UNGROUPED) rows = inColumns(inspection, entries, items)
  const start = base === '' ? open : `${base} ${open}`
  if (inspection.entered - depth < LEVELS_PER_LINE && rows === entries) {
    const taken = entries.length + inspection.indentation + open.length + base.length + 10
    if (fits(inspection, entries, taken) && indexOf(base, '\n') < 0) {
      const line = join(entries, ', ')
      if (indexOf(line, '\n') < 0) return `${start} ${line} ${close}`
    }
  }
  inspection.budget.left -= rows.length * inspection.indentation
  const lineFeed = `\n${repeat(' ', inspection.indentation)}`
  return `${start}${lineFeed}  ${join(rows, `,${lineFeed}  `)}${lineFeed}${close}`
}

function fits({ lineWidth }: Inspection, entries: List<string>, taken: number): boolean {
  let total = entries.length + taken
  if (total + entries.length > lineWidth) return false
  for (let i = 0; i < entries.length; i++) {
    total += (entries[i] as string).length
    if (total > lineWidth) return false
  }
  return true
}

function inColumns(inspection: Inspection, entries: List<string>, items: object): List<string> {
  // The last entry may be the number of items that are left out: it gets a line of its own.
  const cut = inspection.maxItems < entries.length
  const count = cut ? entries.length - 1 : entries.length
  const widths = list<number>()
  let total = 0
  let widest = 0
  for (let i = 0; i < count; i++) {
    const width = widthOf(entries[i] as string)
    widths[i] = width
    total += width + SEPARATOR
    widest = max(widest, width)
  }
  const cell = widest + SEPARATOR
  // At least three side by side, and no single wide one among many small.
  if (cell * 3 + inspection.indentation >= inspection.lineWidth || (total / cell <= 5 && widest > 6)) return entries
  const biased = max(cell - 3 - sqrt(cell - total / entries.length), 1)
  const columns = min(
    // A character is about 2.5 times as high as wide: this makes a square.
    round(sqrt(2.5 * biased * count) / biased),
    floor((inspection.lineWidth - inspection.indentation) / cell),
    LEVELS_PER_LINE * 4,
    MAX_COLUMNS,
  )
  if (columns <= 1) return entries

  const columnWidths = list<number>()
  for (let column = 0; column < columns; column++) {
    let width = 0
    for (let i = column; i < count; i += columns) width = max(width, widths[i] as number)
    columnWidths[column] = width + SEPARATOR
  }
  const toRight = areNumbers(items, entries.length)
  const rows = list<string>()
  for (let first = 0; first < count; first += columns) {
    const end = min(first + columns, count)
    let row = ''
    for (let i = first; i < end; i++) {
      const isLast = i === end - 1
      const text = isLast ? (entries[i] as string) : `${entries[i] as string}, `
      const padding = repeat(' ', (columnWidths[i - first] as number) - (widths[i] as number) - SEPARATOR)
      if (toRight) row += padding + text
      else row += isLast ? text : text + padding
    }
    rows[rows.length] = row
  }
  if (cut) rows[rows.length] = entries[count] as string
  return rows
}

const round = (value: number): number => floor(value + 0.5)

/** Numbers are aligned to the right. Entries for named properties stand for items that are not there. */
function areNumbers(items: object, count: number): boolean {
  for (let i = 0; i < count; i++) {
    const item: unknown = isArray(items) ? ownData(items, i) : (items as Record<number, unknown>)[i]
    if (typeof item !== 'number' && typeof item !== 'bigint') return false
  }
  return true
}
