import { COMPILE_QUEUE } from '../protocol/limits.ts'

/** What waits for a thread. */
export interface Queued {
  /** UTF-16 code units. */
  readonly size: number
  /** Nothing else may run meanwhile. */
  readonly alone: boolean
}

/** Sources that wait for a thread: first come, first served, in bounds. */
export class CompileQueue<Job extends Queued> {
  readonly #waiting: Job[] = []
  readonly #running = new Set<Job>()
  readonly #threads: number
  #size = 0

  constructor(threads: number) {
    this.#threads = threads
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get running(): number {
    return this.#running.size
  }

  /** Whether there is room for it. */
  add(job: Job): boolean {
    if (this.#waiting.length >= COMPILE_QUEUE.max || this.#size + job.size > COMPILE_QUEUE.maxSource) return false
    this.#waiting.push(job)
    this.#size += job.size
    return true
  }

  /** Takes one out that has not started. */
  remove(job: Job): boolean {
    const index = this.#waiting.indexOf(job)
    if (index < 0) return false
    this.#waiting.splice(index, 1)
    this.#size -= job.size
    return true
  }

  /** The next that may start now, which then runs until {@link finished}. One that must run alone lets what runs end, and nobody overtakes it. */
  next(): Job | undefined {
    const [first] = this.#waiting
    if (first === undefined || this.#running.size >= this.#threads) return undefined
    if (this.#running.size > 0 && (first.alone || this.#runsAlone())) return undefined
    this.remove(first)
    this.#running.add(first)
    return first
  }

  finished(job: Job): void {
    this.#running.delete(job)
  }

  #runsAlone(): boolean {
    for (const { alone } of this.#running) if (alone) return true
    return false
  }
}
