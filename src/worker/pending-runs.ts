import type { ChannelContext } from './channel-context.ts'

/** A run that waits for its promise. */
export interface PendingRun {
  readonly run: number
  readonly context: ChannelContext
  /** In milliseconds of `performance.now()`. */
  readonly startedMs: number
  readonly deadlineMs: number
  /** Time that it computed so far, in milliseconds. */
  readonly busyMs: number
}

/** First wait before a context with pending runs is drained, in milliseconds, and the longest. */
const FIRST_DRAIN_MS = 1
const SLOWEST_DRAIN_MS = 32

/**
 * The runs of a worker that wait. Enforces their deadlines from the event loop, and drains their contexts with a growing back-off: promises that V8 settles by itself (WebAssembly compilation, `Atomics.waitAsync`)
 * continue only in a later evaluate.
 */
export class PendingRuns {
  readonly #runs = new Set<PendingRun>()
  readonly #drain: (context: ChannelContext, deadlineMs: number) => void
  readonly #expire: (run: PendingRun) => void
  #timer: NodeJS.Timeout | undefined
  #backOffMs = FIRST_DRAIN_MS

  constructor(on: { readonly drain: (context: ChannelContext, deadlineMs: number) => void; readonly expire: (run: PendingRun) => void }) {
    this.#drain = on.drain
    this.#expire = on.expire
  }

  add(run: PendingRun): void {
    this.#runs.add(run)
    this.#backOffMs = FIRST_DRAIN_MS
    clearTimeout(this.#timer)
    this.#schedule()
  }

  remove(run: PendingRun): void {
    this.#runs.delete(run)
    if (this.#runs.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #schedule(): void {
    let nearestMs = Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.#runs) nearestMs = Math.min(nearestMs, deadlineMs)
    const waitMs = Math.max(1, Math.min(this.#backOffMs, nearestMs - performance.now()))
    this.#timer = setTimeout(() => this.#tick(), waitMs)
  }

  #tick(): void {
    const now = performance.now()
    const contexts = new Map<ChannelContext, number>()
    for (const run of this.#runs) {
      if (run.deadlineMs <= now) this.#expire(run)
      else contexts.set(run.context, Math.min(contexts.get(run.context) ?? run.deadlineMs, run.deadlineMs))
    }
    for (const [context, deadlineMs] of contexts) this.#drain(context, deadlineMs)
    this.#backOffMs = Math.min(this.#backOffMs * 2, SLOWEST_DRAIN_MS)
    if (this.#runs.size > 0) this.#schedule()
    else this.#timer = undefined
  }
}
