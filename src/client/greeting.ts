import { setTimeout as wait } from 'node:timers/promises'
import { HELLO_TIMEOUT_MS } from '../protocol/limits.ts'
import { ConnectionError, OverloadedError } from './errors.ts'

/** How soon the daemon is asked about a worker that does not let this client in, at the earliest, in milliseconds: most do in less than one. */
const ASK_AFTER_MS = 100
/** How long a worker that has come to the end of its computing may take to let others in, in milliseconds. */
const LETS_IN_MS = 1_000
/** When to try again at the latest, in milliseconds. A run may take until its deadline, and most take less. */
const RETRY_AFTER_MS = 10_000

export interface Patience {
  /** How long to wait for a worker that computes, in milliseconds, and since when, of `performance.now()`. */
  readonly queueMs: number
  readonly sinceMs: number
  /** For how long the worker may answer nobody because it computes, in milliseconds, as the daemon says; 0 for one that should answer. */
  readonly busyForMs: () => Promise<number>
}

/**
 * Waits until a worker has let this client in: a worker that computes cannot. The daemon sees to it that it comes to an end, so who waits asks the daemon, and waits as long as a lease may.
 * @param welcome settles when it has, or when it is gone
 * @throws OverloadedError if it computes for longer, ConnectionError if it should answer and does not
 */
export async function greeted(welcome: Promise<void>, worker: number, { queueMs, sinceMs, busyForMs }: Patience): Promise<void> {
  const startedMs = performance.now()
  const givesUpMs = Math.max(sinceMs + queueMs, startedMs + ASK_AFTER_MS)
  let greetsByMs = startedMs + HELLO_TIMEOUT_MS
  for (;;) {
    const untilMs = performance.now() < givesUpMs ? Math.min(givesUpMs, greetsByMs) : greetsByMs
    if (await isIn(welcome, untilMs - performance.now())) return
    // Without a daemon nobody sees to it.
    const forMs = await busyForMs().catch(() => 0)
    const nowMs = performance.now()
    if (forMs > 0) {
      if (nowMs >= givesUpMs) throw busy(worker, forMs, queueMs, nowMs - sinceMs)
      greetsByMs = nowMs + Math.min(forMs, HELLO_TIMEOUT_MS) + LETS_IN_MS
    } else if (nowMs >= greetsByMs && !(await isIn(welcome, 0)))
      throw new ConnectionError('ERR_CONNECTION', `the worker did not answer within ${Math.round(nowMs - startedMs)} ms`)
  }
}

/** Whether it has let this client in by then. */
async function isIn(welcome: Promise<void>, ms: number): Promise<boolean> {
  const over = new AbortController()
  try {
    return await Promise.race([welcome.then(() => true), wait(Math.max(0, ms), false, { signal: over.signal })])
  } finally {
    over.abort()
  }
}

function busy(worker: number, forMs: number, queueMs: number, waitedMs: number): OverloadedError {
  const message = `worker ${worker}, which this tenant's clients share, computes, and has let nobody in for ${Math.round(waitedMs)} ms`
  return new OverloadedError(
    `${message}; raise 'queueTimeout', or give long runs processes of their own`,
    { retryAfter: Math.min(forMs, RETRY_AFTER_MS), blockedBy: 'busy' },
    {
      phase: 'queued',
      limit: 'queueTimeout',
      configured: queueMs,
      observed: waitedMs,
      worker,
      cpuMs: 0,
      wallMs: waitedMs,
      peakRssBytes: 0,
      reason: message,
    },
  )
}
