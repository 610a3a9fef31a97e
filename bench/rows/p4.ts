import { LIBRARY_NAMES, type LibraryName, type LoopName } from '../compute.ts'
import type { Contender } from '../contender.ts'
import type { Plan } from '../measure.ts'
import type { Peer, Row, Target } from '../row.ts'

const contender = (name: string, file: string, settings: NonNullable<Contender['settings']>): Contender => ({
  name,
  module: new URL(`../peers/${file}.ts`, import.meta.url),
  settings,
})

/** There are many rows, and each run takes some ten milliseconds. */
const PLAN: Partial<Plan> = { rounds: 8, warmUp: { ms: 500 }, slice: { ms: 120 } }

const row = (id: string, title: string, settings: NonNullable<Contender['settings']>, smokeRuns: number, peers: readonly Peer[]): Row => ({
  id,
  title,
  inFlight: 1,
  metric: 'p50Us',
  alsoShown: [],
  subject: contender('glovebox', 'compute-glovebox', settings),
  peers,
  smokeRuns,
  plan: PLAN,
})

const node = (settings: NonNullable<Contender['settings']>, target?: Target): Peer => ({
  contender: contender('Node, at top level', 'compute-node', settings),
  ...(target && { target }),
})

/** The floor of all that computes in another process: the way there and back, and what a processor forgets meanwhile. */
const elsewhere = (settings: NonNullable<Contender['settings']>): Peer => ({
  contender: contender('Node, in a process that is asked', 'compute-process', settings),
})

const contextified = (settings: NonNullable<Contender['settings']>, target?: Target): Peer => ({
  contender: contender('node:vm, contextified', 'compute-node', { ...settings, contextified: true }),
  ...(target && { target }),
})

const AS_NODE: Target = { atMost: 1.05 }

const loop = (id: string, title: string, name: LoopName, ...others: readonly Peer[]): Row =>
  row(id, title, { loop: name }, 2, [node({ loop: name }, AS_NODE), elsewhere({ loop: name }), ...others])

const quickjs = (name: LoopName, target?: Target): Peer => ({
  contender: contender('quickjs-emscripten', 'compute-quickjs', { loop: name }),
  ...(target && { target }),
})

/** Of an interpreter's time, where all is the guest's own instructions. Built-in functions are machine code everywhere. */
const COMPILED: Target = { atMost: 1 / 15 }

const loops = [
  loop('P4-GLOBALS', 'guest compute: a loop over global variables', 'globals', quickjs('globals', COMPILED)),
  // So short that the way there and back shows beside Node: that is P1.
  row('P4-CONTEXTIFIED', 'guest compute: a loop over global variables, fifty times shorter', { loop: 'few-globals' }, 2, [
    contextified({ loop: 'few-globals' }, { atMost: 1 / 30 }),
    node({ loop: 'few-globals' }),
  ]),
  loop('P4-FIB', 'guest compute: fib(31), a global function that calls itself', 'fib', quickjs('fib', COMPILED)),
  loop('P4-REGEX', 'guest compute: regular expressions over a text of 250 KB', 'regex', quickjs('regex'), contextified({ loop: 'regex' })),
  loop('P4-SORT', 'guest compute: 10,000 texts sorted by a function', 'sort', quickjs('sort'), contextified({ loop: 'sort' })),
  loop('P4-JSON', 'guest compute: JSON of 300 KB read and written', 'json', quickjs('json'), contextified({ loop: 'json' })),
]

const library = (id: string, title: string, libraries: readonly LibraryName[], smokeRuns: number): Row =>
  row(id, title, { libraries }, smokeRuns, [node({ libraries }, AS_NODE), elsewhere({ libraries }), contextified({ libraries })])

/** The loops, what libraries do, and all of that in one context. */
export const p4: readonly Row[] = [
  ...loops,
  ...LIBRARY_NAMES.map((name) => library(`P4-${name.toUpperCase()}`, `guest compute: a job of ${name}`, [name], 0)),
  library('P4-LIBRARIES', `guest compute: the jobs of all ${LIBRARY_NAMES.length} libraries in one context`, LIBRARY_NAMES, 2),
]
