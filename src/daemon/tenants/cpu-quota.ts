import { CpuWindow } from './cpu-window.ts'

/** At this part of its limit a tenant is warned, and again when it comes back after having been below the second one. */
const WARN_AT = 0.8
const CALM_BELOW = 0.6
/** A tenant that has used up its time goes on when it has this part of it left: not for a moment at a time. */
const RESUMES_WITH = 0.1

/** How a tenant stands with its processor time, in seconds of it in a minute. */
export interface CpuUse {
  readonly configured: number
  readonly observed: number
}

export interface CpuExhaustion extends CpuUse {
  /** When there is some again, in milliseconds. */
  readonly forMs: number
}

/** The processor time of one tenant, and what it may have: infinity for any. Times are milliseconds of a monotonic clock. */
export class CpuQuota {
  readonly #window = new CpuWindow()
  #limitMs: number
  #isExhausted = false
  #isWarned = false

  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  /** The policy may have changed. */
  limit(limitMs: number): void {
    this.#limitMs = limitMs
  }

  spend(ms: number, nowMs: number): void {
    this.#window.add(ms, nowMs)
  }

  /** Undefined for a tenant that may compute. */
  exhaustion(nowMs: number): CpuExhaustion | undefined {
    const usedMs = this.#window.usedMs(nowMs)
    const enoughMs = (1 - RESUMES_WITH) * this.#limitMs
    if (usedMs >= this.#limitMs) this.#isExhausted = true
    else if (usedMs <= enoughMs) this.#isExhausted = false
    return this.#isExhausted ? { ...this.#use(usedMs), forMs: this.#window.fallsTo(enoughMs, nowMs) } : undefined
  }

  /** What to warn of, once each time that most of the limit is used. */
  warning(nowMs: number): CpuUse | undefined {
    const usedMs = this.#window.usedMs(nowMs)
    if (usedMs < CALM_BELOW * this.#limitMs) this.#isWarned = false
    if (this.#isWarned || usedMs < WARN_AT * this.#limitMs) return undefined
    this.#isWarned = true
    return this.#use(usedMs)
  }

  /** In the last minute. */
  usedMs(nowMs: number): number {
    return this.#window.usedMs(nowMs)
  }

  /** Whether nothing is to be remembered. */
  isIdle(nowMs: number): boolean {
    return this.#window.usedMs(nowMs) === 0
  }

  #use(usedMs: number): CpuUse {
    return { configured: this.#limitMs / 1_000, observed: Math.round(usedMs) / 1_000 }
  }
}
