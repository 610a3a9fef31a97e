import type { Contender } from './contender.ts'
import type { Plan } from './measure.ts'
import type { Metric } from './slice.ts'

/** One line of the targets: work, who does it, and what the first of them should reach beside the others. */
export interface Row {
  readonly id: string
  readonly title: string
  readonly inFlight: number
  /** The one that the targets are about. */
  readonly metric: Metric
  /** Shown beside it. */
  readonly alsoShown: readonly Metric[]
  readonly subject: Contender
  /** Bound of the subject's own figure, where the target is no ratio. */
  readonly target?: Target
  readonly peers: readonly Peer[]
  /** Runs that show that all do the same work. Default 200; 0 if another row shows it. */
  readonly smokeRuns?: number
  /** Where the row needs more or less than others. */
  readonly plan?: Partial<Plan>
}

export interface Peer {
  readonly contender: Contender
  /** Bound of the subject's figure divided by the peer's. Without one, the peer is there for orientation. */
  readonly target?: Target
}

export type Target = { readonly atMost: number } | { readonly atLeast: number }

export function isMet(target: Target, figure: number): boolean {
  return 'atMost' in target ? figure <= target.atMost : figure >= target.atLeast
}
