import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fixture } from './fixture.ts'

export interface Script extends AsyncDisposable {
  readonly child: ChildProcess
  readonly pid: number
  /** What it printed first. Rejects if it ends before. */
  readonly line: Promise<string>
  /** Exit code or signal. */
  readonly ended: Promise<number | string | null>
}

/** Runs a fixture as a process of its own; disposing kills it. */
export function runScript(name: string, args: readonly string[] = [], options: { node?: string; env?: NodeJS.ProcessEnv } = {}): Script {
  const child = spawn(options.node ?? process.execPath, [fixture(name), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const ended = new Promise<number | string | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  const line = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve)
    void ended.then((how) => reject(new Error(`${name} ended with ${how} before it said anything. ${errors}`)))
  })
  line.catch(() => undefined)
  return {
    child,
    pid: child.pid as number,
    line,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
