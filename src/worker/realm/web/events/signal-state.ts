/** One thing to do when a signal aborts. */
interface AbortStep {
  readonly run: () => void
  previous: AbortStep | undefined
  next: AbortStep | undefined
}

/** What an AbortSignal knows beyond its listeners. Algorithms run in the order in which they were added, before the event. */
export class SignalState {
  aborted = false
  reason: unknown = undefined
  #first: AbortStep | undefined
  #last: AbortStep | undefined
  /** Called when the algorithms have changed. */
  changed: (() => void) | undefined

  get hasAlgorithms(): boolean {
    return this.#first !== undefined
  }

  /** Returns a function that takes the algorithm out again. */
  add(run: () => void): () => void {
    const step: AbortStep = { run, previous: this.#last, next: undefined }
    if (this.#last === undefined) this.#first = step
    else this.#last.next = step
    this.#last = step
    this.changed?.()
    return () => this.#remove(step)
  }

  /** Runs the algorithms and forgets them. */
  runAll(): void {
    let step = this.#first
    this.#first = undefined
    this.#last = undefined
    for (; step !== undefined; step = step.next) (0, step.run)()
    this.changed?.()
  }

  #remove(step: AbortStep): void {
    if (this.#first === step) this.#first = step.next
    else if (step.previous !== undefined) step.previous.next = step.next
    if (this.#last === step) this.#last = step.previous
    else if (step.next !== undefined) step.next.previous = step.previous
    this.changed?.()
  }
}

/** The state of an AbortSignal, undefined for anything else. Set by abort-signal.ts, which event-target.ts cannot import. */
export const signals: { stateOf: (value: object) => SignalState | undefined } = { stateOf: () => undefined }
