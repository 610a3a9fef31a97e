import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { expect } from 'vitest'

export const CLI_FILE = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Ended {
  /** The exit code, or the name of the signal that ended it. */
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** A Node program as a child process, with no more of this process's environment than it needs. Disposing it kills it. */
export class Command implements AsyncDisposable {
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''

  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>>, stdin = '', cwd?: string) {
    this.#child = spawn(process.execPath, [file, ...args], { cwd, env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    // A program that does not read its input may be gone before it is written.
    this.#child.stdin?.on('error', () => undefined).end(stdin)
    this.ended = once(this.#child, 'close').then(([code, signal]: unknown[]) => ({
      code: (code ?? signal) as number | string,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }))
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** Waits until standard output or standard error, each from its beginning, matches. Fails if the program ends first. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
    const look = (): void => {
      const found = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr)
      if (found !== null) resolve(found)
    }
    this.#child.stdout?.on('data', look)
    this.#child.stderr?.on('data', look)
    void this.ended.then(({ code, stderr }) => reject(new Error(`ended with ${code} before it said ${pattern}: ${stderr}`)))
    look()
    return promise
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}

/** The `glovebox` command. */
export function glovebox(args: readonly string[], env: Readonly<Record<string, string>>, stdin?: string): Command {
  return new Command(CLI_FILE, args, env, stdin)
}

/** Whether a text would colour a terminal, or do worse to it. */
export function isPlain(text: string): boolean {
  return stripVTControlCharacters(text) === text
}

/** For `toEqual`: this very text, or one that matches. */
export function textLike(wanted: string | RegExp): unknown {
  return typeof wanted === 'string' ? wanted : expect.stringMatching(wanted)
}
