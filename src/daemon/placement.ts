/** What placement looks at. */
export interface Candidate {
  readonly contexts: number
}

/**
 * Which of a tenant's shared workers serves the next lease: one that has nothing yet; or else a new one while the tenant may have more; or else the
 * one with the fewest contexts.
 */
export function place<Worker extends Candidate>(workers: readonly Worker[], mayGrow: boolean): Worker | 'new' | undefined {
  let least: Worker | undefined
  for (const worker of workers) if (least === undefined || worker.contexts < least.contexts) least = worker
  if (least !== undefined && least.contexts === 0) return least
  return mayGrow ? 'new' : least
}
