/** A lease that waits for a worker. */
export interface Waiter {
  readonly tenant: string
  /** The tenant's share of the workers, in proportion to other tenants'. */
  readonly weight: number
  readonly dedicated: boolean
}

/**
 * Leases that wait for a worker, in weighted fair order: who has the fewest workers for its weight is next; of several, by start-time fair queueing, whose turn
 * it is (or else runs that end soon would leave the longest queue always the first); and within a tenant who came first.
 */
export class WaitingLine<Entry extends Waiter> {
  readonly #entries: Entry[] = []
  /** Virtual time: of the lease that was served last, and when each tenant's next one is due. */
  #now = 0
  readonly #due = new Map<string, number>()

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

  filter(test: (entry: Entry) => boolean): Entry[] {
    return this.#entries.filter(test)
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
      const isBetter = share < bestShare || (share === bestShare && best !== undefined && this.#dueOf(each) < this.#dueOf(best))
      if (!isBetter || !may(each)) continue
      best = each
      bestShare = share
    }
    if (best === undefined) return undefined
    this.remove(best)
    this.#now = this.#dueOf(best)
    this.#due.set(best.tenant, this.#now + 1 / best.weight)
    return best
  }

  /** Who did not wait for long has saved up nothing. */
  #dueOf({ tenant }: Entry): number {
    return Math.max(this.#now, this.#due.get(tenant) ?? 0)
  }
}
