import { chaos } from './chaos.ts'
import { clients } from './clients.ts'
import { deadlines } from './deadlines.ts'
import { type Figures, printFigures } from './figures.ts'
import { fuzz } from './fuzz.ts'
import { neighbours } from './neighbours.ts'
import { soak } from './soak.ts'

/** The long forms. Tests run short ones of the same. */
const PROGRAMS: Readonly<Record<string, { readonly title: string; readonly run: () => Promise<Figures> }>> = {
  chaos: { title: 'chaos: a worker is killed every 50 ms, for 60 s', run: async () => chaos(60) },
  soak: { title: 'soak: a million runs, contexts made and dropped', run: async () => soak(1_000_000) },
  clients: { title: 'clients: a thousand at once, ten thousand runs pending', run: async () => clients(1_000, 10_000) },
  deadlines: { title: 'deadlines: a thousand run-aways', run: async () => deadlines(1_000) },
  fuzz: { title: 'fuzz: a million malformed frames on each link', run: async () => fuzz(1_000_000) },
  neighbours: { title: 'neighbours: ten minutes of a tenant beside another that does its worst', run: async () => neighbours(600) },
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(PROGRAMS, name))
if (unknown.length > 0) {
  console.error(`there is no program ${unknown.join(', ')}; there are ${Object.keys(PROGRAMS).join(', ')}`)
  process.exit(2)
}
for (const [name, { title, run }] of Object.entries(PROGRAMS)) {
  if (wanted.length === 0 || wanted.includes(name)) printFigures(title, await run())
}
