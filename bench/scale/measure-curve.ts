import { Driver } from '../driver.ts'
import type { Curve } from './curves.ts'

export interface Point {
  /** How many clients, contexts, bytes or workers. */
  readonly at: number
  /** With one run at a time. */
  readonly p50Us: number
  readonly p99Us: number
  /** With many in flight. */
  readonly runsPerSecond: number
}

/** One point takes about as long as these together, and as its contexts take to be made. */
const SLICES = { warmUp: { ms: 500 }, alone: { ms: 1_000 }, together: { ms: 1_500 } } as const
const QUICK = { warmUp: { runs: 1 }, alone: { runs: 20 }, together: { runs: 50 } } as const
/** One point is enough to see that a curve works, and the second is the first with more than one of it. */
const QUICK_POINTS = [1, 2] as const

const module = new URL('../peers/scaled.ts', import.meta.url)

/** Measures the points one after the other, each in a daemon and a process of its own. */
export async function measureCurve({ id, of, points, inFlight }: Curve, quick: boolean): Promise<readonly Point[]> {
  const { warmUp, alone, together } = quick ? QUICK : SLICES
  const measured: Point[] = []
  for (const at of quick ? points.slice(...QUICK_POINTS) : points) {
    await using driver = await Driver.open({ name: `${at} ${id}`, module, settings: { [of]: at } })
    await driver.slice({ inFlight: inFlight(at), end: warmUp })
    const { p50Us, p99Us } = await driver.slice({ inFlight: 1, end: alone })
    const { runsPerSecond } = await driver.slice({ inFlight: inFlight(at), end: together })
    measured.push({ at, p50Us, p99Us, runsPerSecond })
  }
  return measured
}
