import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How often each system call was made. */
export type SystemCalls = ReadonlyMap<string, number>

export function canTrace(): boolean {
  return spawnSync('strace', ['-V']).status === 0
}

/** Counts the system calls of a process and all of its threads until it is disposed: `strace -c`. */
export class CallCounter implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'glovebox-profile-'))
  readonly #file = join(this.#folder, 'calls')
  readonly #tracer

  private constructor(pid: number) {
    this.#tracer = spawn('strace', ['-c', '-f', '-p', String(pid), '-o', this.#file], { stdio: ['ignore', 'ignore', 'pipe'] })
  }

  /** Resolves when it counts. */
  static async start(pid: number): Promise<CallCounter> {
    const counter = new CallCounter(pid)
    // It says so when it has stopped the threads that it found, and lets them go on.
    const [said] = (await once(counter.#tracer.stderr, 'data')) as [Buffer]
    if (!said.includes('attached')) throw new Error(`strace: ${said.toString().trim()}`)
    return counter
  }

  async stop(): Promise<SystemCalls> {
    const exited = once(this.#tracer, 'exit')
    this.#tracer.kill('SIGINT')
    await exited
    return parse(readFileSync(this.#file, 'utf8'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#tracer.exitCode === null && this.#tracer.signalCode === null) {
      const exited = once(this.#tracer, 'exit')
      this.#tracer.kill('SIGINT')
      await exited
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Lines of `% time, seconds, usecs/call, calls, errors, syscall`, where the number of errors may be missing. */
function parse(table: string): SystemCalls {
  const calls = new Map<string, number>()
  for (const line of table.split('\n')) {
    const found = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/.exec(line)
    if (found?.[1] !== undefined && found[2] !== undefined && found[2] !== 'total') calls.set(found[2], Number(found[1]))
  }
  return calls
}
