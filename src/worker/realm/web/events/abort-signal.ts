import { iterator, newList, trunc } from '../captured.ts'
import { host } from '../context.ts'
import { domException } from '../dom-error.ts'
import { defineInterface, isObject, requireArguments, visitSequence } from '../idl.ts'
import { Dependents, Follower } from './dependents.ts'
import { EventHandler } from './event-handler.ts'
import { EventTarget, fire, listenersOf } from './event-target.ts'
import { SignalState, signals } from './signal-state.ts'

/** Given to the constructor by this module only: to guests it is illegal. */
const permit = {}

const { MAX_SAFE_INTEGER } = Number

/** Longer timeouts never come: 24 days. */
const LONGEST_TIMEOUT_MS = 0x7fffffff

/** The signal's relation to other signals, https://dom.spec.whatwg.org/#abortsignal-dependent-signals. */
class Relations {
  /** Those that follow this one. */
  readonly dependents = new Dependents<AbortSignal>()
  /** Those that this one follows. undefined: it follows none and never will. */
  sources: AbortSignal[] | undefined
}

let relationsOf: (signal: AbortSignal) => Relations

/** https://dom.spec.whatwg.org/#interface-AbortSignal */
export class AbortSignal extends EventTarget {
  readonly #state = new SignalState()
  readonly #relations = new Relations()
  readonly #onabort = new EventHandler('abort')
  static {
    signals.stateOf = (value) => (#state in value ? value.#state : undefined)
    relationsOf = (signal) => signal.#relations
  }

  constructor() {
    if (arguments[0] !== permit) throw new TypeError('Illegal constructor')
    super()
  }

  static abort(reason: unknown = undefined): AbortSignal {
    const signal = createSignal()
    const state = stateOf(signal)
    state.aborted = true
    state.reason = reason === undefined ? abortError() : reason
    return signal
  }

  static timeout(milliseconds: unknown): AbortSignal {
    requireArguments(arguments.length, 1, 'AbortSignal.timeout')
    const ms = trunc(+(milliseconds as string))
    // EnforceRange of unsigned long long. NaN fails the first comparison.
    if (!(ms >= 0 && ms <= MAX_SAFE_INTEGER)) throw new TypeError('AbortSignal.timeout: milliseconds out of range')
    const signal = createSignal()
    const expire = (): void => {
      abortSignal(signal, domException('The operation was aborted due to timeout', 'TimeoutError'))
    }
    host.setTimeout(expire, ms < LONGEST_TIMEOUT_MS ? ms : LONGEST_TIMEOUT_MS)
    return signal
  }

  static any(followed: unknown): AbortSignal {
    requireArguments(arguments.length, 1, 'AbortSignal.any')
    if (!isObject(followed)) throw new TypeError('AbortSignal.any: the argument must be a sequence of signals')
    const list = newList<AbortSignal>()
    visitSequence(followed, (followed as { readonly [iterator]?: unknown })[iterator], (item) => {
      if (!isAbortSignal(item)) throw new TypeError('AbortSignal.any: not an AbortSignal')
      list[list.length] = item
    })
    return follow(list)
  }

  get aborted(): boolean {
    return this.#state.aborted
  }
  get reason(): unknown {
    return this.#state.reason
  }
  throwIfAborted(): void {
    const state = this.#state
    // oxlint-disable-next-line typescript/only-throw-error -- a guest aborts with what it likes
    if (state.aborted) throw state.reason
  }
  get onabort(): object | null {
    return this.#onabort.value
  }
  set onabort(value: unknown) {
    this.#onabort.set(listenersOf(this), value)
  }
}

defineInterface(AbortSignal, 'AbortSignal')

export const isAbortSignal = (value: unknown): value is AbortSignal => isObject(value) && signals.stateOf(value) !== undefined

export const createSignal = (): AbortSignal => new (AbortSignal as unknown as new (permit: object) => AbortSignal)(permit)

/** Runs `algorithm` when the signal aborts, before its listeners. Returns a function that takes it back. */
export const onAbort = (signal: AbortSignal, algorithm: () => void): (() => void) => stateOf(signal).add(algorithm)

/** Aborts the signal and those that follow it. `undefined` is the reason 'AbortError'. */
export function abortSignal(signal: AbortSignal, reason: unknown): void {
  const state = stateOf(signal)
  if (state.aborted) return
  state.aborted = true
  state.reason = reason === undefined ? abortError() : reason
  const aborted = newList<AbortSignal>()
  aborted[0] = signal
  relationsOf(signal).dependents.forEach((dependent) => {
    const following = stateOf(dependent)
    if (following.aborted) return
    following.aborted = true
    following.reason = state.reason
    aborted[aborted.length] = dependent
  })
  for (let i = 0; i < aborted.length; i++) {
    const one = aborted[i] as AbortSignal
    stateOf(one).runAll()
    fire(one, 'abort')
  }
}

const stateOf = (signal: AbortSignal): SignalState => signals.stateOf(signal) as SignalState

const abortError = (): Error => domException('This operation was aborted', 'AbortError')

/** A signal that aborts with the first of `list`, https://dom.spec.whatwg.org/#create-a-dependent-abort-signal. */
export function follow(list: readonly AbortSignal[]): AbortSignal {
  const signal = createSignal()
  for (let i = 0; i < list.length; i++) {
    const { aborted, reason } = stateOf(list[i] as AbortSignal)
    if (!aborted) continue
    const state = stateOf(signal)
    state.aborted = true
    state.reason = reason
    return signal
  }
  const sources = newList<AbortSignal>()
  const follower = new Follower(signal)
  const attach = (source: AbortSignal): void => {
    for (let i = 0; i < sources.length; i++) if (sources[i] === source) return
    sources[sources.length] = source
    relationsOf(source).dependents.add(follower)
  }
  for (let i = 0; i < list.length; i++) {
    const followed = list[i] as AbortSignal
    const further = relationsOf(followed).sources
    if (further === undefined) attach(followed)
    else for (let k = 0; k < further.length; k++) attach(further[k] as AbortSignal)
  }
  relationsOf(signal).sources = sources
  const listeners = listenersOf(signal)
  const state = stateOf(signal)
  const changed = (): void => {
    follower.listenedTo = !state.aborted && (listeners.size > 0 || state.hasAlgorithms)
  }
  listeners.changed = changed
  state.changed = changed
  return signal
}
