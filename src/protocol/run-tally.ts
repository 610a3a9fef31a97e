import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'

/** How a run can end, for those who count: it gave a value, it threw, its deadline came, its client gave it up, or a limit or the state of things refused it. */
export const RUN_OUTCOMES = ['completed', 'threw', 'timeout', 'cancelled', 'failed'] as const
export type RunOutcome = (typeof RUN_OUTCOMES)[number]

/** Upper bounds of the classes of durations that are counted, in milliseconds. One more is for what takes longer. */
export const DURATION_BOUNDS_MS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const
const CLASSES = DURATION_BOUNDS_MS.length + 1

/** What of compiling a worker is spared: `scripts` that it has compiled before, and `code` that a client had in its code cache and V8 took. Each has hits and misses. */
export const CACHES = ['scripts', 'code'] as const
export type CacheName = (typeof CACHES)[number]

/** What a worker has counted since its start. HOSTILE at the daemon: the worker may say anything. */
export interface RunTally {
  /** By the order of {@link RUN_OUTCOMES}. */
  readonly outcomes: readonly number[]
  /** How many runs took how long, by class, and all of them together, in milliseconds. */
  readonly durations: readonly number[]
  readonly totalMs: number
  /** Hits and misses of each of {@link CACHES}, in turns. */
  readonly caches: readonly number[]
}

export function writeTally(out: MsgpackWriter, { outcomes, durations, totalMs, caches }: RunTally): void {
  for (const each of outcomes) out.number(each)
  for (const each of durations) out.number(each)
  out.number(totalMs)
  for (const each of caches) out.number(each)
}

export function readTally(from: MsgpackReader): RunTally {
  const numbers = (count: number): number[] => Array.from({ length: count }, () => from.number())
  return {
    outcomes: numbers(RUN_OUTCOMES.length),
    durations: numbers(CLASSES),
    totalMs: from.number(),
    caches: numbers(2 * CACHES.length),
  }
}

/** Of who runs nothing. */
export const NO_RUNS: RunTally = {
  outcomes: RUN_OUTCOMES.map(() => 0),
  durations: Array<number>(CLASSES).fill(0),
  totalMs: 0,
  caches: Array<number>(2 * CACHES.length).fill(0),
}

export const TALLY_FIELDS = RUN_OUTCOMES.length + CLASSES + 1 + 2 * CACHES.length
