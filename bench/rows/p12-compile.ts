import { glovebox } from '../contenders.ts'
import type { Row } from '../row.ts'
import { COUNTER_SOURCE } from '../work.ts'

/** The neighbour target, for a compiler as the neighbour. */
export const p12Compile: Row = {
  id: 'P12-COMPILE',
  title: `ctx.run('${COUNTER_SOURCE}'), one at a time, while another client has 1,000 sources compiled`,
  inFlight: 1,
  metric: 'p99Us',
  alsoShown: ['p50Us'],
  subject: { name: 'glovebox, flooded with sources', module: new URL('../peers/glovebox-flooded.ts', import.meta.url) },
  peers: [{ contender: { ...glovebox, name: 'glovebox, left alone' }, target: { atMost: 3 } }],
}
