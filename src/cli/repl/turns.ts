import type { REPLServer } from 'node:repl'
import { clearLine, cursorTo } from 'node:readline'
import { describeFailure } from '../failure.ts'

/** One line after the other, however fast they come; the prompt is there when none is at work. */
export class Turns {
  #last: Promise<void> = Promise.resolve()
  #count = 0
  #controller = new AbortController()
  #server: REPLServer | undefined
  #prompt = (): string => ''
  #isClosed = false

  attach(server: REPLServer, prompt: () => string): void {
    this.#server = server
    this.#prompt = prompt
    server.once('exit', () => {
      this.#isClosed = true
    })
  }

  get isBusy(): boolean {
    return this.#count > 0
  }

  /** Has its turn after all that were taken before. */
  take(work: (signal: AbortSignal) => Promise<void>): void {
    this.#count++
    this.#server?.setPrompt('')
    this.#last = this.#after(this.#last, work)
  }

  /** Ends what is at work, and drops what waits for its turn. */
  interrupt(reason: Error): void {
    this.#controller.abort(reason)
    this.#controller = new AbortController()
  }

  /** Writes something while somebody may be typing: above the line that is typed. */
  besides(print: () => void): void {
    const idle = this.#server !== undefined && !this.isBusy && !this.#isClosed && this.#server.terminal
    if (idle) {
      cursorTo(process.stdout, 0)
      clearLine(process.stdout, 0)
    }
    print()
    if (idle) this.#server?.displayPrompt(true)
  }

  /** Resolves when nothing is at work any more. */
  async over(): Promise<void> {
    await this.#last
  }

  async #after(before: Promise<void>, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#controller
    await before
    try {
      if (!signal.aborted) await work(signal)
    } catch (error) {
      process.stderr.write(`${describeFailure(error)}\n`)
    }
    if (--this.#count > 0 || this.#isClosed) return
    this.#server?.setPrompt(this.#prompt())
    this.#server?.displayPrompt(true)
  }
}
