import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Box, Context } from 'glovebox'
import { makeToken } from '../../src/daemon/tenants/token.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { type Figures, percentile, Tally } from './figures.ts'
import { residentBytes, serve } from './served.ts'

const MIB = 2 ** 20
const MEMORY = 64 * MIB
const WORKERS_OF_B = 2
/** Enough to keep all its workers busy. */
const CLIENTS_OF_B = 4
const TIMEOUT_MS = 200
const SAMPLE_MS = 500
/** A is measured alone for a tenth of the time, and at least for so long. */
const ALONE_MS = 2_000

/** What B does, again and again: spin, flood the console, allocate to its limit on the heap and outside of it, end its worker on purpose. */
const MISCHIEF: readonly string[] = [
  'for (;;);',
  "for (;;) console.log('x'.repeat(1_000))",
  '{ const kept = []; for (;;) kept.push({ kept }) }',
  '{ const kept = []; for (;;) kept.push(new Uint8Array(1e6).fill(1)) }',
  "eval('[' + '1,'.repeat(2e7) + ']')",
  'setInterval(() => { for (;;); }, 1); new Promise(() => {})',
]
/** How a run of B's may end. None ends well. */
const LAWFUL = new Set([
  'TimeoutError',
  'MemoryLimitError',
  'WorkerCrashError',
  'GuestError',
  'ContextLostError',
  'OverloadedError',
  'LimitError',
  'ScriptRefusedError',
])

/** Tenant A runs small scripts, at first alone, and then with tenant B at work on its ruin: what that does to A's times, and to the daemon's memory. */
export async function neighbours(seconds: number): Promise<Figures> {
  using directory = temporaryDirectory()
  const [a, b] = [makeToken(), makeToken()]
  const policy = join(directory.path, 'policy.json')
  const tenants = { a: { tokens: [a.hash] }, b: { tokens: [b.hash], limits: { maxWorkers: WORKERS_OF_B } } }
  writeFileSync(policy, JSON.stringify({ tenants }))
  await using daemon = await serve({ policy, memory: MEMORY, spare: 1, max: 8, maxTimeout: 5_000 })
  await using boxA = await daemon.connect({ token: a.token })
  await using ctx = await boxA.createContext()
  await smallRuns(ctx, 500)

  const alone = await smallRuns(ctx, Math.max(ALONE_MS, (seconds * 1_000) / 10))
  const outcomes = new Tally()
  const memory: number[] = []
  const stop = new AbortController()
  const sampler = setInterval(() => memory.push(residentBytes(daemon.pid)), SAMPLE_MS)
  const boxes = await Promise.all(Array.from({ length: CLIENTS_OF_B }, async () => daemon.connect({ token: b.token })))
  const mischief = boxes.map(async (box, i) => ruin(box, i, outcomes, stop.signal))
  const together = await smallRuns(ctx, seconds * 1_000)
  stop.abort()
  await Promise.all(mischief)
  clearInterval(sampler)
  memory.push(residentBytes(daemon.pid))
  await Promise.all(boxes.map(async (box) => box.dispose()))
  const unlawful = outcomes.names.filter((name) => !LAWFUL.has(name))
  if (unlawful.length > 0) throw new Error(`runs of B ended with ${unlawful.join(', ')}`)
  const first = percentile(memory.slice(0, Math.ceil(memory.length / 10)), 0.5)
  const last = percentile(memory.slice(-Math.ceil(memory.length / 10)), 0.5)
  return {
    "A's runs alone": alone.length,
    "A's runs with B": together.length,
    'A alone, p50 in ms': percentile(alone, 0.5),
    'A alone, p99 in ms': percentile(alone, 0.99),
    'A with B, p50 in ms': percentile(together, 0.5),
    'A with B, p99 in ms': percentile(together, 0.99),
    'p99 with B / p99 alone': percentile(together, 0.99) / percentile(alone, 0.99),
    ...outcomes.toFigures("B's runs that ended with "),
    "daemon's memory, first tenth, MiB": first / MIB,
    "daemon's memory, at its peak, MiB": Math.max(...memory) / MIB,
    "daemon's memory, last tenth / first tenth": last / first,
  }
}

/** One after the other, with a pause now and then for who else is in this process: how long each takes, in milliseconds. Throws if one fails. */
async function smallRuns(ctx: Context, ms: number): Promise<readonly number[]> {
  const tookMs: number[] = []
  for (const untilMs = performance.now() + ms; performance.now() < untilMs; ) {
    const startedMs = performance.now()
    await ctx.run('globalThis.x = (globalThis.x | 0) + 1')
    tookMs.push(performance.now() - startedMs)
    if (tookMs.length % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return tookMs
}

/** One of B's clients. Sources differ by a number, so that few are refused for their crashes. */
async function ruin(box: Box, client: number, outcomes: Tally, signal: AbortSignal): Promise<void> {
  for (let i = client; !signal.aborted; i++) {
    const how = await box.run(`// ${i}\n${MISCHIEF[i % MISCHIEF.length]}`, { timeout: TIMEOUT_MS }).then(
      () => 'a result',
      (error: unknown) => (error as Error).constructor.name,
    )
    outcomes.add(how)
  }
}
