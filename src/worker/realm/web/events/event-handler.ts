import { apply } from '../captured.ts'
import { isObject } from '../idl.ts'
import { type Event, stateOf } from './event.ts'
import { Listener, type ListenerList } from './listeners.ts'

/**
 * An event handler attribute such as `onabort`, https://html.spec.whatwg.org/multipage/webappapis.html#event-handler-attributes.
 * It listens from when it is first set, in that place among the listeners, until it is set to null.
 */
export class EventHandler {
  readonly #type: string
  #value: object | null = null
  #listener: Listener | undefined

  constructor(type: string) {
    this.#type = type
  }

  get value(): object | null {
    return this.#value
  }

  /** Anything but an object counts as null. */
  set(list: ListenerList, value: unknown): void {
    this.#value = isObject(value) ? value : null
    if (this.#value === null) {
      if (this.#listener !== undefined) list.remove(this.#listener)
      this.#listener = undefined
      return
    }
    if (this.#listener !== undefined) return
    const current = (): object | null => this.#value
    const call = function (this: unknown, event: Event): void {
      const handler = current()
      if (typeof handler === 'function' && apply(handler as () => unknown, this, [event]) === false) stateOf(event).cancel()
    }
    this.#listener = new Listener(this.#type, call, false, false, false)
    list.add(this.#listener)
  }
}
