import { monotonicOf } from '../base/clock.ts'
import { PAUSE } from '../protocol/heartbeat.ts'

/** What a run is ended with; the client says it in more words. */
export const EXHAUSTED = 'the tenant has used up its processor time'

/**
 * The daemon's word that this worker's tenant has used up its processor time, on the page that both share: a run that computes is ended by a signal before any message can be read, and must know
 * why. A guest that owns this process may ignore it: then the daemon ends the process.
 */
export class Pause {
  readonly #page: Float64Array

  constructor(page: ArrayBuffer) {
    this.#page = new Float64Array(page)
  }

  get isOn(): boolean {
    // Usually there never was one.
    return this.#page[PAUSE.until] !== 0 && this.leftMs > 0
  }

  /** How long it goes on, in milliseconds; 0 or less if there is none. */
  get leftMs(): number {
    return (this.#page[PAUSE.until] as number) - monotonicOf(performance.now())
  }

  /** The tenant's limit, and what it has used: seconds of processor time in a minute. */
  get configured(): number {
    return this.#page[PAUSE.configured] as number
  }

  get observed(): number {
    return this.#page[PAUSE.observed] as number
  }
}
