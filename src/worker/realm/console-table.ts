import { MAX_CONSOLE_TEXT } from '../../protocol/limits.ts'
import { isArray, isView, objectKeys, StringOf } from '../../protocol/msgpack/intrinsics.ts'
import { inspect } from './inspect.ts'
import { type Budget, clip, spend } from './inspect/budget.ts'
import { type InspectOptions, UNREADABLE } from './inspect/inspection.ts'
import { mapEntries, mapNext, max, min, repeat, setNext, setValues } from './inspect/intrinsics.ts'
import { lengthOf } from './inspect/items.ts'
import { kindOf } from './inspect/kind.ts'
import { type List, list } from './inspect/list.ts'
import { ownData } from './inspect/own-data.ts'
import { accessorLabel, describe } from './inspect/property.ts'
import { widthOf } from './inspect/width.ts'

const CELL: InspectOptions = { depth: 0, hidden: false, maxItems: 3, lineWidth: Infinity }
/** An object of many properties is only named. */
const NAMED_CELL: InspectOptions = { depth: -1, hidden: false, maxItems: 3, lineWidth: Infinity }
const MAX_PROPERTIES_IN_CELL = 2

/** A line and two spaces. */
const CELL_COST = 3
/** More do not fit into the text. */
const MAX_COLUMNS = MAX_CONSOLE_TEXT / CELL_COST

interface Column {
  readonly title: string
  /** By row; some may be missing. */
  readonly cells: List<string>
  width: number
}

/**
 * What Node's `console.table` draws: the entries of a Map or Set, or the properties of each property of an object; of those the ones that `wanted` names, if it is
 * an array. Throws what a Proxy's trap throws.
 */
export function formatTable(budget: Budget, data: object, wanted: unknown): string {
  const columns: List<Column> = list()
  const kind = kindOf(data)
  if (kind === 'map') {
    const indices = addColumn(budget, columns, '(iteration index)')
    const keys = addColumn(budget, columns, 'Key')
    const values = addColumn(budget, columns, 'Values')
    const iterator = mapEntries(data)
    for (let row = 0, step = mapNext(iterator); !step.done && budget.left > 0; row++, step = mapNext(iterator)) {
      addCell(budget, indices, row, `${row}`)
      addCell(budget, keys, row, cellOf(budget, step.value[0]))
      addCell(budget, values, row, cellOf(budget, step.value[1]))
    }
  } else if (kind === 'set') {
    const indices = addColumn(budget, columns, '(iteration index)')
    const values = addColumn(budget, columns, 'Values')
    const iterator = setValues(data)
    for (let row = 0, step = setNext(iterator); !step.done && budget.left > 0; row++, step = setNext(iterator)) {
      addCell(budget, indices, row, `${row}`)
      addCell(budget, values, row, cellOf(budget, step.value))
    }
  } else addRows(budget, columns, data, isArray(wanted) ? namesIn(wanted) : undefined)
  return draw(columns)
}

function addRows(budget: Budget, columns: List<Column>, data: object, wanted: List<string> | undefined): void {
  const indices = addColumn(budget, columns, '(index)')
  /** By name, and in the order of properties: whole numbers first. */
  const named = { __proto__: null } as unknown as Record<string, Column>
  const values = newColumn('Values')
  const rows = objectKeys(data)
  for (let row = 0; row < rows.length && budget.left > 0; row++) {
    const name = rows[row] as string
    addCell(budget, indices, row, spend(budget, clip(budget, name)))
    const described = describe(data, name)
    const item: unknown = described !== undefined && accessorLabel(described) === undefined ? described.value : undefined
    const isObject = (typeof item === 'object' && item !== null) || typeof item === 'function'
    if (!isObject && wanted === undefined) {
      addCell(budget, values, row, described === undefined ? UNREADABLE : (accessorLabel(described) ?? cellOf(budget, item)))
      continue
    }
    const names = wanted ?? objectKeys(item as object)
    for (let i = 0; i < names.length && budget.left > 0; i++) {
      const key = names[i] as string
      const inner = isObject ? describe(item, key) : undefined
      const text = inner === undefined ? '' : (accessorLabel(inner) ?? cellOf(budget, inner.value))
      addCell(budget, (named[key] ??= newColumn(spend(budget, clip(budget, key)))), row, text)
    }
  }
  const names = objectKeys(named)
  for (let i = 0; i < names.length; i++) columns[columns.length] = named[names[i] as string] as Column
  if (values.cells.length > 0) columns[columns.length] = values
}

function namesIn(wanted: object): List<string> {
  const names: List<string> = list()
  const known = { __proto__: null } as unknown as Record<string, true>
  const length = min(lengthOf(wanted), MAX_COLUMNS)
  for (let i = 0; i < length; i++) {
    const given = ownData(wanted, i)
    if (typeof given !== 'string' && typeof given !== 'number') continue
    const name = StringOf(given)
    if (known[name]) continue
    known[name] = true
    names[names.length] = name
  }
  return names
}

const newColumn = (title: string): Column => ({ title, cells: list(), width: widthOf(title) })

function addColumn(budget: Budget, columns: List<Column>, title: string): Column {
  return (columns[columns.length] = newColumn(spend(budget, title)))
}

function addCell(budget: Budget, column: Column, row: number, text: string): void {
  budget.left -= CELL_COST
  column.cells[row] = text
  column.width = max(column.width, widthOf(text))
}

function cellOf(budget: Budget, value: unknown): string {
  return inspect(value, hasManyProperties(value) ? NAMED_CELL : CELL, budget)
}

function hasManyProperties(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  try {
    return !isArray(value) && !isView(value) && objectKeys(value).length > MAX_PROPERTIES_IN_CELL
  } catch {
    return false
  }
}

function draw(columns: List<Column>): string {
  let rows = 0
  for (let i = 0; i < columns.length; i++) rows = max(rows, (columns[i] as Column).cells.length)
  let text = `${rule(columns, '┌', '┬', '┐')}\n${line(columns, -1)}\n${rule(columns, '├', '┼', '┤')}\n`
  for (let row = 0; row < rows && text.length <= MAX_CONSOLE_TEXT; row++) text += `${line(columns, row)}\n`
  return text + rule(columns, '└', '┴', '┘')
}

function rule(columns: List<Column>, left: string, between: string, right: string): string {
  let text = left
  for (let i = 0; i < columns.length; i++) text += (i === 0 ? '' : between) + repeat('─', (columns[i] as Column).width + 2)
  return text + right
}

/** A row, or the titles as row -1. */
function line(columns: List<Column>, row: number): string {
  let text = '│ '
  for (let i = 0; i < columns.length; i++) {
    const { title, cells, width } = columns[i] as Column
    const cell = row < 0 ? title : (cells[row] ?? '')
    text += (i === 0 ? '' : ' │ ') + cell + repeat(' ', width - widthOf(cell))
  }
  return `${text} │`
}
