const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 100
/** Work that is shorter is over before anybody wonders. */
const AFTER_MS = 1_000
const ERASE = '\r\x1b[K'

/** Says on a terminal that something is under way, and since when. On anything else it writes nothing. */
export class Spinner implements Disposable {
  readonly #stream: NodeJS.WriteStream
  readonly #label: string
  readonly #startedMs = performance.now()
  #timer: NodeJS.Timeout | undefined
  #frame = 0
  #isShown = false

  constructor(stream: NodeJS.WriteStream, label: string, wanted = true) {
    this.#stream = stream
    this.#label = label
    if (wanted && stream.isTTY && process.env['TERM'] !== 'dumb') this.#timer = setTimeout(() => this.#draw(), AFTER_MS)
  }

  /** Erases it, so that something else can be written there; it comes back with its next frame. */
  clear(): void {
    if (this.#isShown) this.#stream.write(ERASE)
    this.#isShown = false
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.clear()
  }

  #draw(): void {
    const seconds = Math.floor((performance.now() - this.#startedMs) / 1_000)
    this.#stream.write(`${ERASE}${FRAMES[this.#frame++ % FRAMES.length]} ${this.#label}, ${seconds} s (Ctrl-C cancels)`)
    this.#isShown = true
    this.#timer = setTimeout(() => this.#draw(), FRAME_MS)
  }
}
