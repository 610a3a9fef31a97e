import type { Row } from '../row.ts'

const module = new URL('../peers/compile.ts', import.meta.url)

export const p11: Row = {
  id: 'P11',
  title: 'compile of a script of 9 million characters, the TypeScript compiler',
  inFlight: 1,
  metric: 'p50Us',
  alsoShown: ['p99Us'],
  subject: { name: "with the compiler's code cache", module, settings: { cache: true } },
  peers: [{ contender: { name: 'without', module }, target: { atMost: 1 / 5 } }],
  smokeRuns: 2,
  plan: { rounds: 12 },
}
