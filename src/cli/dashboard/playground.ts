import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const COMMAND = fileURLToPath(new URL('../main.js', import.meta.url))
/** Of each of result and console, in bytes: more than a person reads. */
const MAX_OUTPUT_BYTES = 256 * 1024
/** A run's deadline, and what the process around it may take, in milliseconds. */
const TIMEOUT_MS = 2_000
const PROCESS_TIMEOUT_MS = 15_000
const MAX_AT_ONCE = 4

/** What a snippet came to. All text is a guest's: it may say anything. */
export interface Played {
  readonly exitCode: number
  /** A line of JSON, as `glovebox run --json` writes it. */
  readonly result: string
  readonly console: string
}

let playing = 0

/**
 * Runs a snippet in a context of its own, by `glovebox run` in a process of its own: a client decodes what a guest made, and the daemon's process never does.
 *
 * @returns undefined if too many run already
 */
export async function play(socket: string, source: string): Promise<Played | undefined> {
  if (playing >= MAX_AT_ONCE) return undefined
  playing++
  try {
    return await runProcess(socket, source)
  } finally {
    playing--
  }
}

async function runProcess(socket: string, source: string): Promise<Played> {
  const args = ['run', '-', '--json', '--filename', 'playground.js', '--timeout', String(TIMEOUT_MS), '--socket', socket]
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env: { NO_COLOR: '1' },
    stdio: 'pipe',
    timeout: PROCESS_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  })
  const [result, console] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = []
    let bytes = 0
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAX_OUTPUT_BYTES) chunks.push(chunk)
      else child.kill('SIGKILL')
    })
    return () => Buffer.concat(chunks).toString('utf8')
  })
  // It may be gone before it has read its input.
  child.stdin.on('error', () => undefined).end(source)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.on('error', reject)
  child.on('close', (code) => resolve(code ?? -1))
  const exitCode = await promise
  return { exitCode, result: result?.() ?? '', console: console?.() ?? '' }
}
