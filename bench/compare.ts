import { median, quantile } from 'simple-statistics'
import type { Contender } from './contender.ts'
import type { Measured } from './measure.ts'
import { isMet, type Row, type Target } from './row.ts'
import type { Metric, SliceFigures } from './slice.ts'

export interface Spread {
  readonly median: number
  readonly p25: number
  readonly p75: number
}

/** A contender's line in the table. */
export interface Line {
  readonly contender: string
  /** Medians over the rounds. */
  readonly figures: Partial<Record<Metric, number>>
  /** The subject's figure divided by this one's, round by round. Undefined for the subject itself. */
  readonly ratio?: Spread
  readonly target?: Target
  readonly met?: boolean
}

export interface RowResult {
  readonly id: string
  readonly title: string
  readonly metric: Metric
  readonly rounds: number
  readonly lines: readonly Line[]
}

export function compare(row: Row, measured: Measured): RowResult {
  const roundsOf = (contender: Contender): readonly SliceFigures[] => measured.figures.get(contender) ?? []
  const shown = [row.metric, ...row.alsoShown]
  const figuresOf = (contender: Contender): Line['figures'] =>
    Object.fromEntries(shown.map((metric) => [metric, median(roundsOf(contender).map((round) => round[metric]))]))

  const subject = roundsOf(row.subject)
  const peers = row.peers.map(({ contender, target }): Line => {
    const ratio = spread(roundsOf(contender).map((round, i) => (subject[i]?.[row.metric] ?? Number.NaN) / round[row.metric]))
    const line = { contender: contender.name, figures: figuresOf(contender), ratio }
    return target === undefined ? line : { ...line, target, met: isMet(target, ratio.median) }
  })
  return {
    id: row.id,
    title: row.title,
    metric: row.metric,
    rounds: subject.length,
    lines: [{ contender: row.subject.name, figures: figuresOf(row.subject) }, ...peers],
  }
}

function spread(values: number[]): Spread {
  return { median: median(values), p25: quantile(values, 0.25), p75: quantile(values, 0.75) }
}
