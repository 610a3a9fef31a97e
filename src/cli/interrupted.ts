/** What a shell reports for a process that Ctrl-C ended: 128 and the number of SIGINT. */
export const INTERRUPTED_EXIT = 130

/** Ctrl-C cancelled the command. */
export class InterruptedError extends Error {
  constructor() {
    super('cancelled')
  }
}

/** Until it is disposed, the first Ctrl-C aborts `signal`. A second one ends the process. */
export class Interrupt implements Disposable {
  readonly #controller = new AbortController()
  readonly #abort = (): void => this.#controller.abort(new InterruptedError())

  constructor() {
    process.once('SIGINT', this.#abort)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#abort)
  }
}
