import { monotonicOf } from '../base/clock.ts'
import { ANY_RUN, HEARTBEAT } from '../protocol/heartbeat.ts'

/** How long the daemon may take to make up its mind about an interrupt, in milliseconds: it takes microseconds, unless it is not given a processor. */
const DECISION_MS = 1_000

/**
 * Tells the daemon, without a system call, what this worker is doing: a page of memory that both share. The daemon reads it to end a run which native
 * code keeps from ending (a worker in a long built-in answers no ping). HOSTILE at the reader: a guest that owns this process writes what it likes there,
 * so the daemon bounds what it believes.
 */
export class Heartbeat {
  readonly #deadline: Float64Array
  readonly #words: Int32Array
  /** Interrupts of the daemon's that have been dealt with. */
  #seen = 0
  #run = 0
  #channel = 0

  constructor(page: ArrayBuffer) {
    this.#deadline = new Float64Array(page, 0, 1)
    this.#words = new Int32Array(page)
  }

  /** The run that is served from now on, for the daemon's interrupt. */
  serve(channel: number, run: number): void {
    this.#words[HEARTBEAT.channel] = channel
    this.#words[HEARTBEAT.run] = run
    this.#run = run
    this.#channel = channel
  }

  /** Whether the daemon wants the run at work to end: a guest that asks one thing after the other is rarely met in its own code, where a signal would end it. */
  get isUnwanted(): boolean {
    // What the worker does for nobody, whose number the page begins with.
    if (this.#channel === 0) return false
    // Words are signed, numbers of runs are not.
    if (this.#words[HEARTBEAT.unwantedChannel] !== (this.#channel | 0)) return false
    const run = this.#words[HEARTBEAT.unwantedRun]
    return run === (this.#run | 0) || run === ANY_RUN
  }

  /** Whether the daemon may interrupt a run. */
  get isServing(): boolean {
    return this.#words[HEARTBEAT.run] !== 0
  }

  /** After {@link Heartbeat.rest}: the same run goes on. */
  goOn(): void {
    this.#words[HEARTBEAT.run] = this.#run
  }

  /**
   * The run is over. From here on the daemon sends no SIGINT for it; whether it has sent one that may still be on its way is what this returns.
   * The store and the load must not change places, nor the daemon's: it says that it is about to look, and then looks which run is served.
   */
  rest(): boolean {
    Atomics.store(this.#words, HEARTBEAT.run, 0)
    if (Atomics.load(this.#words, HEARTBEAT.interrupting) !== 0) this.#awaitDecision()
    const interrupts = Atomics.load(this.#words, HEARTBEAT.interrupts)
    if (interrupts === this.#seen) return false
    this.#seen = interrupts
    return true
  }

  /** @param deadlineMs of `performance.now()` */
  enter(deadlineMs: number): void {
    this.#deadline[0] = monotonicOf(deadlineMs)
  }

  leave(): void {
    this.#deadline[0] = 0
  }

  #awaitDecision(): void {
    const until = performance.now() + DECISION_MS
    while (Atomics.load(this.#words, HEARTBEAT.interrupting) !== 0 && performance.now() < until);
  }
}
