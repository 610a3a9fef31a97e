import type { Admission } from '../../confined/tickets.ts'
import { type ChannelLimits, lowered } from '../../protocol/channel-limits.ts'
import { type WorkerToClient, workerToClient } from '../../protocol/channel-link.ts'
import { FrameSplitter } from '../../protocol/framing.ts'
import { FRAME_OVERHEAD_BYTES, MAX_ATTACHED, MAX_OUTPUT } from '../../protocol/limits.ts'
import { MsgpackReader } from '../../protocol/msgpack/reader.ts'
import type { NamedMessage } from '../../protocol/named-messages.ts'
import { Answers } from '../answers.ts'
import { ChannelRuns } from '../channel-runs.ts'
import type { WorkerParts } from '../worker-parts.ts'

/** The number of the one context, where its requests are served. */
const CONTEXT = 1
const TAKES_LESS =
  'runMany() in this named context may give more than this client takes: its maxOutput or maxDepth is lower than that of who made the context'
const NO_PAYLOAD = new Uint8Array(0)
/** Numbers of channels that are no client's begin after this. */
const LAST_CHANNEL_OF_CLIENTS = 0x8000_0000
let lastChannel = LAST_CHANNEL_OF_CLIENTS

export type Served = Parameters<ChannelRuns['serve']>[0]
type Attach = Extract<NamedMessage, { readonly type: 'attach' }>

/** A channel that is attached, or waits to be. */
export interface Party {
  readonly channel: number
  /** The channel's number for the context. */
  readonly context: number
  /** What its client gives a guest here. */
  readonly limits: ChannelLimits
  readonly answers: Answers
  /** Its requests that are not answered yet: its numbers, and those under which they are served. */
  readonly runs: Map<number, number>
}

/**
 * A context that several channels share. What they ask is served as if one channel had asked it, under numbers of its own; an answer goes to who asked, and what the context says by itself to all that keep up with it. Only
 * data crosses: a function would belong to one of them.
 */
export class NamedContext {
  /** How many have attached so far. */
  attaches = 0
  readonly #runs: ChannelRuns
  readonly #answers: Answers
  /** What the daemon grants, and what the maker gave the context. */
  readonly #ceilings: ChannelLimits
  #limits: ChannelLimits
  readonly #heartbeat: WorkerParts['heartbeat']
  readonly #reader = new MsgpackReader()
  readonly #parties = new Set<Party>()
  readonly #byRun = new Map<number, { readonly party: Party; readonly run: number }>()
  /** Who makes it, and keeps others waiting until it is ready; and they. */
  #maker: Party | undefined
  readonly #waiting = new Map<Party, () => void>()
  #isMade = false
  #isEnded = false
  #creating = 0
  #current: Party | undefined
  #lastRun = 0
  #flushing = false
  /** Those with answers that are not attached. */
  readonly #unflushed = new Set<Party>()

