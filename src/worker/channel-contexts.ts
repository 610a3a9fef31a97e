import type { Admission } from '../confined/tickets.ts'
import { NEAR_SHARE } from '../protocol/limits.ts'
import type { Answers } from './answers.ts'
import { ChannelContext } from './channel-context.ts'
import type { ContextPlans } from './context-plans.ts'
import type { ContextTurns } from './context-turns.ts'
import type { HostCalls } from './host-calls.ts'
import type { ManyRuns } from './many-runs.ts'
import { PlannedContexts } from './planned-contexts.ts'
import type { RequestLimits } from './request-limits.ts'
import type { RunAtWork } from './run-at-work.ts'
import type { ScriptRuns } from './script-runs.ts'
import type { WorkerParts } from './worker-parts.ts'

interface PartsOfChannel {
  readonly answers: Answers
  readonly hostCalls: HostCalls
  readonly limits: RequestLimits
  readonly many: ManyRuns
  readonly scripts: ScriptRuns
  readonly turns: ContextTurns
  readonly work: RunAtWork
}

/** The contexts of one channel: made for the request at work, kept within the limits, and dropped. */
export class ChannelContexts {
  readonly #parts: WorkerParts
  readonly #channel: PartsOfChannel
  readonly #number: number
  readonly #contexts = new Map<number, ChannelContext>()
  readonly #planned: PlannedContexts
  /** That its worker will have no room for contexts soon. */
  #hasWarned = false

  constructor(parts: WorkerParts, { channel: number, maxTimeoutMs }: Pick<Admission, 'channel' | 'maxTimeoutMs'>, channel: PartsOfChannel) {
    this.#parts = parts
    this.#channel = channel
    this.#number = number
    this.#planned = new PlannedContexts(parts.presets, {
      number,
      maxTimeoutMs,
      uploaded: (hash) => channel.scripts.uploaded(hash),
      knowsTimeZone: (zone) => this.#knowsTimeZone(zone),
      failed: (failure) => channel.work.presetFailed(failure),
    })
  }

  /** How those are to be made that the client will ask for. */
  get plans(): ContextPlans {
    return this.#planned.plans
  }

  /** Functions that contexts and client hold of each other. */
  get handles(): number {
    let handles = 0
    for (const { realm } of this.#contexts.values()) handles += realm.record.exported + realm.record.imported
    return handles
  }

  get(number: number): ChannelContext | undefined {
    return this.#contexts.get(number)
  }

  has(number: number): boolean {
    return this.#contexts.has(number)
  }

  /** Whether a context computes until its deadline time and again. */
  offends(nowMs: number): boolean {
    for (const context of this.#contexts.values()) if (context.offends(nowMs)) return true
    return false
  }

  /** Sees to contexts in which something came about by itself: a callback of a FinalizationRegistry. */
  sweep(): void {
    for (const context of this.#contexts.values()) if (context.realm.record.attention !== 0) this.#channel.turns.after(context)
  }

  /** Whether there may be a context of that number. If not, that is answered. A single run may leave its context behind, so it is refused before its code does anything. */
  mayAdd(number: number): boolean {
    const { work, limits } = this.#channel
    if (this.#contexts.has(number)) work.fail('ERR_PROTOCOL', `context ${number} exists already`, 'queued')
    else {
      const maxContexts = this.#maxContexts
      const own = limits.channel.maxContexts
      if (this.#contexts.size >= own && own < maxContexts)
        this.#tooMany(own, `this connection has its limit of ${own} contexts in a worker; dispose some`)
      else if (this.#parts.usage.contexts < maxContexts) return true
      else this.#tooMany(maxContexts, `this worker has its limit of ${maxContexts} contexts; dispose some`)
    }
    return false
  }

  /** Undefined if it cannot be made as it was planned, which is then answered. */
  take(number: number, once: boolean): ChannelContext | undefined {
    const { work, limits, hostCalls } = this.#channel
    const plan = this.#planned.plans.take(number)
    const realm = plan === undefined ? this.#parts.ready.take() : this.#planned.make(plan)
    if (realm === undefined) return undefined
    // The scripts of its preset have deadlines of their own.
    if (plan !== undefined) work.startedMs = performance.now()
    const context = new ChannelContext(realm, number, once, limits.ofContext(number))
    work.in(context, undefined)
    context.realm.record.origin = work.number
    context.realm.record.dataOnly = this.#parts.isShared === true
    context.realm.onRequest = (request, deadlineMs) => hostCalls.answer(context, request, deadlineMs)
    return context
  }

  keep(context: ChannelContext): void {
    this.#contexts.set(context.number, context)
    this.#parts.usage.contexts++
    const { contexts: observed } = this.#parts.usage
    const configured = this.#maxContexts
    if (this.#hasWarned || observed < NEAR_SHARE * configured) return
    this.#hasWarned = true
    this.#channel.answers.nearLimit({ context: context.number, limit: 'maxContexts', configured, observed })
  }

  dispose(number: number): void {
    const context = this.#contexts.get(number)
    if (context !== undefined) this.#drop(context)
    this.#channel.answers.nothing(this.#channel.work.number)
  }

  /** A context that was made for one run ends with it, and with the last handle that its client holds. */
  dropIfDone(context: ChannelContext): void {
    if (context.isDone) this.#drop(context)
  }

  /** The client is gone. */
  close(): void {
    for (const context of this.#contexts.values()) this.#channel.turns.stop(context)
    this.#parts.usage.contexts -= this.#contexts.size
    this.#contexts.clear()
    this.#parts.presets.forget(this.#number)
  }

  #drop(context: ChannelContext): void {
    if (!this.#contexts.delete(context.number)) return
    this.#parts.usage.contexts--
    this.#channel.many.endOf(context)
    this.#channel.turns.abandonAll(context, 'ERR_CONTEXT_LOST', 'its context was disposed')
    this.#channel.turns.stop(context)
  }

  get #maxContexts(): number {
    return Math.min(this.#parts.maxContexts, this.#channel.limits.ceilings.maxContexts)
  }

  #tooMany(configured: number, message: string): void {
    this.#channel.work.failAt({ limit: 'maxContexts', configured, observed: configured + 1 }, 'ERR_CONTEXT_LIMIT', message, 'queued')
  }

  #knowsTimeZone(zone: string): boolean {
    if (this.#parts.timeZones.knows(zone)) return true
    this.#channel.work.fail(
      'ERR_TIME_ZONE',
      `there is no time zone '${zone}' that a worker could be in: use a name such as 'Europe/Berlin'`,
      'queued',
    )
    return false
  }
}
