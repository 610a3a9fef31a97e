import type { Exhausted } from '../protocol/exhausted-message.ts'
import { LimitError, OverloadedError, type ReportedError } from './errors.ts'
import { type RunFacts, withFacts } from './run-traces.ts'

/** What a worker says of a request that its tenant has no processor time for: nothing of it has happened, or it was ended. */
export function exhaustedError(
  worker: number,
  { phase, wallMs, cpuMs, retryAfterMs, configured, observed }: Exhausted,
  facts: RunFacts,
): ReportedError {
  const report = withFacts({ phase, wallMs, cpuMs, worker, peakRssBytes: 0, limit: 'cpu', configured, observed }, facts)
  const retryAfter = Math.ceil(retryAfterMs)
  const used = `this tenant has used up its processor time: ${observed} s in the last minute, of ${configured} s`
  if (phase === 'queued') return new OverloadedError(`${used}; try again in ${retryAfter} ms`, { retryAfter, blockedBy: 'cpu' }, report)
  return new LimitError('ERR_CPU_LIMIT', `the run was ended: ${used}`, report)
}
