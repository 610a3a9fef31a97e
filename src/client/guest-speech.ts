import { isArgumentList } from '../protocol/arguments.ts'
import type { WorkerToClient } from '../protocol/channel-link.ts'
import type { Bridges } from './bridges.ts'
import { type GuestEventMap, type GuestEventName, type GuestEvents, levelOf } from './guest-events.ts'
import type { ReceivedFailures } from './received-failures.ts'
import type { ReceivedValues } from './received-values.ts'

/** Tells listeners what guests of a channel say by themselves: console output, and errors that nobody caught. */
export class GuestSpeech {
  readonly #bridges: Bridges
  readonly #values: ReceivedValues
  readonly #failures: ReceivedFailures
  readonly #guests: GuestEvents

  constructor(bridges: Bridges, values: ReceivedValues, failures: ReceivedFailures, guests: GuestEvents) {
    this.#bridges = bridges
    this.#values = values
    this.#failures = failures
    this.#guests = guests
  }

  console(message: Extract<WorkerToClient, { readonly type: 'console' }>): void {
    const { context, text, timeMs, dropped } = message
    const bridge = this.#bridges.speaker(context)
    if (bridge?.hears('console') !== true && !this.#guests.has('console')) return
    const args = this.#values.said(context)
    if (!isArgumentList(args)) throw new Error('console output without a list of arguments')
    this.emit(context, 'console', { level: levelOf(message.level), text, args, time: new Date(timeMs), dropped })
  }

  unhandled({ context, rejection }: Extract<WorkerToClient, { readonly type: 'unhandled' }>): void {
    const name = rejection ? 'unhandledRejection' : 'uncaughtException'
    this.emit(context, name, this.#failures.thrown(this.#values.said(context), context, undefined))
  }

  /** To the listeners of the context, and of all. */
  emit<Name extends GuestEventName>(context: number, name: Name, ...event: GuestEventMap[Name]): void {
    this.#bridges.find(context)?.emit(name, ...event)
    this.#guests.emit(name, ...event)
  }
}
