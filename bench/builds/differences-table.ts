import Table from 'cli-table3'
import { number, UNITS } from '../cells.ts'
import type { Difference } from './compare-builds.ts'

/** For a terminal. */
export function differencesTable(baseName: string, differences: readonly Difference[]): string {
  const table = new Table({
    head: ['', '', 'this build', baseName, 'ratio', '95 % interval', ''],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  })
  for (const { id, metric, here, base, ratio, verdict } of differences)
    table.push([id, UNITS[metric], number(here), number(base), exact(ratio.median), `${exact(ratio.low)}–${exact(ratio.high)}`, verdict])
  return `${table.toString()}\nmedians over the rounds; ratio: this build ÷ ${baseName}, round by round`
}

/** Differences between builds are in the third digit. */
function exact(ratio: number): string {
  return ratio.toFixed(3)
}
