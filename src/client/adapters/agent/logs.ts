import type { ConsoleEvent } from '../../index.ts'

const PLAIN = new Set<string>(['log', 'info', 'debug'])

/** What the code said on its console, a line a call, up to a number of characters. */
export class Logs {
  readonly #lines: string[] = []
  #room: number
  #dropped = 0

  constructor(maxCharacters: number) {
    this.#room = maxCharacters
  }

  add({ level, text, dropped }: ConsoleEvent): void {
    this.#dropped += dropped
    const line = PLAIN.has(level) ? text : `[${level}] ${text}`
    if (line.length > this.#room) {
      this.#room = 0
      this.#dropped++
      return
    }
    this.#room -= line.length
    this.#lines.push(line)
  }

  lines(): readonly string[] {
    return this.#dropped === 0 ? this.#lines : [...this.#lines, `[${this.#dropped} more were left out]`]
  }
}
