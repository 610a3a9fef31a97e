import { GRACE_MS } from '../protocol/limits.ts'
import { TimeoutError } from './errors.ts'

/** How long a worker may be silent beyond the longest deadline of its pending calls before they are given up, in milliseconds. Runs of other clients may be ahead in its queue. */
const SILENCE_MS = 5_000
const LOOK_MS = 250

/**
 * Whether a worker that has calls to answer answers any. It ends runs at their deadline, and the daemon ends workers that do not; should a hostile worker deceive the daemon, calls are
 * settled all the same.
 */
export class Silence {
  readonly #worker: number
  readonly #ended: (cause: TimeoutError) => void
  /** The longest deadline among the calls since there were none last, and when the worker last answered one. */
  #longestMs = 0
  #progressMs = 0
  #isAwaited = false
  #look: NodeJS.Timeout | undefined

  /** `ended` is called when the worker was silent for too long. */
  constructor(worker: number, ended: (cause: TimeoutError) => void) {
    this.#worker = worker
    this.#ended = ended
  }

  /** The longest deadline of the calls that wait, in milliseconds. */
  get longestMs(): number {
    return this.#longestMs
  }

  /** A call leaves, with a deadline in so many milliseconds. */
  called(timeoutMs: number): void {
    if (!this.#isAwaited) {
      this.#isAwaited = true
      this.#longestMs = 0
      this.#progressMs = performance.now()
      this.#look ??= setInterval(() => this.#check(), LOOK_MS).unref()
    }
    this.#longestMs = Math.max(this.#longestMs, timeoutMs)
  }

  /** The worker answered, and `pending` calls are left. */
  answered(pending: number): void {
    this.#progressMs = performance.now()
    this.#isAwaited = pending > 0
  }

  stop(): void {
    clearInterval(this.#look)
  }

  #check(): void {
    const silentMs = performance.now() - this.#progressMs
    if (!this.#isAwaited || silentMs < this.#longestMs + GRACE_MS + SILENCE_MS) return
    this.#isAwaited = false
    const report = {
      phase: 'queued' as const,
      worker: this.#worker,
      cpuMs: 0,
      wallMs: silentMs,
      peakRssBytes: 0,
      limit: 'timeout',
      configured: this.#longestMs,
      observed: silentMs,
    }
    this.#ended(new TimeoutError('ERR_TIMEOUT', `worker ${this.#worker} answered nothing for ${Math.round(silentMs)} ms`, report))
  }
}
