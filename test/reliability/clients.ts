import type { OverloadedError } from 'glovebox'
import { type Figures, Tally } from './figures.ts'
import { residentBytes, serve } from './served.ts'

const CONTEXTS = 100

/** Many clients at once, each with a run, and then with many runs pending; and more runs with a process of their own than may wait. */
export async function clients(count: number, pendingRuns: number): Promise<Figures> {
  await using daemon = await serve({ spare: 1, max: 4, maxPerTenant: 2, maxQueue: 100 })
  const startedMs = performance.now()
  const boxes = await Promise.all(Array.from({ length: count }, async () => daemon.connect()))
  const connectedMs = performance.now() - startedMs
  const sums = await Promise.all(boxes.map(async (box, i) => box.run(`${i} + 1`)))
  const wrong = sums.filter((sum, i) => sum !== i + 1).length
  const servedMs = performance.now() - startedMs
  // A run that waits keeps its context: those of single runs would be as many.
  const contexts = await Promise.all(boxes.slice(0, CONTEXTS).map(async (box) => box.createContext()))
  const each = Math.ceil(pendingRuns / contexts.length)
  const slow = 'new Promise((resolve) => setTimeout(() => resolve(1), 100))'
  const answers = await Promise.all(contexts.flatMap((ctx) => Array.from({ length: each }, async () => ctx.run(slow, { timeout: 60_000 }))))
  const bytes = residentBytes(daemon.pid)
  const [first] = boxes
  if (first === undefined) throw new Error('no clients')
  const outcomes = new Tally()
  const refusals: OverloadedError[] = []
  await Promise.all(
    Array.from({ length: 500 }, async () => {
      try {
        await first.run('1', { fresh: 'process' })
        outcomes.add('ok')
      } catch (error) {
        outcomes.add((error as Error).constructor.name)
        refusals.push(error as OverloadedError)
      }
    }),
  )
  const useful = refusals.filter(({ retryAfter, blockedBy }) => (retryAfter ?? 0) > 0 && blockedBy !== undefined).length
  await Promise.all(boxes.map(async (box) => box.dispose()))
  return {
    clients: count,
    'connected after, ms': connectedMs,
    'each had its first run after, ms': servedMs,
    'wrong answers': wrong,
    'runs pending at once': answers.length,
    'of these answered': answers.filter((answer) => answer === 1).length,
    ...outcomes.toFigures('runs with a process of their own: '),
    'refusals that say when to try again, and why': useful,
    "daemon's memory, MiB": bytes / 2 ** 20,
  }
}
