import { host, use } from '../context.ts'
import { defineInterface, requireThis } from '../idl.ts'

const { EventTarget } = use('events')
const permit = {}

/** https://w3c.github.io/hr-time/#sec-performance, without the timeline: no entries are kept. */
export class Performance extends EventTarget {
  /** Tells an instance from anything else. */
  readonly #brand = true

  constructor() {
    if (arguments[0] !== permit) throw new TypeError('Illegal constructor')
    super()
  }

  now(): number {
    requireThis(this.#brand)
    return host.now()
  }

  get timeOrigin(): number {
    requireThis(this.#brand)
    return host.timeOrigin
  }

  toJSON(): object {
    requireThis(this.#brand)
    return { timeOrigin: host.timeOrigin }
  }
}

defineInterface(Performance, 'Performance')

export const performance: Performance = new (Performance as unknown as new (permit: object) => Performance)(permit)
