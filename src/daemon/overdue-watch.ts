import { monotonicMs } from '../base/clock.ts'
import { GRACE_MS, TIMEOUT_MS } from '../protocol/limits.ts'
import type { WorkerProcess } from './worker-process.ts'

/** How often workers are looked at, in milliseconds. One read of a shared page each. */
const LOOK_MS = 50
/** How often a worker must answer a ping, in looks. */
const PING_EVERY = 20
/** A worker that runs no guest code and answers nothing for this long is stuck, in milliseconds. Compiling the largest source takes seconds. */
const SILENCE_MS = 30_000
/** A worker that has nothing to do answers a ping sooner than this, in milliseconds. */
const ANSWER_MS = 250

/**
 * Ends workers that a guest keeps from ending a run in time: native code that no signal interrupts, or a guest that owns its worker and ignores them. Relies on nothing that
 * a client says; of what a worker says, only what makes its own end come sooner.
 */
export class OverdueWatch implements Disposable {
  readonly #workers: () => Iterable<WorkerProcess>
  readonly #timer: NodeJS.Timeout
  readonly #heard = new WeakMap<WorkerProcess, { sentMs: number; answered: boolean }>()
  #looks = 0

  constructor(workers: () => Iterable<WorkerProcess>) {
    this.#workers = workers
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
  }

  pong(worker: WorkerProcess): void {
    const heard = this.#heard.get(worker)
    if (heard !== undefined) heard.answered = true
  }

  /** For how long it may answer nobody before it is ended for that, in milliseconds, rounded up; 0 for one that answers. */
  silentForMs(worker: WorkerProcess): number {
    const now = monotonicMs()
    const { deadlineMs } = worker.readHeartbeat()
    const heard = this.#heard.get(worker)
    const isSilent = heard !== undefined && !heard.answered && now - heard.sentMs > ANSWER_MS
    const untilMs = deadlineMs !== 0 ? deadlineMs + GRACE_MS : isSilent ? heard.sentMs + SILENCE_MS : 0
    // By the worker's own account, which may be any number.
    return untilMs > now ? Math.ceil(Math.min(untilMs - now, TIMEOUT_MS.max + GRACE_MS)) : 0
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    this.#looks++
    const now = monotonicMs()
    for (const worker of this.#workers()) {
      if (worker.state.type !== 'bound') continue
      const { deadlineMs } = worker.readHeartbeat()
      // NaN is nobody's deadline.
      if (!(deadlineMs <= now + TIMEOUT_MS.max)) worker.kill('protocol', 'claims an impossible deadline')
      else if (deadlineMs !== 0 && now > deadlineMs + GRACE_MS)
        worker.kill('unresponsive', `did not end a run within ${GRACE_MS} ms after its deadline: stuck in native code`)
      else this.#ping(worker, now, deadlineMs !== 0)
    }
  }

  #ping(worker: WorkerProcess, now: number, running: boolean): void {
    const heard = this.#heard.get(worker)
    if (heard === undefined || heard.answered) {
      if (this.#looks % PING_EVERY !== 0) return
      this.#heard.set(worker, { sentMs: now, answered: false })
      worker.send({ type: 'ping', sequence: this.#looks % 0xffff_ffff })
    } else if (!running && now > heard.sentMs + SILENCE_MS) worker.kill('unresponsive', `did not answer for ${SILENCE_MS} ms`)
  }
}