  /** @param admission of the channel that is the first to attach */
  constructor(parts: WorkerParts, { maxTimeoutMs, limits }: Admission) {
    this.#ceilings = limits
    this.#limits = limits
    const splitter = new FrameSplitter(2 * MAX_OUTPUT.max + FRAME_OVERHEAD_BYTES, (bytes, start, end) => this.#route(bytes, start, end))
    const send = (bytes: Uint8Array): number => {
      splitter.push(bytes)
      this.#flushSoon()
      return bytes.length
    }
    this.#answers = new Answers({ send, trySend: send }, parts.pause)
    this.#heartbeat = parts.heartbeat
    const own: WorkerParts = {
      ...parts,
      isShared: true,
      heartbeat: {
        serve: (_, run) => this.#serves(run),
        rest: () => parts.heartbeat.rest(),
        get isUnwanted() {
          return parts.heartbeat.isUnwanted
        },
      },
      uploads: {
        keep: () => undefined,
        get: (_, hash, refused) => (this.#current === undefined ? undefined : parts.uploads.get(this.#current.channel, hash, refused)),
        forget: () => undefined,
      },
    }
    const admission = { channel: ++lastChannel, maxTimeoutMs, limits }
    this.#runs = new ChannelRuns(own, admission, this.#answers, { converse: () => undefined, send: () => true, isCongested: () => false })
  }

  get attached(): number {
    return this.#parties.size
  }

  /** `before` are messages about how it is made. Others wait while one makes it. */
  attach(party: Party, message: Attach, before: readonly Served[], payload: Uint8Array): void {
    if (this.#isEnded) {
      this.#fail(party, message.run, 'ERR_NAME_UNKNOWN', 'the context of this name was ended')
      return
    }
    if (this.#maker !== undefined) {
      if (this.#waiting.size >= MAX_ATTACHED)
        this.#fail(party, message.run, 'ERR_CONTEXT_LIMIT', `${MAX_ATTACHED} clients wait for this context`)
      else {
        const bytes = payload.slice()
        this.#waiting.set(party, () => this.attach(party, message, before, bytes))
      }
      return
    }
    const { run, mode } = message
    if (this.#parties.size >= MAX_ATTACHED)
      this.#fail(party, run, 'ERR_CONTEXT_LIMIT', `${MAX_ATTACHED} clients are attached to this context, which is the limit`)
    else if (!this.#isMade && mode === 'existing') this.#fail(party, run, 'ERR_NAME_UNKNOWN', 'there is no context of this name')
    else if (this.#isMade && mode === 'new') this.#fail(party, run, 'ERR_NAME_TAKEN', 'there is a context of this name already')
    else if (this.#isMade) {
      this.#join(party)
      party.answers.value(run, false, MAX_OUTPUT.min)
    } else this.#make(party, message, before, payload)
    this.#flushSoon(party)
  }

  /** Its maker is done. */
  ready(party: Party): void {
    if (this.#maker !== party) return
    this.#maker = undefined
    this.#admitWaiting()
  }

  /** A request of an attached channel. `before` are messages about it. */
  serve(party: Party, message: Extract<Served, { readonly run: number }>, before: readonly Served[], payload: Uint8Array): void {
    if (!this.#parties.has(party)) {
      if (message.type !== 'more') this.#fail(party, message.run, 'ERR_CONTEXT_LOST', 'this named context was ended')
      return
    }
    if (message.type === 'many' && this.#takesLess(party)) {
      this.#fail(party, message.run, 'ERR_OUTPUT_LIMIT', TAKES_LESS)
      return
    }
    const run = message.type === 'more' ? party.runs.get(message.run) : this.#number(party, message.run)
    if (run === undefined) return
    this.#current = party
    if (message.type !== 'more') this.#limit(party, run, before)
    this.#about(before, run)
    this.#runs.serve({ ...message, context: CONTEXT, run } as Served, payload)
    this.#answers.flush()
    this.#current = undefined
  }

  cancel(run: number): void {
    this.#runs.cancel(run)
  }

  detach(party: Party): void {
    this.#waiting.delete(party)
    if (!this.#parties.delete(party)) return
    for (const run of party.runs.values()) {
      this.#byRun.delete(run)
      this.#runs.cancel(run)
    }
    party.runs.clear()
    if (this.#maker !== party) return
    // What it made is not whole.
    this.#maker = undefined
    this.#drop()
    this.#admitWaiting()
  }

  /** Nothing is left of it, and all are told. */
  end(): void {
    this.#isEnded = true
    this.#drop()
    for (const { answers } of this.#parties) answers.flush()
    this.#parties.clear()
    this.#maker = undefined
    this.#runs.close()
    this.#admitWaiting()
  }

  sweep(): void {
    this.#runs.sweep()
  }

  /** Whether it computes until its deadline time and again. */
  get offends(): boolean {
    return this.#runs.offends(performance.now())
  }

  pause(): void {
    this.#runs.pause()
  }

  #join(party: Party): void {
    this.#parties.add(party)
    this.attaches++
  }

  #make(party: Party, { run, gated }: Attach, before: readonly Served[], payload: Uint8Array): void {
    const number = this.#number(party, run)
    this.#creating = number
    this.#current = party
    this.#limits = lowered(this.#ceilings, party.limits)
    this.#runs.serve({ type: 'limits', context: 0, run: 0, limits: this.#limits }, NO_PAYLOAD)
    this.#about(before, number)
    this.#runs.serve({ type: 'create', run: number, context: CONTEXT }, payload)
    this.#answers.flush()
    this.#current = undefined
    this.#creating = 0
    if (!this.#isMade) return
    this.#join(party)
    if (gated) this.#maker = party
  }

  /** A client gets no more than it gives guests itself, whoever made the context. */
  #limit(party: Party, run: number, before: readonly Served[]): void {
    const limits = lowered(this.#limits, limitsFor(party.limits, before))
    if (limits !== this.#limits) this.#runs.serve({ type: 'limits', context: CONTEXT, run, limits }, NO_PAYLOAD)
  }

  /** Outcomes have the limits of the context. */
  #takesLess({ limits: { maxOutput, maxDepth } }: Party): boolean {
    return maxOutput < this.#limits.maxOutput || maxDepth < this.#limits.maxDepth
  }

  #about(before: readonly Served[], run: number): void {
    for (const each of before) if (each.type !== 'limits') this.#runs.serve({ ...each, context: CONTEXT, run } as Served, NO_PAYLOAD)
  }

  #drop(): void {
    if (!this.#isMade) return
    this.#isMade = false
    // Nobody waits for the answer.
    this.#runs.serve({ type: 'dispose', run: this.#nextRun(), context: CONTEXT }, NO_PAYLOAD)
    this.#answers.flush()
  }

  #admitWaiting(): void {
    for (const [party, attach] of this.#waiting) {
      if (this.#maker !== undefined) return
      this.#waiting.delete(party)
      attach()
    }
  }

  #number(party: Party, run: number): number {
    const number = this.#nextRun()
    party.runs.set(run, number)
    this.#byRun.set(number, { party, run })
    return number
  }

  #nextRun(): number {
    this.#lastRun = this.#lastRun >= 0xffff_ffff ? 1 : this.#lastRun + 1
    return this.#lastRun
  }

  #serves(run: number): void {
    const entry = this.#byRun.get(run)
    this.#heartbeat.serve(entry?.party.channel ?? 0, entry?.run ?? 0)
  }

  #fail(party: Party, run: number, code: Parameters<Answers['failed']>[1], message: string): void {
    party.answers.failed(run, code, message, 'queued', 0, 0)
    this.#flushSoon(party)
  }

  #route(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    reader.reset(bytes, start, end)
    const message = workerToClient.read(reader)
    const payload = bytes.subarray(reader.position, end)
    if ('run' in message && !('context' in message)) this.#answer(message, payload)
    else if ('context' in message) {
      for (const party of this.#parties) if (!party.answers.isHeldUp) party.answers.relay({ ...message, context: party.context }, payload)
    } else this.#current?.answers.relay(message, payload)
  }

  #answer(message: Extract<WorkerToClient, { readonly run: number }>, payload: Uint8Array): void {
    const entry = this.#byRun.get(message.run)
    if (entry === undefined) return
    const { party, run } = entry
    const isLast = message.type === 'outcomes' ? message.done : message.type !== 'evidence'
    if (isLast) {
      this.#byRun.delete(message.run)
      party.runs.delete(run)
    }
    if (message.run === this.#creating && message.type === 'done') {
      this.#isMade = true
      party.answers.value(run, true, MAX_OUTPUT.min)
    } else party.answers.relay({ ...message, run }, payload)
  }

  /** What was relayed leaves at the end of this turn of the event loop. */
  #flushSoon(also?: Party): void {
    if (also !== undefined) this.#unflushed.add(also)
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      for (const { answers } of this.#unflushed) answers.flush()
      this.#unflushed.clear()
      for (const { answers } of this.#parties) answers.flush()
    })
  }
}

/** Lower than `limits` if a message among those before a request says so. */
export function limitsFor(limits: ChannelLimits, before: readonly Served[]): ChannelLimits {
  for (const each of before) if (each.type === 'limits') return lowered(limits, each.limits)
  return limits
}
