import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { median } from 'simple-statistics'
import type { Contender } from '../contender.ts'
import { measuredPlan, type Plan, quickPlan } from '../measure.ts'
import type { Row } from '../row.ts'
import { measureShown } from '../shown-measurement.ts'
import type { Metric, SliceFigures } from '../slice.ts'
import { type Base, ROOT } from './base.ts'
import { type Estimate, estimate } from './confidence.ts'

/** One figure of a row, of both builds. */
export interface Difference {
  readonly id: string
  readonly metric: Metric
  /** Whether the row is about it. Others are shown beside it: a 99th percentile differs by chance far more often. */
  readonly counts: boolean
  /** Medians over the rounds. */
  readonly here: number
  readonly base: number
  /** This build's figure divided by the other's. */
  readonly ratio: Estimate
  readonly verdict: Verdict
}

/** `worse` is a regression, if the figure counts; what is smaller or less certain than that is not. */
export type Verdict = 'better' | 'worse' | 'same' | 'unclear'

/** Twice as many as beside peers: differences between builds are small. */
const ROUNDS_FACTOR = 2
/** As a fraction. A difference of less is none: two copies of one build differ by as much, by where the machine puts their memory. */
const NEGLIGIBLE = 0.03

/** Measures a row's subject in both builds, in slices that alternate. */
export async function compareBuilds(row: Row, base: Base, quick: boolean): Promise<readonly Difference[]> {
  const here = { ...row.subject, name: `${row.subject.name}, this build`, build: distOf(ROOT) }
  const other = { ...row.subject, name: `${row.subject.name}, ${base.name}`, build: distOf(base.directory) }
  const { figures } = await measureShown({ ...row, subject: here, peers: [{ contender: other }] }, planOf(row, quick))
  const ofRounds = (contender: Contender): readonly SliceFigures[] => figures.get(contender) ?? []
  return [row.metric, ...row.alsoShown].map((metric) => {
    const ours = ofRounds(here).map((round) => round[metric])
    const theirs = ofRounds(other).map((round) => round[metric])
    const ratio = estimate(ours.map((figure, round) => figure / (theirs[round] ?? Number.NaN)))
    return {
      id: row.id,
      metric,
      counts: metric === row.metric,
      here: median(ours),
      base: median(theirs),
      ratio,
      verdict: verdictOf(metric, ratio),
    }
  })
}

function planOf(row: Row, quick: boolean): Plan {
  if (quick) return quickPlan(row)
  const plan = measuredPlan(row)
  const { slice } = plan
  // A row that fills a worker has room for as many runs as it says, however they are cut.
  const cut = 'runs' in slice ? { runs: Math.ceil(slice.runs / ROUNDS_FACTOR) } : slice
  return { ...plan, rounds: plan.rounds * ROUNDS_FACTOR, slice: cut }
}

function verdictOf(metric: Metric, { low, high }: Estimate): Verdict {
  const moreIsBetter = metric === 'runsPerSecond'
  if (low > 1 - NEGLIGIBLE && high < 1 + NEGLIGIBLE) return 'same'
  if (low > 1 + NEGLIGIBLE) return moreIsBetter ? 'better' : 'worse'
  if (high < 1 - NEGLIGIBLE) return moreIsBetter ? 'worse' : 'better'
  return 'unclear'
}

function distOf(directory: string): string {
  return `${pathToFileURL(join(directory, 'dist')).href}/`
}
