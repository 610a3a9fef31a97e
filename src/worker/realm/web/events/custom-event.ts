import { defineInterface, requireArguments, toDictionary, toDOMString } from '../idl.ts'
import { Event, stateOf } from './event.ts'

/** https://dom.spec.whatwg.org/#interface-customevent */
export class CustomEvent extends Event {
  #detail: unknown

  constructor(type: unknown, init: unknown = undefined) {
    requireArguments(arguments.length, 1, 'CustomEvent constructor')
    super(type, init)
    const detail = toDictionary(init, 'CustomEvent init')?.['detail']
    this.#detail = detail === undefined ? null : detail
  }

  get detail(): unknown {
    return this.#detail
  }

  initCustomEvent(type: unknown, bubbles: unknown = false, cancelable: unknown = false, detail: unknown = null): void {
    requireArguments(arguments.length, 1, 'CustomEvent.initCustomEvent')
    const state = stateOf(this)
    const text = toDOMString(type)
    if (state.dispatching) return
    state.initialize(text, !!bubbles, !!cancelable)
    this.#detail = detail
  }
}

defineInterface(CustomEvent, 'CustomEvent')
