import { domException } from '../dom-error.ts'
import { defineInterface, isObject, requireArguments, toDictionary, toDOMString } from '../idl.ts'
import { AT_TARGET, Event, type EventState, isEvent, NONE, stateOf } from './event.ts'
import { type Callback, Listener, ListenerList } from './listeners.ts'
import { signals } from './signal-state.ts'

/** The listeners of a target; throws a TypeError for anything else. */
export let listenersOf: (target: EventTarget) => ListenerList

/** https://dom.spec.whatwg.org/#interface-eventtarget. There is no tree here: an event's path is its target. */
export class EventTarget {
  readonly #listeners = new ListenerList()
  static {
    listenersOf = (target) => target.#listeners
  }

  addEventListener(type: unknown, callback: unknown, options: unknown = undefined): void {
    requireArguments(arguments.length, 2, 'EventTarget.addEventListener')
    const list = this.#listeners
    const text = toDOMString(type)
    const listening = toCallback(callback)
    const capture = toCapture(options)
    const members = isObject(options) ? toDictionary(options, 'listener options') : undefined
    const once = !!members?.['once']
    const passive = !!members?.['passive']
    const signal = toSignal(members?.['signal'])
    if (signal?.aborted || listening === null || list.find(text, listening, capture) !== undefined) return
    const listener = new Listener(text, listening, capture, once, passive)
    list.add(listener)
    listener.forget = signal?.add(() => list.remove(listener))
  }

  removeEventListener(type: unknown, callback: unknown, options: unknown = undefined): void {
    requireArguments(arguments.length, 2, 'EventTarget.removeEventListener')
    const list = this.#listeners
    const text = toDOMString(type)
    const listening = toCallback(callback)
    const capture = toCapture(options)
    const listener = listening === null ? undefined : list.find(text, listening, capture)
    if (listener !== undefined) list.remove(listener)
  }

  dispatchEvent(event: unknown): boolean {
    requireArguments(arguments.length, 1, 'EventTarget.dispatchEvent')
    const list = this.#listeners
    if (!isObject(event) || !isEvent(event)) throw new TypeError('EventTarget.dispatchEvent: the argument is not an Event')
    const state = stateOf(event as Event)
    if (state.dispatching) throw domException('The event is already being dispatched', 'InvalidStateError')
    state.trusted = false
    return dispatch(this, list, event as Event, state)
  }
}

defineInterface(EventTarget, 'EventTarget')

/** Fires an event of the worker's own making. */
export function fire(target: EventTarget, type: string): void {
  const event = new Event(type)
  const state = stateOf(event)
  state.trusted = true
  dispatch(target, listenersOf(target), event, state)
}

function dispatch(target: EventTarget, list: ListenerList, event: Event, state: EventState): boolean {
  state.dispatching = true
  state.target = target
  state.currentTarget = target
  state.phase = AT_TARGET
  invoke(target, list, event, state, true)
  invoke(target, list, event, state, false)
  state.phase = NONE
  state.currentTarget = null
  state.dispatching = false
  state.stopped = false
  state.stoppedImmediately = false
  return !state.canceled
}

/** Calls the listeners of one phase that were there when it began. */
function invoke(target: EventTarget, list: ListenerList, event: Event, state: EventState, capture: boolean): void {
  if (state.stopped) return
  const limit = ListenerList.limit()
  const { type } = state
  for (let at = list.first; at !== undefined && at.number < limit; at = at.next) {
    if (at.removed || at.capture !== capture || at.type !== type) continue
    if (at.once) list.remove(at)
    state.inPassiveListener = at.passive
    at.call(target, event)
    state.inPassiveListener = false
    if (state.stoppedImmediately) return
  }
}

function toCallback(value: unknown): Callback | null {
  if (value === null || value === undefined) return null
  if (!isObject(value)) throw new TypeError('an event listener must be a function or an object')
  return value
}

const toCapture = (options: unknown): boolean => (isObject(options) ? !!(options as { readonly capture?: unknown }).capture : !!options)

function toSignal(value: unknown): ReturnType<typeof signals.stateOf> {
  if (value === undefined) return undefined
  const state = isObject(value) ? signals.stateOf(value) : undefined
  if (state === undefined) throw new TypeError('signal must be an AbortSignal')
  return state
}
