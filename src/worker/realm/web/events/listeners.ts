import { apply } from '../captured.ts'
import { host } from '../context.ts'

/** A function, or an object with a `handleEvent` method. HOSTILE. */
export type Callback = object

/** https://dom.spec.whatwg.org/#concept-event-listener */
export class Listener {
  readonly type: string
  readonly callback: Callback
  readonly capture: boolean
  readonly once: boolean
  readonly passive: boolean
  /** Later listeners have higher numbers. */
  readonly number: number = count++
  removed = false
  next: Listener | undefined
  /** Takes the listener out of the signal that was given with it. */
  forget: (() => void) | undefined

  constructor(type: string, callback: Callback, capture: boolean, once: boolean, passive: boolean) {
    this.type = type
    this.callback = callback
    this.capture = capture
    this.once = once
    this.passive = passive
  }

  /** Calls the guest's code, and reports what it throws. */
  call(self: object, event: object): void {
    const { callback } = this
    try {
      if (typeof callback === 'function') {
        apply(callback as () => unknown, self, [event])
        return
      }
      const { handleEvent } = callback as { readonly handleEvent?: unknown }
      if (typeof handleEvent !== 'function') throw new TypeError("an event listener's handleEvent is not a function")
      apply(handleEvent as () => unknown, callback, [event])
    } catch (error) {
      host.reportError(error)
    }
  }
}

let count = 0

/**
 * The listeners of one target, in the order in which they were added: a linked list. One that is removed while a dispatch walks the list is marked and keeps its `next`, so the walk
 * goes on; the number tells those that were added meanwhile.
 */
export class ListenerList {
  first: Listener | undefined
  #last: Listener | undefined
  size = 0
  /** Called when {@link ListenerList.size} has changed. */
  changed: (() => void) | undefined

  find(type: string, callback: Callback, capture: boolean): Listener | undefined {
    for (let at = this.first; at !== undefined; at = at.next)
      if (at.callback === callback && at.capture === capture && at.type === type) return at
    return undefined
  }

  add(listener: Listener): void {
    if (this.#last === undefined) this.first = listener
    else this.#last.next = listener
    this.#last = listener
    this.size++
    this.changed?.()
  }

  remove(listener: Listener): void {
    if (listener.removed) return
    listener.removed = true
    listener.forget?.()
    let before: Listener | undefined
    for (let at = this.first; at !== undefined && at !== listener; at = at.next) before = at
    if (before === undefined) this.first = listener.next
    else before.next = listener.next
    if (this.#last === listener) this.#last = before
    this.size--
    this.changed?.()
  }

  /** The number that a listener added next will have: a walk goes no further. */
  static limit(): number {
    return count
  }
}
