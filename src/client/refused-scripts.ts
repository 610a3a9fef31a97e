import { codeHash } from '../base/source-hash.ts'
import { CRASHES_REFUSED, MAX_CRASHED_SCRIPTS } from '../protocol/limits.ts'
import { ScriptRefusedError } from './errors.ts'

/** Scripts of this tenant that crashed too many workers lately, as the daemon says. While there are none, nothing is hashed. */
export class RefusedScripts {
  /** Until when, in milliseconds of `performance.now()`, by hash. */
  readonly #until = new Map<string, number>()

  /** It is not to be sent for so many milliseconds. */
  add(hash: Uint8Array, forMs: number): void {
    if (this.#until.size >= MAX_CRASHED_SCRIPTS)
      for (const [oldest] of this.#until) {
        this.#until.delete(oldest)
        break
      }
    this.#until.set(Buffer.from(hash).toString('hex'), performance.now() + forMs)
  }

  /** Throws {@link ScriptRefusedError} for code that is refused. */
  check(code: string | undefined): void {
    if (this.#until.size === 0 || code === undefined) return
    const nowMs = performance.now()
    for (const [hash, untilMs] of this.#until) if (untilMs <= nowMs) this.#until.delete(hash)
    if (this.#until.size === 0) return
    const hash = codeHash(code).toString('hex')
    const untilMs = this.#until.get(hash)
    if (untilMs === undefined) return
    const retryAfter = Math.ceil(untilMs - nowMs)
    throw new ScriptRefusedError(
      `this script (SHA-256 ${hash.slice(0, 16)}…) crashed ${CRASHES_REFUSED} workers in a short time, and is refused for another ${retryAfter} ms`,
      hash,
      retryAfter,
    )
  }
}
