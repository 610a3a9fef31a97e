import type { Answers } from './answers.ts'
import type { ChannelContext } from './channel-context.ts'
import type { Conversation, HostAnswer } from './host-answer.ts'
import { primitiveRead, readPrimitive } from './primitive-payload.ts'
import { Answer, Request } from './realm/record.ts'

/** Answers what a realm side asks in the middle of an evaluate: to send its messages, and to wait for the answer to a synchronous host call. */
export class HostCalls {
  readonly #answers: Answers
  readonly #conversation: Conversation
  /** An answer that is on its way into the realm, which makes room for it first. */
  #held: HostAnswer | undefined
  /** How long the run at work has waited in synchronous calls, in milliseconds. */
  waitedMs = 0
  /** The function that it waited for when it was ended, if it did. */
  waitedFor: string | undefined

  constructor(answers: Answers, conversation: Conversation) {
    this.#answers = answers
    this.#conversation = conversation
  }

  answer(context: ChannelContext, request: number, deadlineMs: number): number {
    switch (request) {
      case Request.call:
        return this.#call(context, deadlineMs)
      case Request.fetch:
        return this.#hand(context)
      case Request.flush:
        return this.#flush(context, deadlineMs)
      default:
        return Answer.refused
    }
  }

  /** A run begins. */
  begin(): void {
    this.waitedMs = 0
    this.waitedFor = undefined
  }

  #call(context: ChannelContext, deadlineMs: number): number {
    const { realm } = context
    this.#answers.frames(realm.takeOutbox())
    const startMs = performance.now()
    const answer = this.#conversation.converse(context.number, realm.record.call, deadlineMs)
    this.waitedMs += performance.now() - startMs
    if (answer === undefined) {
      this.waitedFor = realm.record.calling
      return Answer.end
    }
    if (answer.type === 'promised') return Answer.promised
    this.#held = answer
    return this.#hand(context)
  }

  /** Hands the answer over: a primitive as it is, anything else as bytes. */
  #hand(context: ChannelContext): number {
    const held = this.#held
    if (held === undefined) return Answer.refused
    const { type, payload } = held
    if (type === 'returned' && readPrimitive(payload)) {
      this.#held = undefined
      context.realm.record.reply = primitiveRead
      return Answer.primitive
    }
    if (!context.realm.put(payload)) return Answer.larger
    this.#held = undefined
    return type === 'returned' ? Answer.returned : Answer.raised
  }

  #flush(context: ChannelContext, deadlineMs: number): number {
    this.#answers.frames(context.realm.takeOutbox())
    // If the client does not read, they wait here; their number is bounded by the realm side's limits.
    this.#conversation.send(deadlineMs)
    return Answer.primitive
  }
}
