import Table from 'cli-table3'
import { number } from '../cells.ts'
import type { StoredCurve } from './stored-curves.ts'

type Shown = Pick<StoredCurve, 'title' | 'setup' | 'points'>

/** What a table of a curve says, whatever it is drawn with. */
export function curveCells({ title, points }: Shown): { readonly head: readonly string[]; readonly lines: readonly (readonly string[])[] } {
  return {
    head: [title, 'p50 µs, one at a time', 'p99 µs, one at a time', 'runs/s, many in flight'],
    lines: points.map(({ at, p50Us, p99Us, runsPerSecond }) => [
      at.toLocaleString('en'),
      number(p50Us),
      number(p99Us),
      number(runsPerSecond),
    ]),
  }
}

/** For a terminal. */
export function curveTable(curve: Shown): string {
  const { head, lines } = curveCells(curve)
  const table = new Table({ head: [...head], colAligns: head.map(() => 'right'), style: { head: [], border: [] } })
  table.push(...lines.map((line) => [...line]))
  return `scale: ${curve.title}, ${curve.setup}\n${table.toString()}`
}
