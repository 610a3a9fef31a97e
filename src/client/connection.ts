import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Report } from '../protocol/report.ts'
import type { Warning } from '../protocol/tenant-messages.ts'
import { Control, type Welcome } from './control.ts'
import { ConnectionError, type GloveboxError } from './errors.ts'

/** Waits between attempts, in milliseconds: doubled each time, each shortened by up to half, so that the clients of a daemon that comes back do not come all at once. */
const FIRST_WAIT_MS = 25
const LONGEST_WAIT_MS = 500
/** How often a question is asked, if each connection ends before its answer. */
const MAX_ATTEMPTS = 3

/** A daemon's socket, and how to give up what it took to have it. */
export interface Reached {
  readonly socket: Socket
  readonly release: () => Promise<void>
}

export interface ConnectionSettings {
  /** Connects to a daemon. Throws ConnectionError if there is none. */
  readonly reach: () => Promise<Reached>
  readonly who: { readonly tenant: string | undefined; readonly token: string | undefined }
  /** How long to try to reach a daemon again, in milliseconds. */
  readonly reconnectMs: number
}

interface ConnectionEvents {
  /** A worker that was leased is gone. */
  readonly lost: (worker: number, report: Report) => void
  /** A worker takes no more. */
  readonly draining: (worker: number) => void
  /** Something comes near a limit. */
  readonly warned: (warning: Warning) => void
  /** A script of the tenant is not to be sent for so many milliseconds. */
  readonly scriptRefused: (hash: Uint8Array, forMs: number) => void
  /** The daemon is gone, and all leases with it. */
  readonly disconnected: (cause: GloveboxError) => void
}

interface Link {
  readonly control: Control
  readonly welcome: Welcome
  readonly release: () => Promise<void>
}

/** The way to a daemon: a control connection, made again when somebody needs one and the last one is gone. */
export class Connection {
  readonly #settings: ConnectionSettings
  readonly #events: ConnectionEvents
  #link: Link | undefined
  #linking: Promise<Link> | undefined
  #closed: GloveboxError | undefined

  constructor(settings: ConnectionSettings, events: ConnectionEvents) {
    this.#settings = settings
    this.#events = events
  }

  /** The first connection: tried once. */
  async open(): Promise<Welcome> {
    this.#link = await this.#connect()
    return this.#link.welcome
  }

  /**
   * Asks the daemon something that does no harm if it is asked twice. If the connection turns out to be gone, it is asked over the next one.
   */
  async ask<Answer>(question: (control: Control) => Promise<Answer>): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const control = await this.control()
      try {
        return await question(control)
      } catch (error) {
        const isGone = isAway(error) && this.#link?.control !== control
        if (!isGone || attempt === MAX_ATTEMPTS || this.#settings.reconnectMs === 0) throw error
      }
    }
  }

  /** The connection that there is, or the next one. */
  async control(): Promise<Control> {
    if (this.#closed !== undefined) throw this.#closed
    if (this.#link !== undefined) return this.#link.control
    this.#linking ??= this.#reconnect().finally(() => {
      this.#linking = undefined
    })
    const { control } = await this.#linking
    return control
  }

  /** For good: who asks from now on gets this cause. */
  async close(cause: GloveboxError): Promise<void> {
    this.#closed ??= cause
    const link = this.#link ?? (await this.#linking?.catch(() => undefined))
    this.#link = undefined
    link?.control.close()
    await link?.release()
  }

  async #reconnect(): Promise<Link> {
    const untilMs = performance.now() + this.#settings.reconnectMs
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        const link = await this.#connect()
        this.#link = link
        return link
      } catch (error) {
        if (this.#closed !== undefined) throw this.#closed
        if (!isAway(error) || performance.now() + waitMs > untilMs) throw error
        await wait(waitMs * (1 - Math.random() / 2))
      }
    }
  }

  async #connect(): Promise<Link> {
    const { reach, who } = this.#settings
    const { socket, release } = await reach()
    try {
      const made: { link?: Link } = {}
      const [control, welcome] = await Control.open(socket, who, {
        lost: (worker, report) => this.#events.lost(worker, report),
        draining: (worker) => this.#events.draining(worker),
        warned: (warning) => this.#events.warned(warning),
        scriptRefused: (hash, forMs) => this.#events.scriptRefused(hash, forMs),
        closed: (cause) => this.#lost(made.link, cause),
      })
      made.link = { control, welcome, release }
      return made.link
    } catch (error) {
      socket.destroy()
      await release()
      throw error
    }
  }

  #lost(link: Link | undefined, cause: GloveboxError): void {
    if (link === undefined || link !== this.#link) return
    this.#link = undefined
    this.#events.disconnected(cause)
    // An embedded daemon that is gone: the next one is another.
    void link.release()
  }
}

function isAway(error: unknown): boolean {
  return error instanceof ConnectionError && error.code === 'ERR_CONNECTION'
}
