import { withoutFrames } from '../confined/own-error.ts'
import { ERROR_CODES, type ErrorCode } from '../protocol/error-codes.ts'
import type { GuestPlace, Phase } from '../protocol/report.ts'
import type { Answers } from './answers.ts'
import type { ChannelContext } from './channel-context.ts'
import type { WorkerParts } from './worker-parts.ts'
import { COMPLETED, type Ending, INTERRUPTED } from './guard.ts'
import type { Conversation } from './host-answer.ts'
import type { HostCalls } from './host-calls.ts'
import { mayHoldFunctions } from './encoded-functions.ts'
import { primitiveRead, readPrimitive } from './primitive-payload.ts'
import { EXHAUSTED } from './pause.ts'
import { Answer, ATTENTION, Op } from './realm/record.ts'
import type { Run } from './run.ts'
import { ranOut } from './timeout-text.ts'
import { Waits } from './waits.ts'

/** Budget of a step that is the worker's own, in milliseconds. */
const HOUSEKEEPING_MS = 100
/** How long one context's timers may go on before others get their turn, in milliseconds. */
const TIMERS_MS = 5
/** How long timers wait when the client has not read what it was sent, in milliseconds. */
const CONGESTED_MS = 5
/** How often timers look whether their tenant may compute again, in milliseconds. */
const PAUSED_MS = 250
/** How often to try what a passing deadline, or jobs that were waiting, may have kept from being done. */
const MAX_TRIES = 3
/** How often what comes about while it is seen to is seen to at once; then it waits for the next time. */
const MAX_ROUNDS = 8
/** Node's timers take no more, in milliseconds. */
const LONGEST_TIMER_MS = 0x7fff_ffff

interface TurnEvents {
  /** The promise of a waiting run has settled; `ending` is that of the step that took the outcome, which is in the context's record. */
  readonly settled: (context: ChannelContext, run: Run, ending: Ending) => void
  /** A run that waited is gone. */
  readonly released: (context: ChannelContext) => void
}

/**
 * Everything that goes on in the contexts of a channel besides the run at work: runs that wait for promises, answers of host functions, timers, jobs that V8 queues by itself. A turn is one
 * evaluate on behalf of all runs that wait in its context; the first deadline among them ends it. If none waits, the context's background budget does.
 */
export class ContextTurns {
  readonly #parts: WorkerParts
  readonly #channel: number
  readonly #answers: Answers
  readonly #conversation: Conversation
  readonly #hostCalls: HostCalls
  readonly #events: TurnEvents
  readonly #waits: Waits
  readonly #waiting = new Map<number, Run>()

