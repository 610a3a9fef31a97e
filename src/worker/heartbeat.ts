import { monotonicOf } from '../base/clock.ts'
import { HEARTBEAT } from '../protocol/heartbeat.ts'

/**
 * Tells the daemon, without a system call, what this worker is doing: a page of memory that both share. The daemon reads it to end a run which native
 * code keeps from ending (a worker in a long built-in answers no ping). HOSTILE at the reader: a guest that owns this process writes what it likes there,
 * so the daemon bounds what it believes.
 */
export class Heartbeat {
  readonly #page: Float64Array

  constructor(page: Float64Array) {
    this.#page = page
  }

  /** The run that is served from now on, for the daemon's interrupt. 0, 0 is none. */
  serve(channel: number, run: number): void {
    this.#page[HEARTBEAT.channel] = channel
    this.#page[HEARTBEAT.run] = run
  }

  /** @param deadlineMs of `performance.now()` */
  enter(deadlineMs: number): void {
    this.#page[HEARTBEAT.deadlineMs] = monotonicOf(deadlineMs)
  }

  leave(): void {
    this.#page[HEARTBEAT.deadlineMs] = 0
  }
}
