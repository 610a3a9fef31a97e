import { floor } from '../../protocol/msgpack/intrinsics.ts'

const { now: timeOfDay } = Date

/** The last time that a Date can have. */
const LAST_MS = 8.64e15

/** A clock that stands still until it is told to go on. Milliseconds since 1970. */
export class VirtualClock {
  readonly startMs: number
  /** It goes to the next timer by itself when nothing else is under way. */
  readonly isAuto: boolean
  #nowMs: number

  constructor(startMs: number, isAuto: boolean) {
    this.startMs = startMs
    this.isAuto = isAuto
    this.#nowMs = startMs
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Never goes back. */
  goTo(ms: number): void {
    const until = ms > LAST_MS ? LAST_MS : ms
    if (until > this.#nowMs) this.#nowMs = until
  }
}

/** This script is evaluated once in each realm, so this is the realm's. */
let virtual: VirtualClock | undefined

export function useVirtualClock(clock: VirtualClock): void {
  virtual = clock
}

export function virtualClock(): VirtualClock | undefined {
  return virtual
}

/** The time by which timers go: a virtual clock may stand between two milliseconds. */
export function exactNow(): number {
  return virtual === undefined ? timeOfDay() : virtual.nowMs
}

/** The time that the realm is told, in whole milliseconds since 1970. */
export function now(): number {
  return virtual === undefined ? timeOfDay() : floor(virtual.nowMs)
}
