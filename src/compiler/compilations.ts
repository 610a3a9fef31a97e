import { sourceHash } from '../base/source-hash.ts'
import { errorCode, errorMessage } from '../base/error.ts'
import type { ErrorCode } from '../protocol/error-codes.ts'
import { COMPILE_TIMEOUT_MS, MAX_SOURCE } from '../protocol/limits.ts'
import type { Compiled, CompileTask, Outcome, Threw } from './outcome.ts'
import { CompileQueue } from './queue.ts'
import { Results } from './results.ts'
import { THREADS } from './threads.ts'

/** How long what runs beside a source that cost a thread may take to end, in milliseconds. */
const RETIRE_MS = 1_000
/** What a client that finds the queue full is told to wait, in milliseconds, at least and at most. */
const RETRY_AFTER_MS = { min: 50, max: 10_000 } as const
/** Weight of the newest in the average time that a source takes. */
const NEWEST = 0.1

/** Where the answers to one request go. `started`, if it gets so far, and then one of the others. */
export interface Answer {
  started(): void
  compiled(hash: Uint8Array, compiled: Compiled): void
  threw(threw: Threw): void
  failed(code: ErrorCode, message: string, wallMs: number, retryAfterMs?: number): void
}

/** One request, from the queue to its answer. */
export interface Job {
  readonly task: CompileTask
  readonly hash: Buffer
  readonly size: number
  readonly alone: boolean
  readonly answer: Answer
  readonly askedMs: number
}

/** Who does the work. */
export interface CompileThreads {
  /** Aborting ends the thread. Rejects if the thread is lost. */
  compile(task: CompileTask, signal: AbortSignal): Promise<Outcome>
}

/** What clients ask for, answered from what is known already or by the threads. */
export class Compilations {
  readonly #threads: CompileThreads
  readonly #retire: () => void
  readonly #queue = new CompileQueue<Job>(THREADS)
  readonly #results = new Results()
  #averageMs = 0
  /** Set when this process must be replaced, for what still runs to end. */
  #retirement: NodeJS.Timeout | undefined
  /** Requests so far. */
  total = 0

  /** @param retire called when this process has answered what it can and should be replaced */
  constructor(threads: CompileThreads, retire: () => void) {
    this.#threads = threads
    this.#retire = retire
  }

  /** Requests that wait or are worked on. */
  get unanswered(): number {
    return this.#queue.waiting + this.#queue.running
  }

  /** Answers at once if it can; otherwise returns what {@link withdraw} takes back. */
  submit(task: CompileTask, alone: boolean, answer: Answer): Job | undefined {
    this.total++
    const size = task.source.length
    if (size > MAX_SOURCE.default) {
      answer.failed('ERR_SOURCE_LIMIT', `the source has ${size} characters, over the limit of ${MAX_SOURCE.default}`, 0)
      return undefined
    }
    const job: Job = { task, hash: sourceHash(task), size, alone, answer, askedMs: performance.now() }
    if (this.#answerFromKnown(job)) return undefined
    if (!this.#queue.add(job)) {
      answer.failed('ERR_OVERLOADED', `${this.#queue.waiting} sources wait to be compiled already`, 0, this.#retryAfterMs())
      return undefined
    }
    this.#startNext()
    return job
  }

  /** Nobody waits for it any more. What has started goes on: others may ask for the same. */
  withdraw(job: Job): boolean {
    return this.#queue.remove(job)
  }

  /** A thread is gone, or of no use: this process must be replaced, since it cannot make another. Takes up nothing more. */
  threadLost(): void {
    this.#retirement ??= setTimeout(this.#retire, this.#queue.running === 0 ? 0 : RETIRE_MS)
  }

  #startNext(): void {
    while (this.#retirement === undefined) {
      const job = this.#queue.next()
      if (job === undefined) return
      if (this.#answerFromKnown(job)) this.#queue.finished(job)
      else void this.#run(job)
    }
  }

  async #run(job: Job): Promise<void> {
    const startedMs = performance.now()
    job.answer.started()
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), COMPILE_TIMEOUT_MS)
    try {
      await this.#compile(job, deadline.signal)
    } catch (error) {
      this.#fail(job, error, deadline.signal.aborted)
    }
    clearTimeout(timer)
    this.#averageMs += NEWEST * (performance.now() - startedMs - this.#averageMs)
    this.#queue.finished(job)
    this.#startNext()
    if (this.#retirement === undefined || this.#queue.running > 0) return
    clearTimeout(this.#retirement)
    this.#retire()
  }

  async #compile(job: Job, deadline: AbortSignal): Promise<void> {
    const outcome = await this.#threads.compile(job.task, deadline)
    switch (outcome.type) {
      case 'compiled':
        this.#results.keep(job.hash, job.task.cache, outcome)
        job.answer.compiled(job.hash, outcome)
        return
      case 'threw':
        job.answer.threw(outcome)
        if (outcome.threadLost) this.threadLost()
        return
      case 'failed':
        job.answer.failed(outcome.code, outcome.message, performance.now() - job.askedMs)
        return
      default:
        outcome satisfies never
    }
  }

  /** The thread did not live to answer. */
  #fail(job: Job, error: unknown, late: boolean): void {
    const wallMs = performance.now() - job.askedMs
    if (late) job.answer.failed('ERR_TIMEOUT', `the source was not compiled within ${COMPILE_TIMEOUT_MS} ms`, wallMs)
    else if (errorCode(error) === 'ERR_WORKER_OUT_OF_MEMORY')
      job.answer.failed('ERR_COMPILER_CRASHED', 'the source exhausts the memory of its compiler', wallMs)
    else job.answer.failed('ERR_COMPILER_CRASHED', `the compiler failed: ${errorMessage(error)}`, wallMs)
    this.threadLost()
  }

  #answerFromKnown({ hash, task, answer }: Job): boolean {
    const known = this.#results.get(hash, task.cache)
    if (known === undefined) return false
    answer.compiled(hash, known)
    return true
  }

  #retryAfterMs(): number {
    const estimateMs = (this.#averageMs * this.unanswered) / THREADS
    return Math.round(Math.min(Math.max(estimateMs, RETRY_AFTER_MS.min), RETRY_AFTER_MS.max))
  }
}
