import type { Run } from './run.ts'

/** What a client reads when a deadline has passed: which run, how long, how much of that was computing, and what it was at. */
export function ranOut(run: Run, state: string, nowMs: number): string {
  const name = run.filename === undefined || run.filename === '' ? '' : ` ('${run.filename}')`
  const wallMs = Math.round(nowMs - run.startedMs)
  const cpuMs = Math.round(run.busyMs)
  const limitMs = Math.round(run.deadlineMs - run.startedMs + run.queuedMs)
  const before = run.queuedMs === 0 ? '' : `; it had waited for its turn for ${Math.round(run.queuedMs)} ms`
  return `run ${run.run}${name} ${state} until its deadline of ${limitMs} ms passed (after ${wallMs} ms, of which ${cpuMs} ms computing${before})`
}
