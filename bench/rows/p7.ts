import type { Contender } from '../contender.ts'
import type { Row, Target } from '../row.ts'
import type { SampleName } from '../sample-values.ts'

const contender = (name: string, file: string, sample: SampleName): Contender => ({
  name,
  module: new URL(`../peers/${file}.ts`, import.meta.url),
  settings: { sample },
})

/** `inFlight`: as many as keep both processes busy; large values need no others. */
const row = (id: string, sample: SampleName, inFlight: number, smokeRuns: number, target?: Target): Row => ({
  id,
  title: `${sample} into a guest's function and out again, ${inFlight === 1 ? 'one at a time' : `${inFlight} in flight`}`,
  inFlight,
  metric: 'runsPerSecond',
  alsoShown: [],
  subject: contender('glovebox', 'values-glovebox', sample),
  peers: [
    { contender: contender('worker thread, MessagePort', 'values-thread', sample), ...(target && { target }) },
    // The floor: the same clone, between processes.
    { contender: contender('another process, V8’s structured clone over a socket', 'values-process', sample) },
  ],
  smokeRuns,
  plan: { rounds: 12 },
})

const AT_LEAST_AS_FAST: Target = { atLeast: 1 }

export const p7: readonly Row[] = [
  row('P7-1K', '1 KB of JSON-like data', 64, 1_000, AT_LEAST_AS_FAST),
  row('P7-100K', '100 KB of JSON-like data', 8, 20, AT_LEAST_AS_FAST),
  row('P7-10M', '10 MB of JSON-like data', 1, 2, AT_LEAST_AS_FAST),
  row('P7-BYTES', '10 MB of bytes', 1, 2, AT_LEAST_AS_FAST),
  // What one value waits for: mostly the way to another process and back.
  { ...row('P7-ALONE', '1 KB of JSON-like data', 1, 1_000), metric: 'p50Us', alsoShown: ['p99Us'] },
]
