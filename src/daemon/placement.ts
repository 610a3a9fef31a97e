/** What placement looks at. */
export interface Candidate {
  /** Contexts that it has, or is about to have. */
  readonly contexts: number
  /** Runs that had no answer yet, when it said so last: up to a second ago. */
  readonly waitingRuns: number
  /** How much of a core it has had lately, as the kernel says. */
  readonly cpuShare: number
}

/** Workers whose shares of a core lie in the same of so many steps count as equally busy: the figure is older than the last leases. */
const STEPS = 4

const steps = ({ cpuShare }: Candidate): number => Math.min(STEPS, Math.round(cpuShare * STEPS))

/**
 * Which of a tenant's shared workers serves the next lease: one that has nothing yet and computes little; or else a new one while the tenant may have more; or else the one that
 * computes least, and among equals the one with the fewest contexts, and then with the fewest runs.
 */
export function place<Worker extends Candidate>(workers: readonly Worker[], mayGrow: boolean): Worker | 'new' | undefined {
  let least: Worker | undefined
  for (const worker of workers) if (least === undefined || compare(worker, least) < 0) least = worker
  if (least !== undefined && least.contexts === 0 && computesLittle(least)) return least
  return mayGrow ? 'new' : least
}

/** Which worker takes runs beside the client's `own`, which are busy: another of the shared ones, if it computes little, or the spare, if there is one. */
export function placeBeside<Worker extends Candidate>(
  own: readonly Worker[],
  shared: readonly Worker[],
  spare: Worker | undefined,
): Worker | undefined {
  const others = shared.filter((worker) => !own.includes(worker) && computesLittle(worker))
  const choice = place(others, spare !== undefined)
  return choice === 'new' ? spare : choice
}

function computesLittle(worker: Candidate): boolean {
  return steps(worker) < STEPS / 2
}

/** Below 0 if `one` is less busy. */
function compare(one: Candidate, other: Candidate): number {
  return steps(one) - steps(other) || one.contexts - other.contexts || one.waitingRuns - other.waitingRuns
}
