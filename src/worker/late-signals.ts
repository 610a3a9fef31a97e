import { internalBinding } from '../confined/internals.ts'
import type { DeadlineTimer } from './deadline-timer.ts'

/** How often the watchdog's thread is seen to work off what is waiting. Once could be for an old signal while a second is still to come, if the kernel takes the thread off its processor just between the two. */
const ROUNDS = 2
/** How long one of them may take, in milliseconds: microseconds, unless the thread is not given a processor. */
const ROUND_MS = 2_000

/**
 * Keeps a signal that was meant for one evaluate from ending the next.
 *
 * The handler of SIGINT only counts; a thread of Node's, the watchdog, works that off one by one, and ends the evaluate that is in progress when it does. On a busy machine it gets
 * there milliseconds later. Nothing tells how many are waiting. So another signal is sent while nothing is evaluated, and when the thread has taken note of one it is at work, and works
 * off what there is.
 */
export class LateSignals {
  readonly #timer: Pick<DeadlineTimer, 'signal' | 'pause'>
  readonly #watchdog = internalBinding('contextify')

  constructor(timer: Pick<DeadlineTimer, 'signal' | 'pause'>) {
    this.#timer = timer
  }

  /** Outside of any evaluate, when the timer is off: returns when no signal is on its way any more. */
  settle(): void {
    for (let round = 0; round < ROUNDS; round++) {
      // Node forgets what it has noted when one of its users leaves.
      this.#watchdog.startSigintWatchdog()
      this.#watchdog.stopSigintWatchdog()
      this.#timer.signal()
      const startedMs = performance.now()
      // To look all the time would keep the thread from the lock that both take.
      do this.#timer.pause()
      while (!this.#watchdog.watchdogHasPendingSigint() && performance.now() - startedMs < ROUND_MS)
    }
  }
}
