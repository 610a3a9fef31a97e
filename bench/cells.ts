import type { Line, RowResult, Spread } from './compare.ts'
import type { Target } from './row.ts'
import type { Metric } from './slice.ts'

export const UNITS: Record<Metric, string> = { p50Us: 'p50 µs', p99Us: 'p99 µs', runsPerSecond: 'runs/s', kilobytes: 'KB' }
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** What a table says, whatever it is drawn with. */
export interface Cells {
  readonly head: readonly string[]
  readonly aligns: readonly ('left' | 'right')[]
  readonly lines: readonly (readonly string[])[]
  /** To stand under the table. */
  readonly note: string
}

/** A row's result, for people. */
export function cellsOf({ rounds, lines }: RowResult): Cells {
  const metrics = Object.keys(lines[0]?.figures ?? {}) as Metric[]
  return {
    head: ['', ...metrics.map((metric) => UNITS[metric]), 'ratio', 'p25–p75', 'target', ''],
    aligns: ['left', ...metrics.map(() => 'right' as const), 'right', 'right', 'right', 'left'],
    lines: lines.map((line) => [line.contender, ...metrics.map((metric) => figure(metric, line.figures[metric])), ...comparison(line)]),
    note: `medians over ${rounds} rounds; ratio: ${lines[0]?.contender} ÷ that line`,
  }
}

function comparison({ ratio, target, met }: Line): string[] {
  const compared = ratio === undefined ? ['', ''] : [number(ratio.median), interval(ratio)]
  return [...compared, target === undefined ? '' : bound(target), verdict(met)]
}

export function verdict(met: boolean | undefined): string {
  return met === undefined ? '' : met ? 'met' : 'NOT MET'
}

function figure(metric: Metric, value: number | undefined): string {
  if (value === undefined) return ''
  return metric === 'runsPerSecond' || metric === 'kilobytes' ? whole.format(value) : value.toFixed(1)
}

function interval({ p25, p75 }: Spread): string {
  return `${number(p25)}–${number(p75)}`
}

export function bound(target: Target): string {
  return 'atMost' in target ? `≤ ${Number(target.atMost.toPrecision(3))}` : `≥ ${target.atLeast}`
}

/** Three digits that count. */
export function number(value: number): string {
  return value >= 100 ? whole.format(value) : value.toPrecision(3)
}
