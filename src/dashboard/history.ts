import type { DaemonStatus } from '../daemon/index.ts'

/** Seconds that the charts show. */
const KEPT = 120

/** What happened between two looks at the daemon. Times are seconds since 1970; NaN latencies are of no runs. */
export interface Interval {
  readonly at: number
  readonly runsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

interface Sums {
  readonly runs: number
  readonly classes: readonly { readonly maxMs: number | undefined; readonly runs: number }[]
}

/** Rates and latencies of the last minutes, from counts that only grow. */
export class History {
  readonly intervals: Interval[] = []
  #before: { readonly at: number; readonly sums: Sums } | undefined

  add(status: DaemonStatus, at: number): void {
    const sums = sumsOf(status)
    const before = this.#before
    this.#before = { at, sums }
    if (before === undefined || at <= before.at) return
    const grown = sums.classes.map(({ maxMs, runs }, index) => ({
      maxMs,
      runs: Math.max(0, runs - (before.sums.classes[index]?.runs ?? 0)),
    }))
    const runsPerSecond = Math.max(0, sums.runs - before.sums.runs) / (at - before.at)
    this.intervals.push({ at, runsPerSecond, p50Ms: quantile(grown, 0.5), p99Ms: quantile(grown, 0.99) })
    if (this.intervals.length > KEPT) this.intervals.shift()
  }
}

/** The bound of the class in which a quantile lies, in milliseconds; of what has no bound, the one before. */
export function quantile(classes: Sums['classes'], share: number): number {
  const all = classes.reduce((sum, { runs }) => sum + runs, 0)
  if (all === 0) return Number.NaN
  let below = 0
  let bound = 0
  for (const { maxMs, runs } of classes) {
    bound = maxMs ?? bound
    below += runs
    if (below >= share * all) return bound
  }
  return bound
}

function sumsOf({ tenants }: DaemonStatus): Sums {
  const classes = tenants.reduce<{ maxMs: number | undefined; runs: number }[]>(
    (sums, { durations }) => durations.map(({ maxMs, runs }, index) => ({ maxMs, runs: runs + (sums[index]?.runs ?? 0) })),
    [],
  )
  const runs = tenants.reduce((sum, each) => sum + Object.values(each.runs).reduce((a, b) => a + b, 0), 0)
  return { runs, classes }
}
