import Table from 'cli-table3'
import type { Line, RowResult, Spread } from './compare.ts'
import type { Target } from './row.ts'
import type { Metric } from './slice.ts'

const HEADINGS: Record<Metric, string> = { p50Us: 'p50 µs', p99Us: 'p99 µs', runsPerSecond: 'runs/s', kilobytes: 'KB' }
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** A row's result, for people. */
export function tableOf({ id, title, rounds, lines }: RowResult): string {
  const metrics = Object.keys(lines[0]?.figures ?? {}) as Metric[]
  const table = new Table({
    head: ['', ...metrics.map((metric) => HEADINGS[metric]), 'ratio', 'p25–p75', 'target', ''],
    colAligns: ['left', ...metrics.map(() => 'right' as const), 'right', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  })
  for (const line of lines) {
    table.push([line.contender, ...metrics.map((metric) => figure(metric, line.figures[metric])), ...comparison(line)])
  }
  return `${id}  ${title}\n${table.toString()}\nmedians over ${rounds} rounds; ratio: ${lines[0]?.contender} ÷ that line`
}

function comparison({ ratio, target, met }: Line): string[] {
  const verdict = met === undefined ? '' : met ? 'met' : 'NOT MET'
  const compared = ratio === undefined ? ['', ''] : [number(ratio.median), interval(ratio)]
  return [...compared, target === undefined ? '' : bound(target), verdict]
}

function figure(metric: Metric, value: number | undefined): string {
  if (value === undefined) return ''
  return metric === 'runsPerSecond' || metric === 'kilobytes' ? whole.format(value) : value.toFixed(1)
}

function interval({ p25, p75 }: Spread): string {
  return `${number(p25)}–${number(p75)}`
}

function bound(target: Target): string {
  return 'atMost' in target ? `≤ ${Number(target.atMost.toPrecision(3))}` : `≥ ${target.atLeast}`
}

/** Three digits that count. */
function number(value: number): string {
  return value >= 100 ? whole.format(value) : value.toPrecision(3)
}
