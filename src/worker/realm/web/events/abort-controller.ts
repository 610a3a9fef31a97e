import { defineInterface } from '../idl.ts'
import { type AbortSignal, abortSignal, createSignal } from './abort-signal.ts'

/** https://dom.spec.whatwg.org/#interface-abortcontroller */
export class AbortController {
  readonly #signal = createSignal()

  get signal(): AbortSignal {
    return this.#signal
  }

  abort(reason: unknown = undefined): void {
    abortSignal(this.#signal, reason)
  }
}

defineInterface(AbortController, 'AbortController')
