import type { ChannelLimits } from '../protocol/channel-limits.ts'
import { HOST_CALLS_PER_SECOND } from '../protocol/limits.ts'
import { BackgroundBudget } from './background-budget.ts'
import { Overruns } from './overruns.ts'
import type { Run } from './run.ts'
import type { RealmContext } from './realm-context.ts'

/** A context as its channel sees it. */
export class ChannelContext {
  readonly realm: RealmContext
  /** The client's number for it. */
  readonly number: number
  readonly limits: ChannelLimits
  /** Made for one run, and dropped with it. */
  readonly once: boolean
  /** Runs that wait for a promise, by number. */
  readonly pending = new Map<number, Run>()
  /** Requests that wait until nothing is pending here. */
  readonly idlers = new Map<number, Run>()
  /** What wakes it when its next timer is due. */
  timer: NodeJS.Timeout | undefined
  readonly budget = new BackgroundBudget()
  /** Undefined while there are none. */
  #overruns: Overruns | undefined
  #callsAtMs = 0
  /** Up to which count of host calls runs go that have a limit of their own, by number. */
  #caps: Map<number, number> | undefined

  /** A run begins, and no other is pending: its host calls are counted anew. */
  allowCalls(nowMs: number): void {
    this.realm.record.calls = 0
    this.#callsAtMs = nowMs
  }

  /** Code goes on while no run is pending: what time has paid for of its host calls counts no more. */
  payCalls(nowMs: number): void {
    const { record } = this.realm
    record.calls = Math.max(0, record.calls - ((nowMs - this.#callsAtMs) / 1000) * HOST_CALLS_PER_SECOND)
    this.#callsAtMs = nowMs
  }

  /** While this run is under way, so many host calls may be made here. */
  capCalls(run: number, calls: number): void {
    this.#caps ??= new Map()
    this.#caps.set(run, this.realm.record.calls + calls)
    this.#setMaxCalls(this.#caps)
  }

  /** The run is over. */
  uncapCalls(run: number): void {
    if (this.#caps?.delete(run) === true) this.#setMaxCalls(this.#caps)
  }

  #setMaxCalls(caps: ReadonlyMap<number, number>): void {
    this.realm.record.maxCalls = Math.min(this.limits.maxHostCalls, ...caps.values())
  }

  /** Nothing wakes it any more: it was dropped. */
  isStopped = false

  constructor(realm: RealmContext, number: number, once: boolean, limits: ChannelLimits) {
    this.realm = realm
    this.limits = limits
    realm.limit(limits)
    this.number = number
    this.once = once
    realm.record.context = number
  }

  /** Its code held the worker until a deadline. */
  overran(nowMs: number): void {
    this.#overruns ??= new Overruns()
    this.#overruns.add(nowMs)
  }

  /** Whether that happens often. */
  offends(nowMs: number): boolean {
    return this.#overruns?.areFrequent(nowMs) === true
  }

  /** The first deadline among its runs that wait; Infinity if none do. */
  nearest(): Run | undefined {
    let nearest: Run | undefined
    for (const run of this.pending.values()) if (nearest === undefined || run.deadlineMs < nearest.deadlineMs) nearest = run
    return nearest
  }

  /** Made for one run, which is over, and nobody holds a function of it, but perhaps to tell of an abort. */
  get isDone(): boolean {
    return this.once && this.pending.size === 0 && this.realm.record.lasting === 0
  }

  /** Nothing is under way, and nothing will be by itself. */
  get isIdle(): boolean {
    const { record } = this.realm
    return record.busy === 0 && record.attention === 0 && this.pending.size === 0
  }
}
