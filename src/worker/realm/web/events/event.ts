import { ArrayOf, defineProperty, getOwnPropertyDescriptor } from '../captured.ts'
import { host } from '../context.ts'
import { defineConstant, defineInterface, requireArguments, toDictionary, toDOMString } from '../idl.ts'
import type { EventTarget } from './event-target.ts'

export const NONE = 0
export const AT_TARGET = 2

/** The internal state of an event, https://dom.spec.whatwg.org/#interface-event. */
export class EventState {
  type: string
  bubbles: boolean
  cancelable: boolean
  readonly composed: boolean
  target: EventTarget | null = null
  currentTarget: EventTarget | null = null
  phase = NONE
  stopped = false
  stoppedImmediately = false
  canceled = false
  inPassiveListener = false
  dispatching = false
  trusted = false
  readonly timeStamp: number = host.now()

  constructor(type: string, init: Record<string, unknown> | undefined) {
    this.type = type
    this.bubbles = !!init?.['bubbles']
    this.cancelable = !!init?.['cancelable']
    this.composed = !!init?.['composed']
  }

  cancel(): void {
    if (this.cancelable && !this.inPassiveListener) this.canceled = true
  }

  initialize(type: string, bubbles: boolean, cancelable: boolean): void {
    this.stopped = false
    this.stoppedImmediately = false
    this.canceled = false
    this.trusted = false
    this.target = null
    this.type = type
    this.bubbles = bubbles
    this.cancelable = cancelable
  }
}

/** The state of an event; throws a TypeError for anything else. */
export let stateOf: (event: Event) => EventState
export let isEvent: (value: object) => boolean

export class Event {
  readonly #state: EventState
  static {
    stateOf = (event) => event.#state
    isEvent = (value) => #state in value
  }

  constructor(type: unknown, init: unknown = undefined) {
    requireArguments(arguments.length, 1, 'Event constructor')
    this.#state = new EventState(toDOMString(type), toDictionary(init, 'Event init'))
    defineProperty(this, 'isTrusted', isTrusted)
  }

  get type(): string {
    return this.#state.type
  }
  get target(): EventTarget | null {
    return this.#state.target
  }
  get srcElement(): EventTarget | null {
    return this.#state.target
  }
  get currentTarget(): EventTarget | null {
    return this.#state.currentTarget
  }
  get eventPhase(): number {
    return this.#state.phase
  }
  get bubbles(): boolean {
    return this.#state.bubbles
  }
  get cancelable(): boolean {
    return this.#state.cancelable
  }
  get defaultPrevented(): boolean {
    return this.#state.canceled
  }
  get composed(): boolean {
    return this.#state.composed
  }
  get timeStamp(): number {
    return this.#state.timeStamp
  }

  get returnValue(): boolean {
    return !this.#state.canceled
  }
  set returnValue(value: unknown) {
    const state = this.#state
    if (!value) state.cancel()
  }
  get cancelBubble(): boolean {
    return this.#state.stopped
  }
  set cancelBubble(value: unknown) {
    const state = this.#state
    if (value) state.stopped = true
  }

  composedPath(): EventTarget[] {
    const { currentTarget } = this.#state
    const path = new ArrayOf<EventTarget>()
    if (currentTarget !== null) {
      const element = { __proto__: null, value: currentTarget, writable: true, enumerable: true, configurable: true }
      defineProperty(path, 0, element as PropertyDescriptor)
    }
    return path
  }
  stopPropagation(): void {
    this.#state.stopped = true
  }
  stopImmediatePropagation(): void {
    const state = this.#state
    state.stopped = true
    state.stoppedImmediately = true
  }
  preventDefault(): void {
    this.#state.cancel()
  }
  initEvent(type: unknown, bubbles: unknown = false, cancelable: unknown = false): void {
    requireArguments(arguments.length, 1, 'Event.initEvent')
    const state = this.#state
    const text = toDOMString(type)
    if (!state.dispatching) state.initialize(text, !!bubbles, !!cancelable)
  }
}

/** An own property of each event, which nobody can change: LegacyUnforgeable. */
const isTrusted = {
  __proto__: null,
  ...getOwnPropertyDescriptor(
    {
      get isTrusted(): boolean {
        return stateOf(this as unknown as Event).trusted
      },
    },
    'isTrusted',
  ),
  configurable: false,
} as PropertyDescriptor

defineInterface(Event, 'Event')
defineConstant(Event, 'NONE', NONE)
defineConstant(Event, 'CAPTURING_PHASE', 1)
defineConstant(Event, 'AT_TARGET', AT_TARGET)
defineConstant(Event, 'BUBBLING_PHASE', 3)
