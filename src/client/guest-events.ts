import { EventEmitter } from 'node:events'
import { CONSOLE_LEVELS, type ConsoleLevel } from '../protocol/guest-messages.ts'

/** One call of a console method in a guest. */
export interface ConsoleEvent {
  readonly level: ConsoleLevel
  /** The text as a terminal would show it. */
  readonly text: string
  /** The arguments of the call; what cannot cross is its text. */
  readonly args: readonly unknown[]
  readonly time: Date
  /** How many calls before this one were not sent, because there were too many. */
  readonly dropped: number
}

/** Something comes near a limit of the tenant's, or of a worker's. */
export interface LimitWarning {
  /** The limit's name in `limits`. */
  readonly limit: string
  /** What the limit is set to, and what was seen, in the limit's unit. */
  readonly configured: number
  readonly observed: number
  /** The worker that it is about; undefined if it is about the tenant. */
  readonly worker: number | undefined
  readonly message: string
}

/** What a context says by itself, what is said of it, and what its listeners get. */
export interface GuestEventMap {
  /** The guest called a method of `console`. */
  readonly console: [event: ConsoleEvent]
  /** A promise of the guest's was rejected, and nobody handled it. A GuestError. */
  readonly unhandledRejection: [error: Error]
  /** A callback of the guest's threw (a timer's, say), or used up the processor time that it may have. */
  readonly uncaughtException: [error: Error]
  /** The context's worker, or (on a box) the tenant, comes near a limit. */
  readonly warning: [warning: LimitWarning]
  /** The context was lost, and is there again: it was made with the option `restore`. `cause` is why it was lost. On contexts only. */
  readonly restored: [event: { readonly cause: Error }]
}

export type GuestEventName = keyof GuestEventMap
export type GuestListener<Name extends GuestEventName> = (...event: GuestEventMap[Name]) => void

export const levelOf = (level: number): ConsoleLevel => CONSOLE_LEVELS[level] as ConsoleLevel

/** Listeners of one context, or of all. What a listener throws is the process's to deal with, as with any emitter, and never ends up with the channel. */
export class GuestEvents {
  readonly #emitter = new EventEmitter()

  on<Name extends GuestEventName>(name: Name, listener: GuestListener<Name>): void {
    this.#emitter.on(name, listener as (...event: unknown[]) => void)
  }

  off<Name extends GuestEventName>(name: Name, listener: GuestListener<Name>): void {
    this.#emitter.off(name, listener as (...event: unknown[]) => void)
  }

  has(name: GuestEventName): boolean {
    return this.#emitter.listenerCount(name) > 0
  }

  emit<Name extends GuestEventName>(name: Name, ...event: GuestEventMap[Name]): void {
    try {
      this.#emitter.emit(name, ...event)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
