import { emitKeypressEvents, type Key } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'

const DEFAULT_COLUMNS = 80
const DEFAULT_ROWS = 24
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const ERASE_REST_OF_LINE = '\x1b[K'
const ERASE_BELOW = '\x1b[J'

/** The whole terminal, until it is disposed. What was there before comes back then. */
export class Screen implements Disposable {
  readonly #key: (text: string | undefined, key: Key) => void
  readonly #onResize: () => void

  /** `onKey` gets the name of a key; Ctrl-C is `q`. */
  constructor(onKey: (name: string) => void, onResize: () => void) {
    this.#key = (text, key) => onKey(key.ctrl === true && key.name === 'c' ? 'q' : (key.name ?? text ?? ''))
    this.#onResize = onResize
    emitKeypressEvents(process.stdin)
    process.stdin.setRawMode(true).on('keypress', this.#key).resume()
    process.stdout.on('resize', onResize).write(ENTER)
  }

  /** Draws over what is there, so that nothing flickers. The last line is `footer`. */
  draw(lines: readonly string[], footer: string): void {
    // Some terminals do not know their size, and say 0.
    const columns = process.stdout.columns || DEFAULT_COLUMNS
    const rows = process.stdout.rows || DEFAULT_ROWS
    const shown = lines.slice(0, rows - 1).map((line) => clip(line, columns))
    const gap = Array.from<string>({ length: Math.max(0, rows - 1 - shown.length) }).fill('')
    process.stdout.write(
      HOME + [...shown, ...gap, clip(footer, columns)].map((line) => line + ERASE_REST_OF_LINE).join('\r\n') + ERASE_BELOW,
    )
  }

  [Symbol.dispose](): void {
    process.stdout.off('resize', this.#onResize).write(LEAVE)
    process.stdin.off('keypress', this.#key).setRawMode(false).pause()
  }
}

/** A line that is too wide goes without its colours: where to cut those is not worth knowing. */
function clip(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line)
  return plain.length <= columns ? line : plain.slice(0, columns)
}
