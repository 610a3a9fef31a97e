/** What placement looks at. */
export interface Candidate {
  /** Contexts that it has, or is about to have. */
  readonly contexts: number
  /** Runs that have no answer yet. */
  readonly waitingRuns: number
  /** How much of a core it has had lately, as the kernel says. */
  readonly cpuShare: number
}

/** Workers whose shares of a core lie in the same of so many steps count as equally busy: the figure is older than the last leases. */
const STEPS = 4
/** A context waits for something most of the time, a run that has no answer does not. */
const CONTEXTS_OF_A_RUN = 4

const steps = ({ cpuShare }: Candidate): number => Math.min(STEPS, Math.round(cpuShare * STEPS))
const load = ({ contexts, waitingRuns }: Candidate): number => contexts + CONTEXTS_OF_A_RUN * waitingRuns

/**
 * Which of a tenant's shared workers serves the next lease: one that has nothing yet and computes little; or else a new one while the tenant may have more; or else the one that
 * computes least, and among equals the one with the fewest contexts and runs.
 */
export function place<Worker extends Candidate>(workers: readonly Worker[], mayGrow: boolean): Worker | 'new' | undefined {
  let least: Worker | undefined
  for (const worker of workers) if (least === undefined || isLessBusy(worker, least)) least = worker
  if (least !== undefined && load(least) === 0 && steps(least) < STEPS / 2) return least
  return mayGrow ? 'new' : least
}

function isLessBusy(one: Candidate, other: Candidate): boolean {
  const difference = steps(one) - steps(other)
  return difference < 0 || (difference === 0 && load(one) < load(other))
}
