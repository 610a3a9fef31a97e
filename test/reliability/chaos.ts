import { setTimeout as wait } from 'node:timers/promises'
import type { Box, Context } from 'glovebox'
import { eventually } from '../support/eventually.ts'
import { type Figures, Tally } from './figures.ts'
import { residentBytes, serve } from './served.ts'

const CALLERS = 16
const SPARE = 2
const TIMEOUT_MS = 1_000
/** Errors that a call may end with when its worker, or the next, is killed. */
const LAWFUL = new Set(['ok', 'WorkerCrashError', 'ContextLostError', 'OverloadedError', 'ConnectionError'])

/**
 * Workers are killed at random, one every `everyMs`, under load: every call settles with a result or a typed error, none later than its deadline and the grace; the daemon's memory
 * stays flat; the pool is full again soon after the last kill.
 */
export async function chaos(seconds: number, everyMs = 50): Promise<Figures> {
  await using daemon = await serve({ spare: SPARE, max: 8 })
  await using box = await daemon.connect()
  await box.run('1')
  const outcomes = new Tally()
  const untilMs = performance.now() + seconds * 1_000
  let slowestMs = 0
  let kills = 0
  let pending = 0
  let firstBytes = 0

  const call = async (make: () => Promise<unknown>): Promise<void> => {
    const startedMs = performance.now()
    pending++
    try {
      await make()
      outcomes.add('ok')
    } catch (error) {
      outcomes.add((error as Error).constructor.name)
    } finally {
      pending--
      slowestMs = Math.max(slowestMs, performance.now() - startedMs)
    }
  }

  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    let ctx: Context | undefined
    for (let i = 0; performance.now() < untilMs; i++) {
      // Each kind of call, in turns.
      const kind = (i + caller) % 5
      if (kind === 0) await call(async () => box.run('let n = 0; for (let i = 0; i < 1e5; i++) n += i; n', { timeout: TIMEOUT_MS }))
      else if (kind === 1) await call(async () => box.run('new Promise((resolve) => setTimeout(resolve, 5))', { timeout: TIMEOUT_MS }))
      else if (kind === 2) await call(async () => void (ctx = await box.createContext({ double: (n: number) => 2 * n })))
      else if (kind === 3 && ctx !== undefined) await call(async () => ctx?.run('double(21)', { timeout: TIMEOUT_MS }))
      else await ctx?.dispose().catch(() => undefined)
      await wait(1)
    }
    await ctx?.dispose().catch(() => undefined)
  })
  const killer = (async () => {
    for (let i = 0; performance.now() < untilMs; i++) {
      await wait(everyMs)
      if (await killOne(box)) kills++
      if (firstBytes === 0 && performance.now() > untilMs - seconds * 800) firstBytes = residentBytes(daemon.pid)
    }
  })()
  await Promise.all([killer, ...callers])
  const lastKillMs = performance.now()
  await eventually('a full pool', async () => (await box.status()).workers.filter(({ state }) => state === 'spare').length >= SPARE)
  const fullAgainMs = performance.now() - lastKillMs
  const unlawful = outcomes.names.filter((name) => !LAWFUL.has(name))
  if (unlawful.length > 0) throw new Error(`calls ended with ${unlawful.join(', ')}`)
  if ((await box.run('6 * 7')) !== 42) throw new Error('the daemon does not serve any more')
  return {
    ...outcomes.toFigures('calls that ended with '),
    'workers killed': kills,
    'calls still pending': pending,
    'slowest call, ms': slowestMs,
    'pool full again after, ms': fullAgainMs,
    "daemon's memory at the end / after a fifth": residentBytes(daemon.pid) / firstBytes,
  }
}

async function killOne(box: Box): Promise<boolean> {
  const { workers } = await box.status()
  const pids = workers.flatMap(({ pid, state }) => (pid !== undefined && state === 'bound' ? [pid] : []))
  const pid = pids[Math.floor(Math.random() * pids.length)]
  if (pid === undefined) return false
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}
