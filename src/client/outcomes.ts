/** What became of one input of `runMany`, as `Promise.allSettled` has it. */
export type Outcome =
  | { readonly index: number; readonly status: 'fulfilled'; readonly value: unknown }
  /** `reason` is a GuestError, or a TimeoutError, or another failure of this input alone. */
  | { readonly index: number; readonly status: 'rejected'; readonly reason: unknown }

interface OutcomesSource {
  /** Outcomes of one message were taken. */
  readonly taken: () => void
  /** Nobody wants the rest. */
  readonly cancel: () => void
}

/**
 * The outcomes of a `runMany`, in the order of its inputs. What has come is handed out without waiting; each message that was taken makes room for another, so what waits here is bounded.
 */
export class Outcomes implements AsyncIterableIterator<Outcome, undefined> {
  readonly #source: OutcomesSource
  #ready: readonly Outcome[] = []
  #at = 0
  readonly #messages: (readonly Outcome[])[] = []
  #waiting: { readonly resolve: (result: IteratorResult<Outcome, undefined>) => void; readonly reject: (cause: unknown) => void }[] = []
  #ended: { readonly cause?: unknown; readonly failed: boolean } | undefined

  constructor(source: OutcomesSource) {
    this.#source = source
  }

  /** Messages that nobody has taken yet. */
  get waiting(): number {
    return this.#messages.length
  }

  /** A message's outcomes have come. */
  push(outcomes: readonly Outcome[]): void {
    if (this.#ended === undefined && outcomes.length > 0) this.#messages.push(outcomes)
    while (this.#waiting.length > 0) {
      const outcome = this.#take()
      if (outcome === undefined) return
      this.#waiting.shift()?.resolve({ value: outcome, done: false })
    }
  }

  /** No more will come. What has come already is still handed out. */
  end(): void {
    this.#end({ failed: false })
  }

  /** No more will come, because of this. */
  fail(cause: unknown): void {
    this.#end({ cause, failed: true })
  }

  next(): Promise<IteratorResult<Outcome, undefined>> {
    const outcome = this.#take()
    if (outcome !== undefined) return Promise.resolve({ value: outcome, done: false })
    const ended = this.#ended
    if (ended === undefined) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
    if (!ended.failed) return Promise.resolve({ value: undefined, done: true })
    this.#ended = { failed: false }
    return Promise.reject(ended.cause)
  }

  /** Ends the run: its remaining inputs are not run. */
  return(): Promise<IteratorResult<Outcome, undefined>> {
    this.#messages.length = 0
    this.#ready = []
    this.#at = 0
    if (this.#ended === undefined) {
      this.#end({ failed: false })
      this.#source.cancel()
    }
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #take(): Outcome | undefined {
    if (this.#at >= this.#ready.length) {
      const next = this.#messages.shift()
      if (next === undefined) return undefined
      this.#ready = next
      this.#at = 0
      this.#source.taken()
    }
    return this.#ready[this.#at++]
  }

  #end(ended: { readonly cause?: unknown; readonly failed: boolean }): void {
    if (this.#ended !== undefined) return
    const [first, ...others] = this.#waiting
    this.#waiting = []
    // As an async generator: it fails once, and is over then.
    this.#ended = first === undefined ? ended : { failed: false }
    if (ended.failed) first?.reject(ended.cause)
    else first?.resolve({ value: undefined, done: true })
    for (const { resolve } of others) resolve({ value: undefined, done: true })
  }
}
