import type { Contender } from '../contender.ts'
import type { Row } from '../row.ts'
import { IDLE_CONTEXTS } from '../work.ts'

const peer = (name: string, file: string): Contender => ({ name, module: new URL(`../peers/${file}.ts`, import.meta.url) })

/** Resident memory, as far as it is shared with other processes, too: Node's own code is the largest part. */
export const p10Worker: Row = {
  id: 'P10-WORKER',
  title: 'memory of an idle worker, some contexts ready, beside a bare Node process',
  inFlight: 1,
  metric: 'kilobytes',
  alsoShown: [],
  subject: peer('a spare worker', 'idle-glovebox'),
  peers: [{ contender: peer('node, waiting', 'idle-node'), target: { atMost: 1.2 } }],
  smokeRuns: 2,
  plan: { rounds: 5, warmUp: { runs: 1 }, slice: { runs: 1 } },
}

const WARM_UP = 100

export const p10Contexts: Row = {
  id: 'P10-CONTEXTS',
  title: `memory of an idle context: ${IDLE_CONTEXTS} in one worker, made one after the other`,
  inFlight: 1,
  metric: 'kilobytes',
  alsoShown: ['p50Us', 'p99Us'],
  subject: peer('glovebox, createContext() and a run', 'idle-contexts-glovebox'),
  target: { atMost: 260 },
  peers: [{ contender: peer('node:vm, createContext() and run, vanilla', 'idle-contexts-node-vm') }],
  smokeRuns: 20,
  plan: { rounds: 1, warmUp: { runs: WARM_UP }, slice: { runs: IDLE_CONTEXTS - WARM_UP } },
}
