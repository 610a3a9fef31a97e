/** How long nothing has come from a worker that was given a call before it is asked about, and how often, in milliseconds. */
const SUSPECT_MS = 20

/**
 * Whether the worker of a lane computes: it answers nobody then, and what is given to it waits until it is done. A client only sees that nothing comes, which may also be because its runs wait for
 * promises. The daemon sees which it is, and is asked.
 */
export class Stall {
  readonly #ask: () => Promise<number>
  /** Bytes that had come when it was given a call after them for the first time, and when that was. */
  #received = -1
  #quietSinceMs = 0
  #askedMs = -Infinity
  /** How many bytes had come when the daemon said that it computes: more since then, and it does not any more. */
  #computesAt = -1

  /** @param ask resolves with for how long the worker may answer nobody, in milliseconds; 0 for one that should answer */
  constructor(ask: () => Promise<number>) {
    this.#ask = ask
  }

  /** It is given a call. `received` are the bytes that have come from it, `nowMs` is of `performance.now()`. */
  given(received: number, nowMs: number): void {
    if (received === this.#received) return
    this.#received = received
    this.#quietSinceMs = nowMs
  }

  /** What is known of it now, if calls are under way there. */
  isComputing(received: number, nowMs: number): boolean {
    if (received === this.#received && nowMs >= Math.max(this.#quietSinceMs, this.#askedMs) + SUSPECT_MS) {
      this.#askedMs = nowMs
      void this.#find(received)
    }
    return received === this.#computesAt
  }

  async #find(received: number): Promise<void> {
    // Without a daemon nobody knows.
    const forMs = await this.#ask().catch(() => 0)
    this.#computesAt = forMs > 0 ? received : -1
  }
}
