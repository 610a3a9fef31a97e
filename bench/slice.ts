import { quantileSorted } from 'simple-statistics'
import type { Session } from './contender.ts'
import type { Tally } from './tally.ts'

/** A short stretch of work. */
export interface Slice {
  readonly inFlight: number
  /** It ends after this time, in milliseconds, or after so many runs. */
  readonly end: { readonly ms: number } | { readonly runs: number }
}

/** What a slice showed. Latencies, in microseconds, only mean something with one run in flight; kilobytes only where the contender tells its memory. Else 0. */
export interface SliceFigures {
  readonly p50Us: number
  readonly p99Us: number
  readonly runsPerSecond: number
  readonly kilobytes: number
}

export type Metric = keyof SliceFigures

export async function runSlice(session: Session, tally: Tally, slice: Slice): Promise<SliceFigures> {
  const latencies: number[] = []
  const alone = slice.inFlight === 1
  const startedMs = performance.now()
  const endMs = 'ms' in slice.end ? startedMs + slice.end.ms : Number.POSITIVE_INFINITY
  const endRuns = 'runs' in slice.end ? slice.end.runs : Number.POSITIVE_INFINITY
  let started = 0

  const lane = async (): Promise<void> => {
    let now = performance.now()
    while (now < endMs && started < endRuns) {
      if (alone && session.rest !== undefined) {
        await session.rest()
        now = performance.now()
      }
      started++
      const answer = session.add()
      // Contenders in this process answer at once: a promise of ours would be most of their time.
      tally.add(answer instanceof Promise ? await answer : answer)
      const before = now
      now = performance.now()
      if (alone) latencies.push((now - before) * 1_000)
    }
  }
  await Promise.all(Array.from({ length: slice.inFlight }, lane))

  const elapsedMs = performance.now() - startedMs
  tally.verify()
  latencies.sort((a, b) => a - b)
  return {
    p50Us: alone ? quantileSorted(latencies, 0.5) : 0,
    p99Us: alone ? quantileSorted(latencies, 0.99) : 0,
    runsPerSecond: (started * 1_000) / elapsedMs,
    kilobytes: (await session.kilobytes?.()) ?? 0,
  }
}
