import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, readSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorMessage } from '../base/error.ts'
import { FrameSplitter } from '../protocol/framing.ts'
import { HEARTBEAT, HEARTBEAT_BYTES } from '../protocol/heartbeat.ts'
import { MAX_WORKER_CONTROL_FRAME_BYTES } from '../protocol/limits.ts'
import type { Report } from '../protocol/report.ts'
import { type DaemonToWorker, daemonToWorker, type WorkerToDaemon, workerToDaemon } from '../protocol/worker-link.ts'
import { LastWords } from './last-words.ts'
import { type ProcessUsage, readProcessUsage } from './process-usage.ts'
import { nextWorkerState, type WorkerEvent, type WorkerState } from './worker-state.ts'

const WORKER_FILE = fileURLToPath(new URL('../worker/worker.cjs', import.meta.url))

/** Bytes that may wait in the control pipe of a worker which does not read. More means that it is stuck: it is ended. */
const MAX_UNREAD_COMMAND_BYTES = 256 * 1024

/** How long a worker that closed its control pipe may take to exit, in milliseconds. */
const EXIT_WAIT_MS = 500

export interface WorkerSettings {
  readonly directory: string
  readonly memoryBytes: number
  /** For tests: another program in the place of the worker. */
  readonly workerFile?: string | undefined
}

/** What a worker is running, by its own account. HOSTILE: to be bounded by the reader. */
export interface HeartbeatReading {
  readonly deadlineMs: number
  readonly channel: number
  readonly run: number
}

/**
 * One confined child process: spawned, heard, killed, and its death recorded once. Disposing waits until the kernel has reaped it.
 */
export class WorkerProcess implements AsyncDisposable {
  readonly number: number
  readonly socketPath: string
  /** Resolves with the report once the process is gone; never rejects. */
  readonly death: Promise<Report>
  /** Channels that the daemon announced and that are not closed yet. */
  readonly channels = new Set<number>()
  /** Contexts that it reported last, and those promised since. */
  contexts = 0
  runs = 0
  #state: WorkerState = { type: 'booting' }
  readonly #child: ChildProcess
  readonly #control: Socket
  readonly #page: number
  readonly #words: LastWords
  readonly #startedMs = performance.now()
  #retired = false
  #booted = false
  #usage: ProcessUsage = { cpuMs: 0, peakRssBytes: 0 }
  readonly #pageBytes = new Float64Array(4)
  readonly #onMessage: (message: Exclude<WorkerToDaemon, { type: 'ready' }>) => void
  readonly #onReady: () => void

