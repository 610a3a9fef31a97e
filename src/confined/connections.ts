import type { Hello } from '../protocol/greeting.ts'
import type { ErrorCode } from '../protocol/error-codes.ts'
import { MAX_UNADMITTED } from '../protocol/limits.ts'
import { chooseVersion } from '../protocol/versions.ts'
import type { DaemonToWorker } from '../protocol/worker-link.ts'
import { type Admission, Tickets } from './tickets.ts'

export interface Admitted extends Admission {
  /** Of the protocol. */
  readonly version: number
}

export interface Refusal {
  readonly code: ErrorCode
  readonly message: string
}

/** Who is connected to a confined process: those whom the daemon announced, by the number that it gave them, and those who have yet to show a ticket. */
export class Connections<Channel extends { destroy(): void }> {
  readonly #tickets = new Tickets()
  readonly #unadmitted = new Set<Channel>()
  readonly #admitted = new Map<number, Channel>()
  readonly #left: (channel: number) => unknown

  /** @param left called when an admitted one is gone */
  constructor(left: (channel: number) => unknown) {
    this.#left = left
  }

  announce({ channel, ticket, maxTimeoutMs, limits }: Extract<DaemonToWorker, { readonly type: 'admit' }>): void {
    this.#tickets.announce(ticket, { channel, maxTimeoutMs, limits })
  }

  /** Somebody has connected. Where too many wait to say hello, the one that waits longest makes room. */
  add(channel: Channel): void {
    this.#unadmitted.add(channel)
    if (this.#unadmitted.size > MAX_UNADMITTED) for (const oldest of this.#unadmitted) return oldest.destroy()
    return undefined
  }

  /** Takes a hello, with the ticket used up, or says why not. */
  admit(channel: Channel, { ticket, minVersion, maxVersion }: Hello): Admitted | Refusal {
    const admission = this.#tickets.present(ticket)
    if (admission === undefined) return { code: 'ERR_ACCESS_DENIED', message: 'this ticket is not valid: unknown, used or expired' }
    const version = chooseVersion(minVersion, maxVersion)
    if (version === undefined) return { code: 'ERR_VERSION', message: `no protocol version in common with ${minVersion} to ${maxVersion}` }
    this.#unadmitted.delete(channel)
    this.#admitted.set(admission.channel, channel)
    return { ...admission, version }
  }

  remove(channel: Channel): void {
    this.#unadmitted.delete(channel)
    for (const [number, each] of this.#admitted) {
      if (each !== channel) continue
      this.#admitted.delete(number)
      this.#left(number)
    }
  }

  find(number: number): Channel | undefined {
    return this.#admitted.get(number)
  }

  admitted(): Iterable<Channel> {
    return this.#admitted.values()
  }
}
