import type { ChannelContext } from './channel-context.ts'
import type { Run } from './run.ts'

/** First wait before a context that waits for something outside is drained, in milliseconds, and the longest. */
const FIRST_DRAIN_MS = 1
const SLOWEST_DRAIN_MS = 32
/** The longest if nobody waits for what the context does. */
const SLOWEST_IDLE_DRAIN_MS = 256

/**
 * What a channel waits for. Enforces the deadlines of waiting runs from the event loop. Drains contexts that wait for a promise which V8 settles from outside (WebAssembly compilation, `Atomics.waitAsync`),
 * with a growing back-off: they go on only in a later evaluate.
 */
export class Waits {
  readonly #runs = new Set<Run>()
  readonly #outside = new Set<ChannelContext>()
  readonly #drain: (context: ChannelContext) => void
  readonly #expire: (run: Run) => void
  #timer: NodeJS.Timeout | undefined
  #wakesAtMs = Number.POSITIVE_INFINITY
  #backOffMs = FIRST_DRAIN_MS

  constructor(on: { readonly drain: (context: ChannelContext) => void; readonly expire: (run: Run) => void }) {
    this.#drain = on.drain
    this.#expire = on.expire
  }

  add(run: Run): void {
    this.#runs.add(run)
    this.#wakeBy(run.deadlineMs)
    if (this.#outside.has(run.context)) this.watch(run.context)
  }

  remove(run: Run): void {
    this.#runs.delete(run)
    this.#restIfDone()
  }

  /** The context waits for something outside, until its record says otherwise. */
  watch(context: ChannelContext): void {
    this.#outside.add(context)
    this.#backOffMs = FIRST_DRAIN_MS
    this.#wakeBy(performance.now() + FIRST_DRAIN_MS)
  }

  forget(context: ChannelContext): void {
    this.#outside.delete(context)
    this.#restIfDone()
  }

  /** Nobody waits any more. */
  clear(): void {
    this.#runs.clear()
    this.#outside.clear()
    this.#restIfDone()
  }

  #isAwaited(): boolean {
    for (const { pending, idlers } of this.#outside) if (pending.size + idlers.size > 0) return true
    return false
  }

  #restIfDone(): void {
    if (this.#runs.size + this.#outside.size > 0) return
    clearTimeout(this.#timer)
    this.#wakesAtMs = Number.POSITIVE_INFINITY
  }

  #wakeBy(atMs: number): void {
    if (atMs >= this.#wakesAtMs) return
    this.#wakesAtMs = atMs
    clearTimeout(this.#timer)
    // Rounded up: a timer that fires before the deadline would find nothing to do.
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, Math.ceil(atMs - performance.now())))
  }

  #tick(): void {
    this.#wakesAtMs = Number.POSITIVE_INFINITY
    const now = performance.now()
    for (const run of this.#runs) if (run.deadlineMs <= now) this.#expire(run)
    for (const context of this.#outside) {
      this.#drain(context)
      if (context.realm.record.outside === 0) this.#outside.delete(context)
    }
    this.#backOffMs = Math.min(this.#backOffMs * 2, this.#isAwaited() ? SLOWEST_DRAIN_MS : SLOWEST_IDLE_DRAIN_MS)
    let next = this.#outside.size > 0 ? performance.now() + this.#backOffMs : Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.#runs) next = Math.min(next, deadlineMs)
    if (next < Number.POSITIVE_INFINITY) this.#wakeBy(next)
  }
}
