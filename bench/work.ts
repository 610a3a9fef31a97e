/** What every contender of P1 and P2 does: a counter in a context that outlives the run. `x` is 0 at the start. */
export const COUNTER_SOURCE = 'x = (x|0) + 1'

/** What P3 runs where nothing was before. It gives 1. */
export const FRESH_SOURCE = 'var x = 0; x = (x|0) + 1'

/** Deadline of a run, in milliseconds, for every contender that has one: the library's default. */
export const DEADLINE_MS = 5_000

/** How many runs a contender has under way in P2. */
export const IN_FLIGHT = 64

/** How many contexts P10 has in one worker: what the target says. */
export const IDLE_CONTEXTS = 5_000

/** How long a process has nothing to do before its memory is looked at, in milliseconds. */
export const IDLE_MS = 200
