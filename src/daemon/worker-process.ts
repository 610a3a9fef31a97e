import { closeSync, readSync, rmSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { errorMessage } from '../base/error.ts'
import { FrameSplitter } from '../protocol/framing.ts'
import type { Attestation } from '../protocol/attestation.ts'
import { ANY_RUN, HEARTBEAT, HEARTBEAT_USED_BYTES, PAUSE } from '../protocol/heartbeat.ts'
import { MAX_WORKER_CONTROL_FRAME_BYTES, MAX_WORKER_MESSAGES_PER_SECOND, MAX_WORKER_STDERR_PER_SECOND } from '../protocol/limits.ts'
import type { DeathCause, Report } from '../protocol/report.ts'
import { type DaemonToWorker, daemonToWorker, type WorkerToDaemon, workerToDaemon } from '../protocol/worker-link.ts'
import { RateCap } from './rate-cap.ts'
import type { Guardian } from './guardian.ts'
import { rehearse } from './rehearsal.ts'
import { ContextCount } from './context-count.ts'
import { CpuShare } from './cpu-share.ts'
import { causeOfDeath } from './death-cause.ts'
import { LastWords } from './last-words.ts'
import { machineOomKills } from './machine-oom-kills.ts'
import { makeNice } from './niceness.ts'
import { type ProcessUsage, readDataBytes, readProcessUsage } from './process-usage.ts'
import type { WorkerCgroup } from './cgroup.ts'
import { type Confinement, shortfall } from './confinement.ts'
import { type LaunchedWorker, launchWorker, type LaunchSettings } from './worker-launch.ts'
import type { WorkerKind } from './worker-kind.ts'
import { nextWorkerState, type WorkerEvent, type WorkerState } from './worker-state.ts'

/** Bytes that may wait in the control pipe of a worker which does not read. More means that it is stuck: it is ended. */
const MAX_UNREAD_COMMAND_BYTES = 256 * 1024

/** Semi-spaces, compilers and the runtime itself. */
const COLLECTOR_BYTES = 128 * 1024 * 1024

/** A start that takes longer has failed, in milliseconds. It takes about 50 for a worker, and some 200 for a compiler. */
const BOOT_TIMEOUT_MS = 20_000

/** How long a worker that closed its control pipe may take to exit, in milliseconds. */
const EXIT_WAIT_MS = 500

/** What a worker says once it serves. */
export type WorkerNews = Exclude<WorkerToDaemon, { type: 'started' | 'booted' | 'ready' }>

export interface WorkerSettings extends LaunchSettings {
  readonly confinement: Confinement
  readonly guardian?: Guardian | undefined
  /** A process that has been started for this already. */
  readonly launched?: (number: number, settings: WorkerSettings) => LaunchedWorker | undefined
}

/** How soon a worker that was to be interrupted, and was not computing just then, is looked at again, in milliseconds: at first, and at last. */
const FIRST_LOOK_AGAIN_MS = 1
const LAST_LOOK_AGAIN_MS = 50
/** Runs that are looked for again at a time. Only one is served at a time: a run that is not among them ends at its deadline. */
const MAX_LOOKS_AGAIN = 64

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
  readonly contextCount = new ContextCount()
  /** Functions that its guests and their clients hold of each other. */
  handles = 0
  runs = 0
  /** Runs without an answer, by its own account. */
  waitingRuns = 0
  readonly #cpuShare = new CpuShare()
  /** It takes no more leases, and ends when its last channel closes. */
  isDraining = false
  #state: WorkerState = { type: 'booting' }
  readonly #launched: LaunchedWorker
  readonly #confinement: Confinement
  readonly #memoryBytes: number
  readonly #jit: boolean
  #owner: object | undefined
  readonly #niceness: number
  readonly #cgroup: WorkerCgroup | undefined
  #attestation: Attestation | undefined
  readonly #words: LastWords
  readonly #startedMs = performance.now()
  readonly #messages = new RateCap(MAX_WORKER_MESSAGES_PER_SECOND)
  readonly #unwatch: (() => void) | undefined
  readonly #bootTimer: NodeJS.Timeout
  #tenant: string | undefined
  #retired = false
  #booted = false
  #rehearses = false
  /** It was to rehearse, has not answered, and is nobody's. */
  #untried = false
  #usage: ProcessUsage = { cpuMs: 0, rssBytes: 0, peakRssBytes: 0 }
  #isPaused = false
  #limitReached: Pick<Report, 'limit' | 'configured' | 'observed'> | undefined
  readonly #pageBytes = new ArrayBuffer(HEARTBEAT_USED_BYTES)
  #interrupts = 0
  readonly #looksAgain = new Set<string>()
  /** The channel that was given up last. */
  #dropped: number | undefined
  readonly #oomKillsBefore = machineOomKills()
  readonly #onMessage: (message: WorkerNews) => void
  readonly #onReady: () => void

  constructor(
    number: number,
    settings: WorkerSettings,
    on: { readonly ready: () => void; readonly message: (message: WorkerNews) => void },
  ) {
    this.number = number
    this.#onReady = on.ready
    this.#onMessage = on.message
    this.#confinement = settings.confinement
    this.#memoryBytes = settings.memoryBytes
    this.#jit = settings.jit ?? true
    this.#niceness = settings.program.niceness
    // First: if no group can be made, there must be no process yet that nobody would own.
    this.#cgroup = settings.confinement.cgroups?.create(number, memoryLimit(settings.memoryBytes), settings.program.cpuWeight)
    try {
      this.#launched = settings.launched?.(number, settings) ?? launchWorker(number, settings)
    } catch (error) {
      this.#cgroup?.remove()
      throw error
    }
    // Before it can have started anything; what stands between is moved again when it has booted.
    if (this.#launched.child.pid !== undefined) this.#cgroup?.add(this.#launched.child.pid)
    this.socketPath = this.#launched.socketPath
    this.#words = new LastWords(this.#launched.stderr, MAX_WORKER_STDERR_PER_SECOND, () => this.kill('protocol', 'floods standard error'))
    const group = this.#launched.child.pid
    this.#unwatch = group === undefined ? undefined : settings.guardian?.watch(group)
    this.#bootTimer = setTimeout(() => this.kill('boot', `did not boot within ${BOOT_TIMEOUT_MS} ms`), BOOT_TIMEOUT_MS)
    this.death = this.#watchDeath()
    this.#listen()
  }

  /** Whom it serves is known when it is bound. */
  get kind(): WorkerKind {
    return { memoryBytes: this.#memoryBytes, jit: this.#jit, owner: this.#owner }
  }

  get state(): WorkerState {
    return this.#state
  }

  /** What it is for who asks for the status: a spare that rehearses is not ready yet, but for a lease that comes. */
  get shownState(): WorkerState['type'] {
    return this.#state.type === 'spare' && this.#rehearses ? 'booting' : this.#state.type
  }

  /** Contexts that it has, or is about to have. */
  get contexts(): number {
    return this.contextCount.at(performance.now())
  }

  /** Whose it is, or was when it died. */
  get tenant(): string | undefined {
    return this.#tenant
  }

  get pid(): number | undefined {
    return this.#launched.pid()
  }

  get alive(): boolean {
    return this.#state.type !== 'ending' && this.#state.type !== 'dead'
  }

  /** `owner` is the connection whose it is alone, if it is. */
  bind(tenant: string, dedicated: boolean, owner?: object): void {
    this.#tenant = tenant
    this.#owner = owner
    this.#untried = false
    this.#apply({ type: 'bind', tenant, dedicated })
    // So that the report of an early death has figures. After whoever waits for this worker has its answer.
    setImmediate(() => this.sampleUsage())
  }

  /** Has it serve once while it is nobody's. Whether it has, or somebody has it now. */
  async rehearse(): Promise<boolean> {
    this.#rehearses = true
    this.#untried = true
    if (await rehearse(this)) this.#untried = false
    this.#rehearses = false
    return !this.#untried
  }

  /** Processor time that it has used, in milliseconds, as it was sampled last. Its start counts, too: whoever uses up processes pays for them. */
  get cpuMs(): number {
    return this.#usage.cpuMs
  }

  /** How much of a core it has had lately. */
  get cpuShare(): number {
    return this.#cpuShare.value
  }

  /** Its resident memory, without pages of files, in bytes, as it was sampled last. */
  get rssBytes(): number {
    return this.#usage.rssBytes
  }

  /** Has the worker end what runs, and begin nothing before a time (CLOCK_MONOTONIC milliseconds; 0: now), because its tenant has used up `configured` seconds of processor time in a minute. */
  pause(untilMs: number, configured: number, observed: number): void {
    if (!this.alive) return
    writeSync(
      this.#launched.page,
      Float64Array.of(untilMs, configured, observed),
      0,
      undefined,
      PAUSE.until * Float64Array.BYTES_PER_ELEMENT,
    )
    const wasPaused = this.#isPaused
    this.#isPaused = untilMs > 0
    if (!this.#isPaused) return
    if (!wasPaused) this.send({ type: 'pause' })
    const { deadlineMs, channel, run } = this.readHeartbeat()
    if (deadlineMs !== 0 && run !== 0) this.interrupt(channel, run)
  }

  send(message: DaemonToWorker): void {
    if (!this.alive) return
    this.#launched.control.write(daemonToWorker.encode(message))
    if (this.#launched.control.writableLength > MAX_UNREAD_COMMAND_BYTES) this.kill('protocol', 'does not read its commands')
  }

  /**
   * Sends SIGINT if the worker computes a run of this channel (this one, if it is named). Which run that is is the worker's own claim: it can only interrupt its own tenant's. The worker
   * is told that this looks, and then that it sent: so it can keep a signal that comes when the run is over from the next run. While the worker's own code answers a run, or waits for its
   * client, there is nothing to interrupt: then it is looked at again, and the worker is told what is not wanted any more.
   */
  interrupt(channel: number, run?: number, againMs = FIRST_LOOK_AGAIN_MS): void {
    if (!this.alive) return
    if (run === undefined) this.#dropped = channel
    this.#writeWord(HEARTBEAT.unwantedRun, run ?? ANY_RUN)
    this.#writeWord(HEARTBEAT.unwantedChannel, channel)
    this.#writeWord(HEARTBEAT.interrupting, 1)
    const beat = this.readHeartbeat()
    if (beat.deadlineMs !== 0 && beat.run !== 0 && beat.channel === channel && (run === undefined || beat.run === run)) {
      this.#writeWord(HEARTBEAT.interrupts, ++this.#interrupts)
      this.#launched.interrupt()
    }
    this.#writeWord(HEARTBEAT.interrupting, 0)
    // Its own code answers the run, or it is about to enter the run, having looked for what is not wanted before this was written.
    const isOnTheVerge = beat.deadlineMs === 0 && beat.run !== 0 && (run === undefined || beat.run === run)
    if (beat.channel === channel && (isOnTheVerge || (beat.deadlineMs !== 0 && beat.run === 0))) this.#lookAgain(channel, run, againMs)
  }

  /** A client may ask for any number of interrupts, and a worker may claim for long that it is at this channel: each run is waited for once, and not too many are. */
  #lookAgain(channel: number, run: number | undefined, againMs: number): void {
    const what = `${channel} ${run}`
    if (this.#looksAgain.has(what) || this.#looksAgain.size >= MAX_LOOKS_AGAIN) return
    this.#looksAgain.add(what)
    setTimeout(() => {
      this.#looksAgain.delete(what)
      // The whole channel is not wanted any more: that must stay written.
      if (run !== undefined && this.#dropped === channel) return
      this.interrupt(channel, run, Math.min(2 * againMs, LAST_LOOK_AGAIN_MS))
    }, againMs).unref()
  }

  #writeWord(index: number, value: number): void {
    writeSync(this.#launched.page, new Int32Array([value]), 0, Int32Array.BYTES_PER_ELEMENT, index * Int32Array.BYTES_PER_ELEMENT)
  }

  /** Whether it was ended because nobody needs it any more. */
  get endedAsPlanned(): boolean {
    return this.#retired
  }

  /** Ends a worker that nobody needs any more. */
  retire(reason: string): void {
    this.#retired = this.alive
    this.kill('retired', reason)
  }

  /** `limit` is what a cause speaks of that does not say it by itself. */
  kill(cause: DeathCause, reason: string, limit?: Pick<Report, 'limit' | 'configured' | 'observed'>): void {
    if (!this.#apply({ type: 'kill', cause, reason })) return
    this.#limitReached = limit
    this.sampleUsage()
    this.#launched.kill()
  }

  readHeartbeat(): HeartbeatReading {
    const bytes = new Uint8Array(this.#pageBytes)
    readSync(this.#launched.page, bytes, 0, bytes.length, 0)
    const words = new Uint32Array(this.#pageBytes)
    return {
      deadlineMs: new Float64Array(this.#pageBytes, 0, 1)[0] as number,
      channel: words[HEARTBEAT.channel] as number,
      run: words[HEARTBEAT.run] as number,
    }
  }

  /** Reads what the kernel knows of the process. Once it is dead that is gone, so reports use the last sample. */
  sampleUsage(): ProcessUsage {
    if (this.pid !== undefined) this.#usage = readProcessUsage(this.pid) ?? this.#usage
    this.#cpuShare.sampled(this.#usage.cpuMs, performance.now())
    return this.#usage
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#retired = this.alive
    this.kill('shutdown', 'the daemon stops')
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
      if (this.#messages.exceeded(1)) {
        this.kill('protocol', 'floods its control pipe')
        return
      }
      const message = workerToDaemon.decode(bytes, start, end)
      if (message.type === 'booted') this.#confine()
      else if (message.type === 'ready') this.#attested(message.bootMs, message.attestation)
      else if (message.type !== 'started') this.#onMessage(message)
    })
    this.#launched.control.on('data', (chunk: Buffer) => {
      if (!this.alive) return
      try {
        splitter.push(chunk)
      } catch (error) {
        this.kill('protocol', `broke the protocol: ${errorMessage(error)}`)
      }
    })
    // Its exit says more.
    this.#launched.control.on('error', () => undefined)
    // Usually it is exiting, and how it exits says more.
    this.#launched.control.on('end', () => {
      setTimeout(() => this.kill('protocol', 'closed its control pipe'), EXIT_WAIT_MS).unref()
    })
  }

  /** Its memory is as large as a worker's is before any guest: what it may have more is the guests' budget. */
  #confine(): void {
    const { lockDown, dropPermissions } = this.#confinement
    const { pid } = this
    if (pid !== undefined) this.#cgroup?.add(pid)
    if (pid !== undefined && this.#niceness > 0) makeNice(pid, this.#niceness)
    const dataBytes = pid === undefined ? 0 : (readDataBytes(pid) ?? 0)
    const namespaces = this.#launched.sandboxed
    this.send({
      type: 'confine',
      lockDown,
      dropPermissions,
      namespaces,
      dataBytes: dataBytes === 0 ? 0 : dataBytes + memoryLimit(this.#memoryBytes),
    })
  }

  #attested(bootMs: number, attestation: Attestation): void {
    if (this.#state.type !== 'booting') {
      this.kill('protocol', 'broke the protocol: a second ready')
      return
    }
    const witnessed = this.#withCgroup(attestation)
    const missing = shortfall(this.#confinement.required, witnessed)
    if (missing !== undefined) {
      this.kill('boot', `is not confined as required: ${missing}`)
      return
    }
    this.#attestation = witnessed
    this.#apply({ type: 'ready', bootMs })
    this.#booted = true
    clearTimeout(this.#bootTimer)
    this.#onReady()
  }

  /** The kernel says in which cgroup a process is: no worker is asked. */
  #withCgroup(attestation: Attestation): Attestation {
    const { pid } = this
    if (this.#cgroup === undefined || pid === undefined) return attestation
    const held = this.#cgroup.holds(pid)
    const detail = held ? 'memory.max, pids.max, cpu.weight' : 'is not in its cgroup'
    return { ...attestation, layers: [...attestation.layers.filter(({ layer }) => layer !== 'L5'), { layer: 'L5', held, detail }] }
  }

  /** What it found when it attacked itself. */
  get attestation(): Attestation | undefined {
    return this.#attestation
  }

  async #watchDeath(): Promise<Report> {
    const { promise, resolve } = Promise.withResolvers<Report>()
    let spawnError: Error | undefined
    this.#launched.child.on('error', (error) => {
      spawnError = error
      if (this.#launched.child.pid === undefined) resolve(this.#record(null, null, `could not be started: ${error.message}`))
    })
    // 'close' comes after 'exit', when its last words are read.
    this.#launched.child.on('close', (exitCode, signal) => resolve(this.#record(exitCode, signal, spawnError?.message)))
    return promise
  }

  #record(exitCode: number | null, signal: string | null, failure: string | undefined): Report {
    clearTimeout(this.#bootTimer)
    this.#unwatch?.()
    const atWork = this.readHeartbeat()
    closeSync(this.#launched.page)
    rmSync(this.socketPath, { force: true })
    const witness = this.#cgroup?.witness()
    this.#usage = { ...this.#usage, cpuMs: Math.max(this.#usage.cpuMs, witness?.cpuMs ?? 0) }
    const { cpuMs, peakRssBytes } = this.#usage
    this.#cgroup?.remove()
    const ending = this.#state.type === 'ending' ? this.#state : undefined
    const end = endOf(exitCode, signal, this.#launched.sandboxed)
    const stderr = this.#words.line()
    const cause = causeOfDeath({
      endedFor: ending?.cause ?? (failure === undefined ? undefined : 'boot'),
      signal: end.signal,
      lastWords: stderr,
      oomKills: { inCgroup: witness?.oomKills ?? 0, onMachine: machineOomKills() - this.#oomKillsBefore },
    })
    const peakBytes = Math.max(peakRssBytes, witness?.peakBytes ?? 0)
    const hasServed = this.#booted && !this.#untried
    const isAtWork = hasServed && atWork.run !== 0
    const report: Report = {
      phase: hasServed ? 'run' : 'boot',
      worker: this.number,
      ...end,
      cpuMs,
      wallMs: performance.now() - this.#startedMs,
      peakRssBytes: peakBytes,
      ...(this.#limitReached ?? limitReached(cause, this.#memoryBytes, peakBytes)),
      stderr,
      reason: ending?.reason ?? failure,
      cause,
      channel: isAtWork ? atWork.channel : undefined,
      run: isAtWork ? atWork.run : undefined,
    }
    this.#apply({ type: 'exited', report })
    return report
  }
}

/** What a worker may take besides what it has when it boots, in bytes: its heap, as much again outside the heap, and what V8 needs to collect garbage. */
export function memoryLimit(memoryBytes: number): number {
  return 2 * memoryBytes + COLLECTOR_BYTES
}

/** The limit that a death speaks of. */
function limitReached(cause: DeathCause, memoryBytes: number, peakBytes: number): Pick<Report, 'limit' | 'configured' | 'observed'> {
  switch (cause) {
    case 'heap':
      return { limit: 'memory', configured: memoryBytes, observed: peakBytes }
    case 'off-heap':
    case 'oom-kill':
      return { limit: 'memory', configured: memoryLimit(memoryBytes), observed: peakBytes }
    case 'unresponsive':
      return { limit: 'timeout' }
    default:
      return {}
  }
}

/** Bubblewrap exits with 128 and the number of the signal that ended what it ran. */
function endOf(
  exitCode: number | null,
  signal: string | null,
  sandboxed: boolean,
): { readonly exitCode?: number; readonly signal?: string } {
  if (signal !== null) return { signal }
  if (exitCode === null) return {}
  const name =
    sandboxed && exitCode > 128 ? Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0] : undefined
  return name === undefined ? { exitCode } : { signal: name }
}
