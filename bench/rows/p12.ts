import type { Contender } from '../contender.ts'
import type { Row } from '../row.ts'
import { COUNTER_SOURCE } from '../work.ts'

const contender = (name: string, spin: boolean): Contender => ({
  name,
  module: new URL('../peers/glovebox-neighbour.ts', import.meta.url),
  settings: { spin },
})

export const p12: Row = {
  id: 'P12',
  title: `ctx.run('${COUNTER_SOURCE}'), one at a time, while another tenant spins in all its workers, one for each core`,
  inFlight: 1,
  metric: 'p99Us',
  alsoShown: ['p50Us'],
  subject: contender('glovebox, beside one that spins', true),
  peers: [{ contender: contender('glovebox, left alone', false), target: { atMost: 3 } }],
  smokeRuns: 100,
}
