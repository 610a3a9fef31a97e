import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'

/** For how long after it was given a run a worker is likely to make the next context, in milliseconds. */
const REST_MS = 2
/** After so many runs in a row, one after the other, that found no worker at rest, another is worth its memory. */
const RESTLESS = 16
/** How long a run waits for another worker instead of going behind others, in milliseconds. One that has booted lets a client in sooner. */
const HOLD_MS = 10
/** How soon the daemon is asked again after it had none, in milliseconds. */
const AGAIN_MS = 100

/** What of a lane tells how busy it is. */
interface Busy {
  readonly load: number
  readonly givenMs: number
}

/** When a connection asks for another worker that its single runs share: if all that it has are busy, with runs under way, or with the context for the next one. */
export class LaneGrowth {
  #restless = 0
  #isAsking = false
  /** What runs wait for meanwhile, which is not for long. */
  #hold: Promise<void> | undefined
  /** When the daemon had none, of `performance.now()`. */
  #refusedMs = -Infinity

  /**
   * Told of each lane that is chosen for a run, the least busy, and when, of `performance.now()`. `ask` resolves with whether another worker let this client in.
   * @returns what to wait for before the choice is made anew; undefined if it stands
   */
  chosen(lane: Busy, nowMs: number, ask: () => Promise<boolean>): Promise<void> | undefined {
    if (!this.#isWanted(lane, nowMs)) return undefined
    if (!this.#isAsking && nowMs >= this.#refusedMs + AGAIN_MS) {
      this.#hold = Promise.race([this.#ask(ask), held()]).then(() => {
        this.#hold = undefined
      })
    }
    return this.#hold
  }

  #isWanted({ load, givenMs }: Busy, nowMs: number): boolean {
    if (load > 0) return true
    this.#restless = nowMs < givenMs + REST_MS ? this.#restless + 1 : 0
    return this.#restless >= RESTLESS
  }

  async #ask(ask: () => Promise<boolean>): Promise<void> {
    this.#isAsking = true
    // Whatever keeps it from getting another, it has one: what is wrong with that its runs will say.
    const isThere = await ask().catch(() => false)
    this.#restless = 0
    if (!isThere) this.#refusedMs = performance.now()
    this.#isAsking = false
  }
}

async function held(): Promise<void> {
  await wait(HOLD_MS)
  // What has come while this process did something else is read first: another worker, or the end of one.
  await nextTurn()
}
