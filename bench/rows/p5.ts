import { bareNode } from '../contenders.ts'
import type { Contender } from '../contender.ts'
import type { Row } from '../row.ts'
import { FRESH_SOURCE } from '../work.ts'

const peer = (name: string, file: string, settings?: NonNullable<Contender['settings']>): Contender => ({
  name,
  module: new URL(`../peers/${file}.ts`, import.meta.url),
  ...(settings && { settings }),
})

const isolatedFunction = peer('isolated-function', 'isolated-function')
const title = `box.run('${FRESH_SOURCE}', { fresh: 'process' })`
/** What starts a process takes tens of milliseconds. */
const plan = { rounds: 8, warmUp: { ms: 500 }, slice: { ms: 600 } }

/** While a spare is ready. */
export const p5: Row = {
  id: 'P5',
  title: `${title}, one at a time, a spare worker ready`,
  inFlight: 1,
  metric: 'p50Us',
  alsoShown: ['p99Us'],
  subject: peer('glovebox', 'fresh-process', { rested: true }),
  peers: [{ contender: isolatedFunction, target: { atMost: 0.1 } }, { contender: bareNode }],
  smokeRuns: 3,
  plan,
}

/** When spares are used up as fast as they come: as many at once as keep the cores busy. */
export const p5Rate: Row = {
  id: 'P5-RATE',
  title: `${title}, without a pause, 4 in flight`,
  inFlight: 4,
  metric: 'runsPerSecond',
  alsoShown: [],
  subject: peer('glovebox', 'fresh-process'),
  peers: [{ contender: bareNode, target: { atLeast: 0.8 } }, { contender: isolatedFunction }],
  smokeRuns: 4,
  plan,
}
