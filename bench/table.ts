import Table from 'cli-table3'
import { cellsOf } from './cells.ts'
import type { RowResult } from './compare.ts'

/** A row's result, for a terminal. */
export function tableOf(result: RowResult): string {
  const { head, aligns, lines, note } = cellsOf(result)
  const table = new Table({ head: [...head], colAligns: [...aligns], style: { head: [], border: [] } })
  table.push(...lines.map((line) => [...line]))
  return `${result.id}  ${result.title}\n${table.toString()}\n${note}`
}
