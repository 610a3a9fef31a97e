import { bareEcho, glovebox } from '../contenders.ts'
import type { Row } from '../row.ts'
import { COUNTER_SOURCE } from '../work.ts'

export const p1: Row = {
  id: 'P1',
  title: `ctx.run('${COUNTER_SOURCE}'), one at a time`,
  inFlight: 1,
  metric: 'p50Us',
  alsoShown: ['p99Us'],
  subject: glovebox,
  peers: [{ contender: bareEcho, target: { atMost: 1.15 } }],
}
