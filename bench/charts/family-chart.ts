import { bound, number } from '../cells.ts'
import type { Line } from '../compare.ts'
import type { Family } from '../report/families.ts'
import type { StoredResult } from '../report/results.ts'
import type { Metric } from '../slice.ts'
import { type Bar, barPanels, type Panel } from './bar-panels.ts'
import { jobsChart } from './jobs-chart.ts'

/** A family with more rows than this has them as lines of one chart. */
const MOST_PANELS = 8

/** One picture for all rows of a family. */
export function familyChart({ name, title, results }: Family): string {
  return results.length > MOST_PANELS ? jobsChart(`${name}: ${title}`, results) : barPanels(results.map(panelOf))
}

/** Its contenders, the one that it is about first. */
export function panelOf({ id, title, metric, lines }: StoredResult): Panel {
  return {
    id,
    title,
    noteTitle: 'ratio, target',
    bars: lines.map((line, at) => barOf(line, metric, at === 0)),
  }
}

function barOf(line: Line, metric: Metric, isOurs: boolean): Bar {
  const value = line.figures[metric] ?? 0
  return {
    name: line.contender,
    value,
    label: amount(metric, value),
    note: noteOf(line),
    tone: isOurs ? 'ours' : 'peer',
    isOurs,
    isMissed: line.met === false,
  }
}

/** Such as `1.92, target ≥ 1.5`. */
export function noteOf({ ratio, target, met }: Line): string {
  const parts = [
    ratio === undefined ? '' : number(ratio.median),
    target === undefined ? '' : `target ${bound(target)}`,
    met === false ? 'not met' : '',
  ]
  return parts.filter((part) => part !== '').join(', ')
}

/** Units as they are said. */
export function amount(metric: Metric, value: number): string {
  switch (metric) {
    case 'p50Us':
    case 'p99Us':
      return value >= 1_000 ? `${number(value / 1_000)} ms` : `${number(value)} µs`
    case 'runsPerSecond':
      return `${number(value)} runs/s`
    case 'kilobytes':
      return value >= 1_000 ? `${number(value / 1_000)} MB` : `${number(value)} KB`
  }
}
