/** Rounds of one measurement, of which the middle and the spread are told. */
const ROUNDS = 9

/** Microseconds that one operation took: the middle of the rounds, the fastest, the slowest. */
export interface Measured {
  readonly medianUs: number
  readonly minUs: number
  readonly maxUs: number
}

/** One way to run code. */
export interface Contender {
  readonly name: string
  /** Does it `count` times. */
  readonly work: (count: number) => Promise<void>
}

/**
 * Measures all in turns, so that whatever else the machine does hits them alike: each round gives each of them its share of the time.
 * `signal` ends it between operations.
 */
export async function measureAll(contenders: readonly Contender[], seconds: number, signal: AbortSignal): Promise<readonly Measured[]> {
  const shareMs = (seconds * 1_000) / contenders.length / (ROUNDS + 1)
  const counts: number[] = []
  for (const { work } of contenders) counts.push(await countFor(work, shareMs, signal))
  const rounds: number[][] = contenders.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, { work }] of contenders.entries()) {
      signal.throwIfAborted()
      rounds[at]?.push(await timeOf(work, counts[at] ?? 1))
    }
  }
  return rounds.map((times) => {
    const sorted = times.toSorted((a, b) => a - b)
    return { medianUs: sorted[ROUNDS >> 1] as number, minUs: sorted[0] as number, maxUs: sorted[ROUNDS - 1] as number }
  })
}

/** How often it can be done in a round. Warms it up, too. */
async function countFor(work: Contender['work'], shareMs: number, signal: AbortSignal): Promise<number> {
  let count = 1
  for (;;) {
    signal.throwIfAborted()
    const ms = ((await timeOf(work, count)) * count) / 1_000
    if (ms >= shareMs / 2) return Math.max(1, Math.round((count * shareMs) / ms))
    count *= 2
  }
}

async function timeOf(work: Contender['work'], count: number): Promise<number> {
  const startedMs = performance.now()
  await work(count)
  return ((performance.now() - startedMs) * 1_000) / count
}
