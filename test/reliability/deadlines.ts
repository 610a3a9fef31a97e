import { TimeoutError } from 'glovebox'
import { GRACE_MS } from '../../src/protocol/limits.ts'
import { type Figures, percentile } from './figures.ts'
import { serve } from './served.ts'

const TIMEOUT_MS = 50
const RUN_AWAYS = [
  'for (;;);',
  '(async () => { await 0; for (;;); })()',
  'const flood = () => Promise.resolve().then(flood); flood()',
  "/^(a+)+$/.test('a'.repeat(60) + 'b')",
  'const f = () => { try { for (;;); } finally { for (;;); } }; f()',
  'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)',
  'new Promise(() => {})',
  '({ get value() { for (;;); } })',
  'for (;;) Promise.reject(1).catch(() => 0)',
  'setInterval(() => { for (;;); }, 1); new Promise(() => {})',
  'const kept = []; for (;;) { kept.push({}); if (kept.length > 1e5) kept.length = 0 }',
  'for (;;) JSON.parse(JSON.stringify({ list: [1, 2, 3] }))',
]

/** Mixed run-aways, one after the other: how long after its deadline each ends. */
export async function deadlines(count: number): Promise<Figures> {
  await using daemon = await serve({ spare: 1 })
  await using box = await daemon.connect()
  const lateMs: number[] = []
  let others = 0
  for (let i = 0; i < count; i++) {
    // Its own: a timer that an earlier one left goes on for as long as its context lives, and may hold the worker within its budget.
    await using ctx = await box.createContext()
    await ctx.run('1')
    const startedMs = performance.now()
    const error: unknown = await ctx.run(`{ ${RUN_AWAYS[i % RUN_AWAYS.length]} }`, { timeout: TIMEOUT_MS }).catch((e: unknown) => e)
    lateMs.push(performance.now() - startedMs - TIMEOUT_MS)
    if (!(error instanceof TimeoutError)) others++
    if ((await ctx.run('1 + 1')) !== 2) throw new Error('the context does not work any more')
  }
  return {
    'run-aways': count,
    'ended otherwise than by TimeoutError': others,
    'part that ended within 10 ms': lateMs.filter((ms) => ms <= 10).length / count,
    'part that ended within the grace': lateMs.filter((ms) => ms <= GRACE_MS).length / count,
    'median beyond the deadline, ms': percentile(lateMs, 0.5),
    '99th percentile, ms': percentile(lateMs, 0.99),
  }
}
