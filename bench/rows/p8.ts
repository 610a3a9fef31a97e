import { glovebox, gloveboxMany } from '../contenders.ts'
import type { Row } from '../row.ts'
import { COUNTER_SOURCE, IN_FLIGHT } from '../work.ts'

export const p8: Row = {
  id: 'P8',
  title: `runMany over 100,000 inputs, beside ctx.run('${COUNTER_SOURCE}'), ${IN_FLIGHT} in flight`,
  inFlight: IN_FLIGHT,
  metric: 'runsPerSecond',
  alsoShown: [],
  subject: gloveboxMany,
  peers: [{ contender: glovebox, target: { atLeast: 2.5 } }],
}
