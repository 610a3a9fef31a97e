/** Runs that took at most so many milliseconds, and longer than the class before; the last class has no bound. */
export interface DurationClass {
  readonly maxMs: number | undefined
  readonly runs: number
}

/** As Prometheus' histogram_quantile: within a class, durations count as spread evenly. Above the last bound it is that bound. Undefined if there are no runs. */
export function quantileMs(classes: readonly DurationClass[], quantile: number): number | undefined {
  const total = classes.reduce((sum, { runs }) => sum + runs, 0)
  if (total <= 0) return undefined
  let wanted = quantile * total
  let lowerMs = 0
  for (const { maxMs, runs } of classes) {
    if (maxMs === undefined) break
    if (wanted <= runs) return lowerMs + (maxMs - lowerMs) * (wanted / runs)
    wanted -= runs
    lowerMs = maxMs
  }
  return lowerMs
}
