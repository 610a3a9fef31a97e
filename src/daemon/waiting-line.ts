/** A lease that waits for a worker. */
export interface Waiter {
  readonly tenant: string
  /** The tenant's share of the workers, in proportion to other tenants'. */
  readonly weight: number
  readonly dedicated: boolean
}

/**
 * Leases that wait for a worker, in weighted fair order: who has the fewest workers for its weight is next, and within a tenant who came first.
 */
export class WaitingLine<Entry extends Waiter> {
  readonly #entries: Entry[] = []

  get size(): number {
    return this.#entries.length
  }

  add(entry: Entry): void {
    this.#entries.push(entry)
  }

  /** Whether it still waited. */
  remove(entry: Entry): boolean {
    const index = this.#entries.indexOf(entry)
    if (index >= 0) this.#entries.splice(index, 1)
    return index >= 0
  }

  removeAll(): Entry[] {
    return this.#entries.splice(0)
  }

  some(test: (entry: Entry) => boolean): boolean {
    return this.#entries.some(test)
  }

  countOf(tenant: string): number {
    let count = 0
    for (const each of this.#entries) if (each.tenant === tenant) count++
    return count
  }

  /**
   * Takes the next one out. `held` says how many workers a tenant has now, `may` whether one more is open to it.
   */
  next(held: (tenant: string) => number, may: (entry: Entry) => boolean): Entry | undefined {
    let best: Entry | undefined
    let bestShare = Number.POSITIVE_INFINITY
    for (const each of this.#entries) {
      const share = held(each.tenant) / each.weight
      if (share >= bestShare || !may(each)) continue
      best = each
      bestShare = share
    }
    if (best !== undefined) this.remove(best)
    return best
  }
}
