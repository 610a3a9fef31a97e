import { bareNode } from '../contenders.ts'
import type { Contender } from '../contender.ts'
import type { Row, Target } from '../row.ts'

const row = (id: string, title: string, settings: NonNullable<Contender['settings']>, target?: Target): Row => ({
  id,
  title,
  inFlight: 1,
  metric: 'p50Us',
  alsoShown: ['p99Us'],
  subject: { name: 'glovebox', module: new URL('../peers/first-result.ts', import.meta.url), settings },
  peers: [{ contender: bareNode, ...(target && { target }) }],
  smokeRuns: 2,
  plan: { rounds: 8, warmUp: { ms: 500 }, slice: { ms: 600 } },
})

export const p9: readonly Row[] = [
  row('P9', 'connect() with an embedded daemon to the first result, in a program that has just begun', {}, { atMost: 5 }),
  // What somebody waits for who starts it in a shell.
  row('P9-PROGRAM', 'a program that imports the library, connects, runs once and ends', { whole: true }),
]
