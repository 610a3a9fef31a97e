import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

const CLI_FILE = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const SIZE = 'stty cols 100 rows 30'

/** Why there is no pseudo-terminal here; undefined if there is one. */
export const noTerminal: string | undefined =
  spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0 ? undefined : "there is no 'script' of util-linux"

/** The `glovebox` command on a pseudo-terminal of its own, as a person has it. Disposing it ends it. */
export class Terminal implements AsyncDisposable {
  readonly ended: Promise<number>
  readonly #child
  #output = ''
  /** How much of the output was looked at by {@link sees}. */
  #seen = 0

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    const quoted = [process.execPath, CLI_FILE, ...args].map((each) => `'${each.replaceAll("'", "'\\''")}'`)
    this.#child = spawn('script', ['-qefc', `${SIZE}; exec ${quoted.join(' ')}`, '/dev/null'], {
      env: { PATH: process.env['PATH'], TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child.stdin.on('error', () => undefined)
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    this.ended = once(this.#child, 'close').then(([code]: unknown[]) => (code as number | null) ?? -1)
  }

  /** Everything so far, escape sequences included. */
  get output(): string {
    return this.#output
  }

  type(keys: string): void {
    this.#child.stdin.write(keys)
  }

  /** Waits until what was written since the last match matches, escape sequences apart. */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
    const look = (): void => {
      const text = stripVTControlCharacters(this.#output).replaceAll('\r', '')
      const found = pattern.exec(text.slice(this.#seen))
      if (found === null) return
      this.#seen += found.index + found[0].length
      this.#child.stdout.off('data', look)
      resolve(found)
    }
    this.#child.stdout.on('data', look)
    const tail = (): string => JSON.stringify(this.#output.slice(-600))
    void this.ended.then((code) => reject(new Error(`ended with ${code} before ${pattern}: ${tail()}`)))
    const timer = setTimeout(() => reject(new Error(`no ${pattern} in time: ${tail()}`)), 20_000)
    look()
    return promise.finally(() => clearTimeout(timer))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}
