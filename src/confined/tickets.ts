import type { ChannelLimits } from '../protocol/channel-limits.ts'
import { MAX_TICKETS, TICKET_LIFETIME_MS } from '../protocol/limits.ts'

/** What the daemon grants with a ticket. */
export interface Admission {
  readonly channel: number
  readonly maxTimeoutMs: number
  readonly limits: ChannelLimits
}

/** Tickets that were announced and not presented yet. Each opens one channel, once, within its lifetime. */
export class Tickets {
  readonly #waiting = new Map<string, { readonly admission: Admission; readonly expiresMs: number }>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  announce(ticket: Uint8Array, admission: Admission): void {
    const now = this.#nowMs()
    for (const [key, { expiresMs }] of this.#waiting) {
      if (expiresMs > now && this.#waiting.size < MAX_TICKETS) break
      this.#waiting.delete(key)
    }
    this.#waiting.set(keyOf(ticket), { admission, expiresMs: now + TICKET_LIFETIME_MS })
  }

  /** Uses a ticket up. */
  present(ticket: Uint8Array): Admission | undefined {
    const key = keyOf(ticket)
    const found = this.#waiting.get(key)
    this.#waiting.delete(key)
    return found !== undefined && found.expiresMs > this.#nowMs() ? found.admission : undefined
  }
}

function keyOf(ticket: Uint8Array): string {
  let key = ''
  for (const byte of ticket) key += String.fromCharCode(byte)
  return key
}
