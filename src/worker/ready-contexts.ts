import type { Guard } from './guard.ts'
import { RealmContext } from './realm-context.ts'

/** Contexts that are made before anyone asks: one takes a few hundred microseconds, a run takes a few. */
export class ReadyContexts {
  readonly #guard: Guard
  readonly #bridge: (request: number) => number
  readonly #limits: { readonly maxOutput: number; readonly maxDepth: number }
  readonly #wanted: number
  readonly #ready: RealmContext[] = []
  #refilling = false

  constructor(
    guard: Guard,
    bridge: (request: number) => number,
    limits: { readonly maxOutput: number; readonly maxDepth: number },
    wanted: number,
  ) {
    this.#guard = guard
    this.#bridge = bridge
    this.#limits = limits
    this.#wanted = wanted
  }

  take(): RealmContext {
    const context = this.#ready.pop() ?? this.#make()
    this.#refill()
    return context
  }

  /** Makes all of them now. */
  fill(): void {
    while (this.#ready.length < this.#wanted) this.#ready.push(this.#make())
  }

  /** One a turn of the event loop, so that requests come in between. */
  #refill(): void {
    if (this.#refilling) return
    this.#refilling = true
    setImmediate(() => {
      this.#refilling = false
      if (this.#ready.length >= this.#wanted) return
      this.#ready.push(this.#make())
      this.#refill()
    })
  }

  #make(): RealmContext {
    return new RealmContext(this.#guard, this.#bridge, this.#limits)
  }
}
