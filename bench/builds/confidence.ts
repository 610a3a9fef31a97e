import { median, quantileSorted, sampleWithReplacement } from 'simple-statistics'

export interface Estimate {
  readonly median: number
  /** Of the interval that holds the true median with {@link CONFIDENCE}. */
  readonly low: number
  readonly high: number
}

const CONFIDENCE = 0.95
/** Enough that another seed changes the interval by less than what is shown of it. */
const RESAMPLES = 4_000

/** The median of a few figures and how far it can be trusted, by the bootstrap: whatever the figures' distribution is. The same figures always give the same. */
export function estimate(values: readonly number[]): Estimate {
  const random = seeded()
  const medians = Array.from({ length: RESAMPLES }, () => median(sampleWithReplacement([...values], values.length, random)))
  medians.sort((a, b) => a - b)
  const tail = (1 - CONFIDENCE) / 2
  return { median: median([...values]), low: quantileSorted(medians, tail), high: quantileSorted(medians, 1 - tail) }
}

/** mulberry32: small, and good enough to choose rounds with. */
function seeded(): () => number {
  let state = 1
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
