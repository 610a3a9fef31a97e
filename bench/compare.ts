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
  /** Of the ratio; the subject's, if it has one, is of its own figure. */
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
  const { name } = row.subject
  const own: Line = { contender: name, figures: figuresOf(row.subject) }
  const subjectLine =
    row.target === undefined ? own : { ...own, target: row.target, met: isMet(row.target, own.figures[row.metric] ?? Number.NaN) }
  return {
    id: row.id,
    title: row.title,
    metric: row.metric,
    rounds: subject.length,
    lines: [subjectLine, ...peers],
  }
}

function spread(values: number[]): Spread {
  return { median: median(values), p25: quantile(values, 0.25), p75: quantile(values, 0.75) }
}
