import {
  bareEcho,
  bareRun,
  glovebox,
  isolatedVm,
  nodeVm,
  nodeVmTimeout,
  piscina,
  piscinaAdvised,
  quickJs,
  tinypool,
  tinypoolAdvised,
  vm2,
  workerpool,
} from '../contenders.ts'
import type { Row } from '../row.ts'
import { COUNTER_SOURCE, IN_FLIGHT } from '../work.ts'

export const p2: Row = {
  id: 'P2',
  title: `ctx.run('${COUNTER_SOURCE}'), ${IN_FLIGHT} in flight`,
  inFlight: IN_FLIGHT,
  metric: 'runsPerSecond',
  alsoShown: [],
  // There are many contenders.
  plan: { rounds: 15, warmUp: { ms: 1_000 } },
  subject: glovebox,
  peers: [
    { contender: isolatedVm, target: { atLeast: 1.5 } },
    { contender: piscina, target: { atLeast: 3 } },
    { contender: tinypool, target: { atLeast: 7 } },
    { contender: nodeVmTimeout, target: { atLeast: 40 } },
    { contender: piscinaAdvised },
    { contender: tinypoolAdvised },
    { contender: workerpool },
    { contender: vm2 },
    { contender: quickJs },
    { contender: nodeVm },
    { contender: bareEcho },
    { contender: bareRun },
  ],
}
