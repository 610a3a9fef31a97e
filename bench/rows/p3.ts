import type { Contender } from '../contender.ts'
import { bareFresh, gloveboxFresh } from '../contenders.ts'
import type { Row } from '../row.ts'
import { FRESH_SOURCE } from '../work.ts'

const peer = (name: string, file: string, rest: Partial<Contender> = {}): Contender => ({
  name,
  module: new URL(`../peers/${file}.ts`, import.meta.url),
  ...rest,
})

export const p3: Row = {
  id: 'P3',
  title: `box.run('${FRESH_SOURCE}') in a fresh context, one at a time`,
  inFlight: 1,
  metric: 'p50Us',
  alsoShown: ['p99Us', 'runsPerSecond'],
  subject: gloveboxFresh,
  peers: [
    { contender: peer('node:vm, createContext() and run', 'fresh-node-vm', { settings: { contextified: true } }), target: { atMost: 0.4 } },
    { contender: peer('the same, vanilla', 'fresh-node-vm'), target: { atMost: 0.4 } },
    {
      contender: peer('isolated-vm, a new isolate and context', 'fresh-isolated-vm', { nodeFlags: ['--no-node-snapshot'] }),
      target: { atMost: 0.5 },
    },
    { contender: bareFresh },
  ],
  smokeRuns: 100,
}

export const p3Browser: Row = {
  id: 'P3-BROWSER',
  title: "createContext() of the preset 'browser' while some are ready",
  inFlight: 1,
  metric: 'p50Us',
  alsoShown: ['p99Us'],
  subject: peer("glovebox, 'browser'", 'context-glovebox', { settings: { globals: 'browser' } }),
  peers: [
    { contender: peer("glovebox, 'ecmascript'", 'context-glovebox', { settings: { globals: 'ecmascript' } }), target: { atMost: 2 } },
  ],
  smokeRuns: 3,
}
