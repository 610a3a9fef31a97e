interface Call<Result, About> {
  readonly resolve: (result: Result) => void
  readonly reject: (cause: unknown) => void
  readonly about: About
}

/** Calls that wait for an answer, by number. Every one is settled: by its answer, or with the cause of the link's end. `About` is what the caller wants to know of one later. */
export class Calls<Result, About = undefined> {
  readonly #waiting = new Map<number, Call<Result, About>>()
  #last = 0

  get size(): number {
    return this.#waiting.size
  }

  /** The number that the next call gets. Numbers count up from 1 and stay within 32 bits. */
  next(): number {
    this.#last = this.#last >= 0xffff_fffe ? 1 : this.#last + 1
    return this.#last
  }

  wait(number: number, about: About): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject, about })
    })
  }

  /** Undefined if no such call waits. */
  about(number: number): About | undefined {
    return this.#waiting.get(number)?.about
  }

  /** Whether the call was waiting. */
  resolve(number: number, result: Result): boolean {
    const call = this.#waiting.get(number)
    if (call === undefined) return false
    this.#waiting.delete(number)
    call.resolve(result)
    return true
  }

  reject(number: number, cause: unknown): boolean {
    const call = this.#waiting.get(number)
    if (call === undefined) return false
    this.#waiting.delete(number)
    call.reject(cause)
    return true
  }

  rejectAll(cause: unknown): void {
    this.rejectEach(() => cause)
  }

  rejectEach(causeOf: (about: About, number: number) => unknown): void {
    const calls = [...this.#waiting]
    this.#waiting.clear()
    for (const [number, call] of calls) call.reject(causeOf(call.about, number))
  }
}
