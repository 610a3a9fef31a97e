import type { RealmContext } from './realm-context.ts'

/** Contexts that are made before anyone asks: one takes a few hundred microseconds, a run takes a few. */
export class ReadyContexts {
  readonly #make: () => RealmContext
  readonly #wanted: number
  readonly #forNobody: () => void
  readonly #ready: RealmContext[] = []
  #refilling = false

  /** `forNobody` is called before one is made ahead: for the time being the worker serves no channel. */
  constructor(make: () => RealmContext, wanted: number, forNobody: () => void) {
    this.#make = make
    this.#wanted = wanted
    this.#forNobody = forNobody
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
      this.#forNobody()
      this.#ready.push(this.#make())
      this.#refill()
    })
  }
}
