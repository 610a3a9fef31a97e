import { NEAR_SHARE } from '../protocol/limits.ts'

/** A tenant is warned again when its line has been below this share of the limit. */
const CALM_BELOW = 0.6

/** Whom to warn that most of the leases that may wait for a worker do: once each time. */
export class QueueWarnings {
  readonly #warned = new Set<string>()

  /** One more lease of the tenant waits, so many with it. Whether to warn. */
  waits(tenant: string, waiting: number, maxQueue: number): boolean {
    if (waiting - 1 < CALM_BELOW * maxQueue) this.#warned.delete(tenant)
    if (waiting < NEAR_SHARE * maxQueue || this.#warned.has(tenant)) return false
    this.#warned.add(tenant)
    return true
  }
}
