import { styleText } from 'node:util'

/** Columns: the claim, what was seen, how long it took. */
const CLAIM_WIDTH = 48
const DETAIL_WIDTH = 38
const TIME_WIDTH = 9

/** Tells the story: sections, and a line for every claim that held. Colours on a terminal only. */
export class Narrator {
  #stream
  #startedMs = performance.now()
  #held = 0

  constructor(stream) {
    this.#stream = stream
  }

  title(text) {
    this.#line(this.#style('bold', text))
  }

  section(text) {
    this.#line(`\n${this.#style('bold', text)}`)
  }

  /**
   * Does one step and says that `claim` holds. The step throws if it does not; what it returns is passed on.
   * @param {(see: (detail: string) => void) => Promise<unknown>} step may say what it saw, for the second column
   */
  async step(claim, step) {
    let detail = ''
    const startedMs = performance.now()
    const result = await step((text) => {
      detail = text
    }).catch((error) => {
      throw new Error(`claimed, but not so: ${claim}`, { cause: error })
    })
    const ms = performance.now() - startedMs
    this.#held++
    const time = `${ms.toFixed(ms < 10 ? 2 : 0)} ms`.padStart(TIME_WIDTH)
    const seen = this.#style('cyan', detail.padEnd(DETAIL_WIDTH))
    this.#line(`  ${this.#style('green', '✓')} ${claim.padEnd(CLAIM_WIDTH)} ${seen} ${this.#style('dim', time)}`)
    return result
  }

  end() {
    const seconds = ((performance.now() - this.#startedMs) / 1_000).toFixed(1)
    this.#line(`\n${this.#style('green', `${this.#held} claims held`)} in ${seconds} s`)
  }

  failed(error) {
    this.#line(`\n${this.#style('red', '✗')} ${error.message}`)
    this.#line(error.cause?.stack ?? error.stack)
  }

  #line(text) {
    this.#stream.write(`${text}\n`)
  }

  #style(format, text) {
    return styleText(format, text, { stream: this.#stream })
  }
}
