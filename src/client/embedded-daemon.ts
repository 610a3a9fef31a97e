import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConnectionError } from './errors.ts'
import { findRuntime } from './runtime.ts'

const DAEMON_FILE = fileURLToPath(new URL('../daemon/embedded.cjs', import.meta.url))
/** One thread for V8's collector and compiler instead of four: a daemon computes little, and each of them takes a processor from the worker that boots meanwhile. */
const FLAGS = ['--v8-pool-size=1']
/** A start that takes longer has failed, in milliseconds. It takes about 100. */
const START_TIMEOUT_MS = 20_000
/** The daemon's first and only line. */
const MAX_LINE = 4_096

/**
 * A daemon that this process started and that dies with it: it lives as long as the other end of its standard input does. One serves all
 * connections of this process; it ends with the last of them.
 */
class EmbeddedDaemon {
  readonly socket: Promise<string>
  readonly #child: ChildProcess
  readonly #directory: string
  readonly #exited: Promise<void>
  users = 0

  constructor(gone: () => void) {
    const runtime = findRuntime()
    this.#directory = mkdtempSync(join(tmpdir(), 'glovebox-'))
    const options = { socket: join(this.#directory, 'd.sock'), logLevel: 'error' }
    this.#child = spawn(runtime, [...FLAGS, DAEMON_FILE, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#exited = new Promise((resolve) => {
      const ended = (): void => {
        rmSync(this.#directory, { recursive: true, force: true })
        gone()
        resolve()
      }
      this.#child.once('exit', ended)
      this.#child.once('error', ended)
    })
    // Its end breaks the pipe under a write that nobody made.
    this.#child.stdin?.on('error', () => undefined)
    this.socket = this.#firstLine()
  }

  /** Idle, it does not keep this process alive; the control connection does while a call is under way. */
  #unref(): void {
    this.#child.unref()
    ;(this.#child.stdin as Socket | null)?.unref()
    ;(this.#child.stdout as Socket | null)?.unref()
  }

  async stop(): Promise<void> {
    this.#child.ref()
    this.#child.stdin?.end()
    await this.#exited
  }

  async #firstLine(): Promise<string> {
    const line = Promise.withResolvers<string>()
    const timer = setTimeout(
      () => line.reject(new ConnectionError('ERR_CONNECTION', `the embedded daemon did not start within ${START_TIMEOUT_MS} ms`)),
      START_TIMEOUT_MS,
    )
    let text = ''
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n') || text.length > MAX_LINE) line.resolve(text)
    })
    void this.#exited.then(() =>
      line.reject(new ConnectionError('ERR_CONNECTION', `the embedded daemon ended before it was ready${text === '' ? '' : `: ${text}`}`)),
    )
    try {
      return socketOf(await line.promise)
    } finally {
      clearTimeout(timer)
      this.#unref()
    }
  }
}

function socketOf(line: string): string {
  const said = JSON.parse(line) as { readonly socket?: unknown; readonly code?: unknown; readonly message?: unknown }
  if (typeof said.socket === 'string') return said.socket
  throw new ConnectionError(String(said.code), `the embedded daemon did not start: ${String(said.message)}`)
}

let shared: EmbeddedDaemon | undefined

export interface EmbeddedLease {
  readonly socket: string
  /** The last release ends the daemon. */
  release(): Promise<void>
}

/** The process's embedded daemon, started if there is none. */
export async function embeddedDaemon(): Promise<EmbeddedLease> {
  const daemon = (shared ??= start())
  daemon.users++
  const release = async (): Promise<void> => {
    daemon.users--
    if (daemon.users > 0) return
    if (shared === daemon) shared = undefined
    await daemon.stop()
  }
  try {
    return { socket: await daemon.socket, release }
  } catch (error) {
    await release()
    throw error
  }
}

function start(): EmbeddedDaemon {
  const daemon: EmbeddedDaemon = new EmbeddedDaemon(() => {
    if (shared === daemon) shared = undefined
  })
  return daemon
}
