import { TimeoutError } from './errors.ts'

/** When a call is due whose time in queues counts: of `performance.now()`, in milliseconds. */
export interface Due {
  readonly atMs: number
  readonly timeoutMs: number
}

/** For a call that begins now. */
export function dueIn(timeoutMs: number): Due {
  return { atMs: performance.now() + timeoutMs, timeoutMs }
}

/** How long it took so far. */
export function waitedMs({ atMs, timeoutMs }: Due): number {
  return performance.now() - (atMs - timeoutMs)
}

/** The deadline passed, and the run had not begun. `worker` is 0 if it had no worker yet. */
export function queuedTimeout(due: Due, worker: number): TimeoutError {
  const observed = waitedMs(due)
  const what = worker === 0 ? 'for a worker' : `for its turn in worker ${worker}`
  return new TimeoutError(
    'ERR_TIMEOUT',
    `the run waited ${what} until its deadline of ${due.timeoutMs} ms passed (time in queues counts)`,
    {
      phase: 'queued',
      limit: 'timeout',
      configured: due.timeoutMs,
      observed,
      worker,
      cpuMs: 0,
      wallMs: observed,
      peakRssBytes: 0,
    },
  )
}

/** Calls with a signal that is aborted `lateMs` after the call is due, besides when `signal` is. */
export async function untilDue<Result>(
  due: Due,
  lateMs: number,
  worker: number,
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const late = new AbortController()
  // An answer that is there by then is read first.
  const abort = (): unknown => setImmediate(() => late.abort(queuedTimeout(due, worker)))
  const timer = setTimeout(abort, Math.max(0, due.atMs + lateMs - performance.now()))
  try {
    return await call(signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]))
  } finally {
    clearTimeout(timer)
  }
}
