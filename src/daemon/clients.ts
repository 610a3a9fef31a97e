import type { Socket } from 'node:net'
import { Session, type SessionOwner } from './session.ts'
import { MAX_CLIENTS } from './tenants/default-limits.ts'

/** Clients that have not said who they are, which a thousand lawful ones that connect at once are for a moment. Beyond, the one that has waited longest makes room: whoever says nothing keeps nobody out. */
const MAX_STRANGERS = 2_048

/** The control connections of a daemon. */
export class Clients implements Iterable<Session> {
  readonly #sessions = new Set<Session>()
  /** Those that have not said hello. */
  readonly #strangers = new Set<Session>()

  get size(): number {
    return this.#sessions.size
  }

  /** Somebody has connected. */
  add(socket: Socket, owner: SessionOwner): void {
    if (this.#sessions.size >= MAX_CLIENTS) {
      socket.destroy()
      return
    }
    const session = new Session(socket, owner)
    this.#sessions.add(session)
    this.#strangers.add(session)
    if (this.#strangers.size > MAX_STRANGERS) for (const oldest of this.#strangers) return oldest.destroy()
  }

  /** It has said who it is. */
  introduced(session: Session): void {
    this.#strangers.delete(session)
  }

  delete(session: Session): void {
    this.#sessions.delete(session)
    this.#strangers.delete(session)
  }

  has(session: Session): boolean {
    return this.#sessions.has(session)
  }

  ofTenant(tenant: string): Session[] {
    return [...this.#sessions].filter((session) => session.tenant === tenant)
  }

  hasTenant(tenant: string): boolean {
    for (const session of this.#sessions) if (session.tenant === tenant) return true
    return false
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#sessions.values()
  }
}
