import type { Line } from '../compare.ts'
import type { Target } from '../row.ts'
import type { StoredResult } from './results.ts'

/** A target, and what was measured for it. */
export interface HeldTarget {
  readonly row: StoredResult
  readonly line: Line
  readonly target: Target
  /** The ratio, or the subject's own figure if the target is about that. */
  readonly figure: number
  /** How many times better than it must be: 1 or more if the target holds. */
  readonly headroom: number
}

export function heldTargets(results: readonly StoredResult[]): readonly HeldTarget[] {
  return results.flatMap((row) =>
    row.lines.flatMap((line) => {
      const { target } = line
      const figure = line.ratio?.median ?? line.figures[row.metric]
      if (target === undefined || figure === undefined) return []
      const headroom = 'atMost' in target ? target.atMost / figure : figure / target.atLeast
      return [{ row, line, target, figure, headroom }]
    }),
  )
}

/** The one that is nearest to not holding. */
export function tightest(results: readonly StoredResult[]): HeldTarget | undefined {
  return heldTargets(results).reduce<HeldTarget | undefined>(
    (least, each) => (least === undefined || each.headroom < least.headroom ? each : least),
    undefined,
  )
}
