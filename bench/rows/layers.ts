import type { Contender } from '../contender.ts'
import { COUNTER_SOURCE } from '../work.ts'
import type { Row } from '../row.ts'

const contender = (name: string, settings: NonNullable<Contender['settings']>): Contender => ({
  name,
  module: new URL('../peers/layers.ts', import.meta.url),
  settings,
})

/** What confinement costs a run: nothing. */
export const confinedRun: Row = {
  id: 'LAYERS',
  title: `ctx.run('${COUNTER_SOURCE}'), one at a time, by layers`,
  inFlight: 1,
  metric: 'p50Us',
  alsoShown: ['p99Us'],
  subject: contender('every layer of this machine', {}),
  peers: [
    { contender: contender('L1 to L3', { without: ['L4'] }) },
    { contender: contender('L1 and L2', { without: ['L3', 'L4'] }), target: { atMost: 1.05 } },
  ],
}

/** What confinement costs a boot. */
export const confinedBoot: Row = {
  id: 'BOOT',
  title: "a run with fresh: 'process' and no spare worker: boot, confinement, run",
  inFlight: 1,
  metric: 'p50Us',
  alsoShown: ['p99Us'],
  subject: contender('every layer of this machine', { boots: true }),
  peers: [
    { contender: contender('L1 to L3', { boots: true, without: ['L4'] }) },
    { contender: contender('L1 and L2', { boots: true, without: ['L3', 'L4'] }) },
  ],
  smokeRuns: 2,
  plan: { rounds: 10 },
}
