import type { ContextMessage } from '../protocol/context-messages.ts'
import { MAX_PENDING_RUNS } from '../protocol/limits.ts'

export type Plan = Extract<ContextMessage, { readonly type: 'plan' }>

/** How the contexts are to be made that a client will ask for next, by number. Those that it does not come to ask for go first. */
export class ContextPlans {
  readonly #plans = new Map<number, Plan>()

  add(plan: Plan): void {
    this.#plans.set(plan.context, plan)
    if (this.#plans.size <= MAX_PENDING_RUNS) return
    for (const context of this.#plans.keys()) {
      this.#plans.delete(context)
      return
    }
  }

  /** Undefined for a context like any. */
  take(context: number): Plan | undefined {
    if (this.#plans.size === 0) return undefined
    const plan = this.#plans.get(context)
    this.#plans.delete(context)
    return plan
  }
}