  constructor(
    number: number,
    settings: WorkerSettings,
    on: { readonly ready: () => void; readonly message: (message: Exclude<WorkerToDaemon, { type: 'ready' }>) => void },
  ) {
    this.number = number
    this.#onReady = on.ready
    this.#onMessage = on.message
    this.socketPath = join(settings.directory, `w${number}.sock`)
    this.#page = sharedPage(join(settings.directory, `w${number}.page`))
    const file = settings.workerFile ?? WORKER_FILE
    this.#child = spawn(process.execPath, [...workerFlags(settings, file), file, this.socketPath, String(process.pid)], {
      env: {},
      // A session of its own: Ctrl-C in the daemon's terminal must not interrupt guests.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', this.#page],
    })
    this.#control = this.#child.stdio[3] as Socket
    this.#words = new LastWords(this.#child.stderr as NonNullable<ChildProcess['stderr']>)
    this.death = this.#watchDeath()
    this.#listen()
  }

  get state(): WorkerState {
    return this.#state
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get alive(): boolean {
    return this.#state.type !== 'ending' && this.#state.type !== 'dead'
  }

  bind(tenant: string, dedicated: boolean): void {
    this.#apply({ type: 'bind', tenant, dedicated })
    // So that the report of an early death has figures.
    this.sampleUsage()
  }

  send(message: DaemonToWorker): void {
    if (!this.alive) return
    this.#control.write(daemonToWorker.encode(message))
    if (this.#control.writableLength > MAX_UNREAD_COMMAND_BYTES) this.kill('does not read its commands')
  }

  /** Interrupts the evaluate that runs now. */
  interrupt(): void {
    if (this.alive) this.#child.kill('SIGINT')
  }

  /** Whether it was ended because nobody needs it any more. */
  get endedAsPlanned(): boolean {
    return this.#retired
  }

  /** Ends a worker that nobody needs any more. */
  retire(reason: string): void {
    this.#retired = this.alive
    this.kill(reason)
  }

  kill(reason: string): void {
    if (!this.#apply({ type: 'kill', reason })) return
    this.sampleUsage()
    this.#child.kill('SIGKILL')
  }

  readHeartbeat(): HeartbeatReading {
    readSync(this.#page, this.#pageBytes, 0, this.#pageBytes.byteLength, 0)
    return {
      deadlineMs: this.#pageBytes[HEARTBEAT.deadlineMs] as number,
      channel: this.#pageBytes[HEARTBEAT.channel] as number,
      run: this.#pageBytes[HEARTBEAT.run] as number,
    }
  }

  /** Reads what the kernel knows of the process. Once it is dead that is gone, so reports use the last sample. */
  sampleUsage(): ProcessUsage {
    if (this.pid !== undefined) this.#usage = readProcessUsage(this.pid) ?? this.#usage
    return this.#usage
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.retire('the daemon stops')
    await this.death
  }

  #apply(event: WorkerEvent): boolean {
    const next = nextWorkerState(this.#state, event)
    if (next === undefined) return false
    this.#state = next
    return true
  }

  #listen(): void {
    const splitter = new FrameSplitter(MAX_WORKER_CONTROL_FRAME_BYTES, (bytes, start, end) => {
      const message = workerToDaemon.decode(bytes, start, end)
      if (message.type !== 'ready') this.#onMessage(message)
      else if (this.#apply({ type: 'ready', bootMs: message.bootMs })) {
        this.#booted = true
        this.#onReady()
      } else this.kill('broke the protocol: a second ready')
    })
    this.#control.on('data', (chunk: Buffer) => {
      if (!this.alive) return
      try {
        splitter.push(chunk)
      } catch (error) {
        this.kill(`broke the protocol: ${errorMessage(error)}`)
      }
    })
    // Its exit says more.
    this.#control.on('error', () => undefined)
    // Usually it is exiting, and how it exits says more.
    this.#control.on('end', () => {
      setTimeout(() => this.kill('closed its control pipe'), EXIT_WAIT_MS).unref()
    })
  }

  async #watchDeath(): Promise<Report> {
    const { promise, resolve } = Promise.withResolvers<Report>()
    let spawnError: Error | undefined
    this.#child.on('error', (error) => {
      spawnError = error
      if (this.#child.pid === undefined) resolve(this.#record(null, null, `could not be started: ${error.message}`))
    })
    // 'close' comes after 'exit', when its last words are read.
    this.#child.on('close', (exitCode, signal) => resolve(this.#record(exitCode, signal, spawnError?.message)))
    return promise
  }

  #record(exitCode: number | null, signal: string | null, failure: string | undefined): Report {
    closeSync(this.#page)
    rmSync(this.socketPath, { force: true })
    const { cpuMs, peakRssBytes } = this.#usage
    const report: Report = {
      phase: this.#booted ? 'run' : 'boot',
      worker: this.number,
      signal: signal ?? undefined,
      exitCode: exitCode ?? undefined,
      cpuMs,
      wallMs: performance.now() - this.#startedMs,
      peakRssBytes,
      stderr: this.#words.line(),
      reason: this.#state.type === 'ending' ? this.#state.reason : failure,
    }
    this.#apply({ type: 'exited', report })
    return report
  }
}

function workerFlags({ memoryBytes }: WorkerSettings, file: string): string[] {
  return [
    '--expose-internals',
    '--no-warnings',
    // SIGUSR1 would start the inspector.
    '--disable-sigusr1',
    '--permission',
    `--allow-fs-read=${file}`,
    '--allow-net',
    '--allow-ffi',
    `--max-old-space-size=${Math.floor(memoryBytes / 1024 / 1024)}`,
  ]
}

/** A file of one page without a name: the worker maps it, the daemon reads it. */
function sharedPage(path: string): number {
  const fd = openSync(path, 'w+', 0o600)
  rmSync(path)
  ftruncateSync(fd, HEARTBEAT_BYTES)
  return fd
}
