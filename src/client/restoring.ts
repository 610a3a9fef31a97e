import { setTimeout as wait } from 'node:timers/promises'
import { isDeath } from './death.ts'
import { ContextLostError, MemoryLimitError, ReportedError, WorkerCrashError } from './errors.ts'
import type { ImportedSources } from './modules/imported-sources.ts'
import type { Lane } from './lane.ts'

/** Where a context is: a leased worker, and its number there. */
export interface Place {
  readonly lane: Lane
  readonly number: number
  readonly imports: ImportedSources
  /** Whether it has a name, and was made by this call. */
  readonly named?: { readonly isNew: boolean }
}

/** How often a context is made again within the window, in milliseconds. What takes its worker along that often would do so for ever. */
const MAX_RESTORES = 5
const WINDOW_MS = 60_000
/** Waits between attempts, in milliseconds: doubled each time, each shortened by up to half. */
const FIRST_WAIT_MS = 25
const LONGEST_WAIT_MS = 500

/** Makes a lost context again, when somebody wants it. */
export class Restoring {
  readonly #make: () => Promise<Place>
  readonly #reconnectMs: number
  readonly #restored: (place: Place, cause: Error) => void
  /** When it was tried, milliseconds of `performance.now()`. */
  #triedMs: number[] = []
  #underWay: Promise<void> | undefined
  #givenUp: ContextLostError | undefined

  /**
   * @param reconnectMs how long to go on while there is no daemon, in milliseconds
   * @param restored hears of a new place before anybody uses it, and why the last one is gone
   */
  constructor(make: () => Promise<Place>, reconnectMs: number, restored: (place: Place, cause: Error) => void) {
    this.#make = make
    this.#reconnectMs = reconnectMs
    this.#restored = restored
  }

  /** All who ask meanwhile wait for the same. Throws what making it failed with, or ContextLostError if it was lost too often. */
  restore(cause: Error): Promise<void> {
    this.#underWay ??= this.#try(cause).finally(() => {
      this.#underWay = undefined
    })
    return this.#underWay
  }

  async #try(cause: Error): Promise<void> {
    const untilMs = performance.now() + this.#reconnectMs
    let waitMs = FIRST_WAIT_MS
    this.#count(cause)
    for (;;) {
      try {
        this.#restored(await this.#make(), cause)
        return
      } catch (error) {
        // Its new worker died, too.
        if (error instanceof WorkerCrashError || error instanceof MemoryLimitError || error instanceof ContextLostError) this.#count(error)
        // The daemon stops, and may be started again.
        else if (!isDeath(error) || performance.now() + waitMs > untilMs) throw error
        await wait(waitMs * (1 - Math.random() / 2))
        waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)
      }
    }
  }

  #count(failure: Error): void {
    if (this.#givenUp !== undefined) throw this.#givenUp
    const now = performance.now()
    this.#triedMs = this.#triedMs.filter((atMs) => now - atMs < WINDOW_MS)
    if (this.#triedMs.length >= MAX_RESTORES) {
      const text = `the context was lost, or its setup failed, ${MAX_RESTORES} times within ${WINDOW_MS / 1000} s; it is not made again`
      const report = failure instanceof ReportedError ? failure.report : undefined
      this.#givenUp = new ContextLostError('ERR_CONTEXT_LOST', `${text}: ${failure.message}`, report, { cause: failure })
      throw this.#givenUp
    }
    this.#triedMs.push(now)
  }
}
