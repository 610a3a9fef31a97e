import type { Admission } from '../../confined/tickets.ts'
import { type ChannelLimits, lowered } from '../../protocol/channel-limits.ts'
import { MAX_ATTACHED } from '../../protocol/limits.ts'
import { MalformedMessageError } from '../../protocol/link.ts'
import type { NamedMessage } from '../../protocol/named-messages.ts'
import type { Answers } from '../answers.ts'
import type { WorkerParts } from '../worker-parts.ts'
import { limitsFor, type NamedContext, type Party, type Served } from './named-context.ts'
import type { NamedContexts } from './named-contexts.ts'

type Attach = Extract<NamedMessage, { readonly type: 'attach' }>

/** Messages about the next one: a client sends three at most. */
const MAX_BEFORE = 8
const NOTHING: readonly Served[] = []

interface Attachment {
  readonly party: Party
  readonly key: Uint8Array
  readonly context: NamedContext
}

/** The named contexts to which a channel is attached. */
export class Attachments {
  readonly #parts: WorkerParts
  readonly #names: NamedContexts
  readonly #admission: Admission
  readonly #answers: Answers
  /** Of the channel: as low as its client has made them. */
  #limits: ChannelLimits
  readonly #byContext = new Map<number, Attachment>()
  #before: Served[] = []
  #isClosed = false

  constructor(parts: WorkerParts, names: NamedContexts, admission: Admission, answers: Answers) {
    this.#parts = parts
    this.#names = names
    this.#admission = admission
    this.#answers = answers
    this.#limits = admission.limits
  }

  /** Serves what is for a named context, and hands anything else to `otherwise`. */
  serve(message: Served | NamedMessage, payload: Uint8Array, otherwise: (message: Served, payload: Uint8Array) => void): void {
    if (message.type === 'limits' && message.context === 0) {
      this.#limits = lowered(this.#admission.limits, message.limits)
      otherwise(message, payload)
      return
    }
    switch (message.type) {
      case 'plan':
      case 'due':
      case 'limits':
        // Who they are for shows with the next.
        if (this.#before.length >= MAX_BEFORE) throw new MalformedMessageError('too many messages about the next one')
        this.#before.push(message)
        return
      case 'attach':
        this.#attach(message, this.#taken(), payload.slice())
        return
      case 'ready':
      case 'end':
        this.#done(message)
        return
      default:
    }
    const before = this.#taken()
    const attachment = this.#byContext.size > 0 && 'context' in message ? this.#byContext.get(message.context) : undefined
    if (attachment === undefined) {
      if (message.type === 'more' && this.#more(message)) return
      for (const each of before) otherwise(each, payload.subarray(0, 0))
      otherwise(message, payload)
      return
    }
    // The rest is about functions, and none have crossed.
    if (!('run' in message)) return
    const { party, context } = attachment
    if (message.type === 'dispose') {
      this.#byContext.delete(message.context)
      context.detach(party)
      this.#answers.nothing(message.run)
    } else {
      if (party.runs.has(message.run)) throw new MalformedMessageError(`the number ${message.run} of a request that is not answered yet`)
      context.serve(party, message, before, payload)
    }
  }

  /** False if it is none of an attached context. */
  cancel(run: number): boolean {
    for (const { party, context } of this.#byContext.values()) {
      const number = party.runs.get(run)
      if (number === undefined) continue
      context.cancel(number)
      return true
    }
    return false
  }

  /** The client is gone. */
  close(): void {
    this.#isClosed = true
    for (const { party, context } of this.#byContext.values()) context.detach(party)
    this.#byContext.clear()
  }

  #more(message: Extract<Served, { readonly type: 'more' }>): boolean {
    for (const { party, context } of this.#byContext.values()) {
      if (!party.runs.has(message.run)) continue
      context.serve(party, message, NOTHING, new Uint8Array(0))
      return true
    }
    return false
  }

  #attach(message: Attach, before: readonly Served[], payload: Uint8Array): void {
    if (this.#byContext.has(message.context)) throw new MalformedMessageError(`context ${message.context} exists already`)
    if (this.#byContext.size >= MAX_ATTACHED) {
      this.#answers.failed(
        message.run,
        'ERR_CONTEXT_LIMIT',
        `this channel has ${MAX_ATTACHED} named contexts, which is the limit`,
        'queued',
        0,
        0,
      )
      return
    }
    if (this.#tryAttach(message, before, payload)) return
    // The daemon has announced it before the client heard of it, over another socket: the loop looks at all of them before this.
    setImmediate(() =>
      setImmediate(() => {
        if (this.#isClosed || this.#byContext.has(message.context) || this.#tryAttach(message, before, payload)) return
        this.#answers.failed(message.run, 'ERR_NAME_UNKNOWN', 'there is no context under this key', 'queued', 0, 0)
        this.#answers.flush()
      }),
    )
  }

  #tryAttach(message: Attach, before: readonly Served[], payload: Uint8Array): boolean {
    const context = this.#names.open(message.key, this.#parts, this.#admission)
    if (context === undefined) return false
    const party = {
      channel: this.#admission.channel,
      context: message.context,
      limits: limitsFor(this.#limits, before),
      answers: this.#answers,
      runs: new Map<number, number>(),
    }
    this.#byContext.set(message.context, { party, key: message.key, context })
    context.attach(party, message, before, payload)
    return true
  }

  #done({ type, run, context: number }: Exclude<NamedMessage, Attach>): void {
    const attachment = this.#byContext.get(number)
    if (type === 'ready') attachment?.context.ready(attachment.party)
    else if (attachment !== undefined) {
      this.#byContext.delete(number)
      attachment.context.detach(attachment.party)
      this.#names.end(attachment.key)
    }
    this.#answers.nothing(run)
  }

  #taken(): readonly Served[] {
    if (this.#before.length === 0) return NOTHING
    const before = this.#before
    this.#before = []
    return before
  }
}
