import { LRUCache } from 'lru-cache'
import { CRASHES_REFUSED, MAX_CRASHED_SCRIPTS } from '../../protocol/limits.ts'
import type { DeathCause } from '../../protocol/report.ts'

/** Deaths that a script can bring about. Of any other (somebody killed it, nobody needed it) the run that the worker was at is innocent. */
const CRASHES: ReadonlySet<DeathCause | undefined> = new Set(['heap', 'off-heap', 'oom-kill', 'fatal', 'unresponsive', 'protocol', 'exit'])

export function isCrash(cause: DeathCause | undefined): boolean {
  return CRASHES.has(cause)
}

interface Crashes {
  /** When it crashed workers, oldest first. Milliseconds of a monotonic clock, as all times here. */
  times: number[]
  /** Until when it is refused; 0 if it is not. */
  untilMs: number
}

/** A script that is refused, and how much longer, in milliseconds. */
export interface Refusal {
  readonly hash: Buffer
  readonly forMs: number
}

/** Which scripts of each tenant crash workers, by their hashes. What nobody has counted for a while is forgotten, so that tables stay small. */
export class CrashCounts {
  readonly #windowMs: number
  readonly #tenants = new Map<string, LRUCache<string, Crashes>>()

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** One more worker died of a script. Gives the refusal if that was one too many. */
  crashed(tenant: string, hash: Uint8Array, nowMs: number): Refusal | undefined {
    this.#forgetOld(nowMs)
    const script = this.#script(tenant, hash)
    // It was sent before it was refused.
    if (script.untilMs > nowMs) return undefined
    script.times = [...script.times.filter((sinceMs) => nowMs - sinceMs < this.#windowMs), nowMs]
    if (script.times.length < CRASHES_REFUSED) return undefined
    script.times = []
    script.untilMs = nowMs + this.#windowMs
    return { hash: Buffer.from(hash), forMs: this.#windowMs }
  }

  /** What a client of the tenant must not send now. */
  refused(tenant: string, nowMs: number): Refusal[] {
    const refusals: Refusal[] = []
    for (const [hash, { untilMs }] of this.#tenants.get(tenant)?.entries() ?? [])
      if (untilMs > nowMs) refusals.push({ hash: Buffer.from(hash, 'hex'), forMs: untilMs - nowMs })
    return refusals
  }

  #script(tenant: string, hash: Uint8Array): Crashes {
    let scripts = this.#tenants.get(tenant)
    if (scripts === undefined) {
      scripts = new LRUCache({ max: MAX_CRASHED_SCRIPTS })
      this.#tenants.set(tenant, scripts)
    }
    const name = Buffer.from(hash).toString('hex')
    const known = scripts.get(name)
    if (known !== undefined) return known
    const script: Crashes = { times: [], untilMs: 0 }
    scripts.set(name, script)
    return script
  }

  /** A tenant that left may come back, so it is time that counts and not whether it is connected. */
  #forgetOld(nowMs: number): void {
    for (const [tenant, scripts] of this.#tenants) {
      for (const [hash, { times, untilMs }] of scripts.entries())
        if (untilMs <= nowMs && !times.some((sinceMs) => nowMs - sinceMs < this.#windowMs)) scripts.delete(hash)
      if (scripts.size === 0) this.#tenants.delete(tenant)
    }
  }
}
