import type { SignalView } from '../../../../protocol/remote/remote-platform.ts'
import { newList } from '../captured.ts'
import { type AbortSignal, abortSignal, createSignal, follow } from './abort-signal.ts'
import { signals } from './signal-state.ts'

/** A signal that leaves the realm; undefined for anything else. */
export function viewSignal(value: object): SignalView | undefined {
  const state = signals.stateOf(value)
  if (state === undefined) return undefined
  return {
    get aborted() {
      return state.aborted
    },
    get reason() {
      return state.reason
    },
    onAbort: (listener) => state.add(listener),
  }
}

/** A signal that comes from elsewhere. It follows another, which keeps it alive only while it is listened to. */
export function makeSignal(): { readonly signal: object; readonly abort: (reason: unknown) => void } {
  const source = createSignal()
  const sources = newList<AbortSignal>()
  sources[0] = source
  return { signal: follow(sources), abort: (reason) => abortSignal(source, reason) }
}