  constructor(parts: WorkerParts, channel: number, answers: Answers, conversation: Conversation, hostCalls: HostCalls, events: TurnEvents) {
    this.#parts = parts
    this.#channel = channel
    this.#answers = answers
    this.#conversation = conversation
    this.#hostCalls = hostCalls
    this.#events = events
    this.#waits = new Waits({
      drain: (context) => {
        // Later, then.
        if (conversation.isCongested() || parts.pause.isOn) return
        this.#expireOverdue(context)
        this.#turn(context, Op.drain)
        this.#end(context)
      },
      expire: (run) => {
        this.#expire(run)
        this.#end(run.context)
      },
    })
  }

  /** How many runs wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  isWaiting(run: number): boolean {
    return this.#waiting.has(run)
  }

  /** The run waits for its promise. */
  wait(run: Run): void {
    run.context.pending.set(run.run, run)
    this.#add(run)
  }

  /** The request waits until its context is idle. */
  waitForIdle(run: Run): void {
    run.context.idlers.set(run.run, run)
    this.#add(run)
    this.#answerIdlers(run.context)
  }

  /** Guest code in this context has come to a rest: sees to what it left behind. */
  after(context: ChannelContext): void {
    const { record } = context.realm
    for (let round = 0; record.attention !== 0 && round < MAX_ROUNDS; round++) {
      const { attention } = record
      record.attention = 0
      if ((attention & ATTENTION.outside) !== 0 && !context.isStopped) this.#waits.watch(context)
      if ((attention & ATTENTION.cleanups) !== 0) this.#turn(context, Op.drain)
      if ((attention & ATTENTION.modules) !== 0) this.#enterModules(context)
      if ((attention & ATTENTION.settled) !== 0) this.#collect(context)
      if ((attention & ATTENTION.report) !== 0) this.#turn(context, Op.report)
      if ((attention & ATTENTION.timers) !== 0) this.#schedule(context)
      this.#answers.guestMessages(context.realm)
    }
    if (context.idlers.size > 0) this.#answerIdlers(context)
  }

  /** A host function of the client's has answered, or its promise has settled. */
  answered(context: ChannelContext, call: number, type: 'returned' | 'raised', payload: Uint8Array): void {
    const { realm } = context
    const { record } = realm
    this.#expireOverdue(context)
    const isPrimitive = type === 'returned' && readPrimitive(payload)
    if (!isPrimitive && !this.#give(context, payload)) return
    record.call = call
    // A deadline may pass as it begins: the guest's promise must not be lost with a run that has nothing to do with it.
    for (let tries = 0; record.call === call && tries < MAX_TRIES; tries++) {
      if (isPrimitive) record.value = primitiveRead
      record.code = isPrimitive ? Answer.primitive : type === 'returned' ? Answer.returned : Answer.raised
      this.#turn(context, Op.answer)
    }
    this.after(context)
  }

  /** The client gives back handles: ids and counts in turns. */
  release(context: ChannelContext, handles: readonly number[]): void {
    const { realm } = context
    const bytes = new DataView(new ArrayBuffer(4 * handles.length))
    for (const [index, value] of handles.entries()) bytes.setUint32(4 * index, value)
    this.#expireOverdue(context)
    if (!this.#give(context, new Uint8Array(bytes.buffer))) return
    realm.step(Op.release, performance.now() + HOUSEKEEPING_MS)
    this.after(context)
  }

  /** Reads the value of a request that was not served, if need be: whose functions are in it waits for them to be given back. */
  discard(context: ChannelContext, payload: Uint8Array): void {
    const { realm } = context
    realm.record.unread = false
    if (mayHoldFunctions(payload) && this.#give(context, payload)) realm.step(Op.discard, performance.now() + HOUSEKEEPING_MS)
  }

  /** Ends a waiting run for a reason of ours; its promise may settle later, unheard. False if no such run waits. */
  abandonRun(number: number, code: ErrorCode, message: string): boolean {
    const run = this.#waiting.get(number)
    if (run === undefined) return false
    this.#abandon(run, code, message, phaseOf(run.context.realm.record.waitingFor))
    this.after(run.context)
    return true
  }

  /** The run waits no more, whatever its promise comes to. */
  forgetRun(number: number): void {
    const run = this.#waiting.get(number)
    if (run !== undefined) this.#forget(run)
  }

  /** Code of which no run is waiting for anything had to be ended. */
  wentOn(context: ChannelContext, nowMs: number): void {
    context.overran(nowMs)
    const { waitedFor } = this.#hostCalls
    const at = waitedFor === undefined ? '' : ` (it waited for host call '${waitedFor}')`
    const tooMuch = new Error(
      `code that went on after its run (a timer, an answer of the host) used up the time that it may hold the worker, and was ended${at}`,
    )
    this.#answers.unhandled(context.number, withoutFrames(Object.assign(tooMuch, { code: 'ERR_TIMEOUT' })))
  }

  /** Ends all waiting runs of a context. */
  abandonAll(context: ChannelContext, code: ErrorCode, message: string): void {
    const phase = phaseOf(context.realm.record.waitingFor)
    for (const run of [...context.pending.values(), ...context.idlers.values()]) this.#abandon(run, code, message, phase)
  }

  /** The tenant has used up its processor time: no run waits any longer. */
  pause(): void {
    for (const run of this.#waiting.values()) {
      this.#abandon(run, 'ERR_CPU_LIMIT', EXHAUSTED, phaseOf(run.context.realm.record.waitingFor))
      this.after(run.context)
    }
  }

  /** Nothing wakes this context any more. */
  stop(context: ChannelContext): void {
    context.isStopped = true
    clearTimeout(context.timer)
    this.#waits.forget(context)
    context.realm.onRequest = undefined
  }

  /** The client is gone. */
  close(): void {
    this.#waits.clear()
    this.#parts.usage.waiting -= this.#waiting.size
    this.#waiting.clear()
  }

  /** Jobs that wait to be run may take the time of the first try; there are none the second time. */
  #give(context: ChannelContext, bytes: Uint8Array): boolean {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (context.realm.give(bytes, performance.now() + HOUSEKEEPING_MS) === COMPLETED) return true
    }
    return false
  }

  #add(run: Run): void {
    this.#waiting.set(run.run, run)
    this.#parts.usage.waiting++
    this.#waits.add(run)
  }

  /** What a turn from the event loop ends with. */
  #end(context: ChannelContext): void {
    this.after(context)
    this.#answers.flush()
  }

  /** The run's deadline has passed while it waited. */
  #expire(run: Run): void {
    const { waitingFor } = run.context.realm.record
    this.#abandon(run, 'ERR_TIMEOUT', ranOut(run, this.#waitedText(run), performance.now()), phaseOf(waitingFor))
  }

  /** Runs whose deadline has passed already are not what a turn is for. */
  #expireOverdue(context: ChannelContext): void {
    const nowMs = performance.now()
    for (const run of context.pending.values()) if (run.deadlineMs <= nowMs) this.#expire(run)
  }

  #turn(context: ChannelContext, op: Op): Ending {
    return this.#turnOf(context, (deadlineMs) => context.realm.step(op, deadlineMs))
  }

  /** Evaluates the modules that wait for it. What a deadline keeps from being done is seen to the next time. */
  #enterModules(context: ChannelContext): void {
    const { realm } = context
    const { record } = realm
    // Answers of runs before must not wait for one that may take long.
    this.#answers.relieve()
    for (let entered = 0; entered < MAX_ROUNDS && this.#mayGoOn(context); entered++) {
      this.#expireOverdue(context)
      const ending = this.#turnOf(context, (deadlineMs) => realm.enterModule(deadlineMs))
      if (record.module === 0) {
        if (ending === INTERRUPTED) break
        return
      }
      // Also a module whose evaluation was ended is told of, to whom waits for it.
      for (let tries = 0; record.module !== 0 && tries < MAX_TRIES; tries++) {
        const nowMs = performance.now()
        realm.step(Op.entered, Math.max(context.nearest()?.deadlineMs ?? 0, nowMs + HOUSEKEEPING_MS))
      }
      record.module = 0
    }
    record.attention |= ATTENTION.modules
  }

  /** One evaluate on behalf of whatever waits in the context. */
  #turnOf(context: ChannelContext, enter: (deadlineMs: number) => Ending): Ending {
    const { guard, heartbeat } = this.#parts
    const startMs = performance.now()
    const nearest = context.nearest()
    const deadlineMs = nearest?.deadlineMs ?? startMs + context.budget.available(startMs)
    if (nearest === undefined) context.payCalls(startMs)
    // The realm side knows better for a timer and an answer.
    context.realm.record.origin = 0
    this.#hostCalls.begin()
    heartbeat.serve(this.#channel, nearest?.run ?? 0)
    const ending = enter(deadlineMs)
    if (heartbeat.rest()) guard.absorbInterrupt()
    const nowMs = performance.now()
    for (const run of context.pending.values()) run.busyMs += nowMs - startMs - this.#hostCalls.waitedMs
    if (nearest === undefined) context.budget.spend(nowMs - startMs)
    if (ending === INTERRUPTED) this.#interrupted(context, nowMs)
    return ending
  }

  /** Somebody's code ran on until the first deadline among the waiting runs: it is theirs to pay. */
  #interrupted(context: ChannelContext, nowMs: number): void {
    this.#answers.guestMessages(context.realm)
    if (context.pending.size === 0) {
      this.wentOn(context, nowMs)
      return
    }
    context.overran(nowMs)
    const { waitedFor } = this.#hostCalls
    // Ending a run enters the realm, and so forgets it.
    const { place } = this.#parts.guard
    for (const run of context.pending.values()) {
      const state = waitedFor === undefined ? 'computed' : `waited for host call '${waitedFor}'`
      if (run.deadlineMs <= nowMs + 1) this.#abandon(run, 'ERR_TIMEOUT', ranOut(run, state, nowMs), phaseOf(waitedFor), place)
    }
  }

  /** Answers the waiting runs whose promise has settled by now. */
  #collect(context: ChannelContext): void {
    const { record } = context.realm
    while (record.settled > 0 && context.pending.size > 0) {
      record.run = 0
      const left = record.settled
      const ending = context.realm.step(Op.take, context.nearest()?.deadlineMs ?? 0)
      const run = context.pending.get(record.run)
      if (run !== undefined) {
        this.#forget(run)
        if (run.owner === undefined) this.#events.settled(context, run, ending)
        else run.owner.settled(ending)
      } else if (record.settled >= left) return
    }
  }

  #abandon(run: Run, code: ErrorCode, message: string, phase: Phase, place?: GuestPlace): void {
    const { context } = run
    const { realm } = context
    const wasIdler = context.idlers.has(run.run)
    this.#forget(run)
    // A context that ends with this run need not forget it.
    if (!wasIdler && !context.isDone) {
      realm.record.run = run.run
      realm.step(Op.forget, performance.now() + HOUSEKEEPING_MS)
    }
    this.#answers.guestMessages(realm)
    if (run.owner === undefined) {
      const tookMs = performance.now() - run.startedMs
      this.#answers.failed(run.run, code, message, phase, tookMs, run.busyMs, place)
      this.#parts.counter.failed(ERROR_CODES[code], tookMs)
    } else run.owner.abandoned(code, message, phase)
    this.#events.released(context)
  }

  /** What a run waited for, in words. */
  #waitedText({ run, context }: Run): string {
    const { waitingFor, timerAt, outside } = context.realm.record
    const isIdler = context.idlers.has(run)
    if (waitingFor === '') {
      const also = timerAt < Number.POSITIVE_INFINITY ? timerText(timerAt - Date.now()) : outside > 0 ? OUTSIDE_TEXT : ''
      return `waited for ${isIdler ? 'its context to be idle' : 'a promise'}${also}`
    }
    return `waited for ${isIdler ? 'its context to be idle: ' : ''}host call '${waitingFor}'`
  }

  #forget(run: Run): void {
    if (this.#waiting.delete(run.run)) this.#parts.usage.waiting--
    run.context.pending.delete(run.run)
    run.context.uncapCalls(run.run)
    run.context.idlers.delete(run.run)
    this.#waits.remove(run)
  }

  #answerIdlers(context: ChannelContext): void {
    if (!context.isIdle) return
    for (const run of context.idlers.values()) {
      this.#forget(run)
      this.#answers.nothing(run.run)
    }
  }

  /** Whether code may be entered that nobody has just asked for. */
  #mayGoOn(context: ChannelContext): boolean {
    return (
      !this.#conversation.isCongested() &&
      !this.#parts.pause.isOn &&
      (context.pending.size > 0 || context.budget.waitMs(performance.now()) <= 0)
    )
  }

  /** Has the context woken when its next timer is due, or when it may compute again. */
  #schedule(context: ChannelContext): void {
    clearTimeout(context.timer)
    const { timerAt } = context.realm.record
    if (timerAt === Number.POSITIVE_INFINITY || context.isStopped) return
    const budgetMs = context.pending.size > 0 ? 0 : context.budget.waitMs(performance.now())
    const pausedMs = this.#parts.pause.isOn ? PAUSED_MS : 0
    const congestedMs = this.#conversation.isCongested() ? CONGESTED_MS : 0
    const waitMs = Math.min(LONGEST_TIMER_MS, Math.max(timerAt - Date.now(), budgetMs, congestedMs, pausedMs, 0))
    context.timer = setTimeout(() => this.#runTimers(context), Math.ceil(waitMs))
  }

  #runTimers(context: ChannelContext): void {
    const { record } = context.realm
    const untilMs = performance.now() + TIMERS_MS
    do {
      this.#expireOverdue(context)
      if (!this.#mayGoOn(context)) break
      this.#turn(context, Op.timer)
      this.after(context)
    } while (!context.isStopped && record.timerAt <= Date.now() && performance.now() < untilMs)
    this.#schedule(context)
    this.#end(context)
  }
}

/** What a run may wait for besides host calls: whether it does cannot be known. */
const OUTSIDE_TEXT = ' (WebAssembly or Atomics.waitAsync is under way)'

function timerText(inMs: number): string {
  return inMs > 0 ? ` (the next timer is due in ${Math.ceil(inMs)} ms)` : ' (timers are due)'
}

function phaseOf(hostCall: string | undefined): Phase {
  return hostCall === undefined || hostCall === '' ? 'run' : 'host-call'
}
