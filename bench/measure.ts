import type { Contender } from './contender.ts'
import { Driver } from './driver.ts'
import type { Row } from './row.ts'
import type { Slice, SliceFigures } from './slice.ts'

/** How long a row is measured. */
export interface Plan {
  readonly rounds: number
  readonly warmUp: Slice['end']
  readonly slice: Slice['end']
}

/** Slices are short beside what else goes on in a machine, so that its weather is about the same for all contenders of a round. */
const MEASURED: Plan = { rounds: 20, warmUp: { ms: 1_500 }, slice: { ms: 250 } }

/** How long this row is. */
export function measuredPlan({ plan }: Row): Plan {
  return { ...MEASURED, ...plan }
}

/** Runs of a slice that is only to show that everything works. */
const QUICK_RUNS = 50

/** Seconds instead of minutes, and figures that mean nothing. */
export function quickPlan({ smokeRuns }: Row): Plan {
  return {
    rounds: 2,
    warmUp: { runs: 1 },
    slice: { runs: smokeRuns === undefined ? QUICK_RUNS : Math.max(2, Math.min(smokeRuns, QUICK_RUNS)) },
  }
}

export interface Measured {
  /** One entry a round. */
  readonly figures: ReadonlyMap<Contender, readonly SliceFigures[]>
}

/** Runs all contenders of a row side by side: each round gives every one a slice, in an order that rotates from round to round. */
export async function measure(row: Row, plan: Plan, progress: (round: number) => void): Promise<Measured> {
  await using stack = new AsyncDisposableStack()
  const contenders = [row.subject, ...row.peers.map((peer) => peer.contender)]
  const opened = await Promise.allSettled(contenders.map((contender) => Driver.open(contender)))
  for (const each of opened) if (each.status === 'fulfilled') stack.use(each.value)
  const drivers = opened.map((each) => {
    if (each.status === 'rejected') throw each.reason
    return each.value
  })
  const [subject] = drivers
  for (const { contender, digest } of drivers)
    if (digest !== subject?.digest)
      throw new Error(`${row.id}: the work of ${contender.name} gives ${digest}, that of ${subject?.contender.name} ${subject?.digest}`)
  const figures = new Map<Contender, SliceFigures[]>()
  for (const driver of drivers) {
    figures.set(driver.contender, [])
    await driver.slice({ inFlight: row.inFlight, end: plan.warmUp })
  }
  for (let round = 0; round < plan.rounds; round++) {
    progress(round)
    for (let turn = 0; turn < drivers.length; turn++) {
      const driver = drivers[(round + turn) % drivers.length]
      if (driver === undefined) continue
      figures.get(driver.contender)?.push(await driver.slice({ inFlight: row.inFlight, end: plan.slice }))
    }
  }
  return { figures }
}
