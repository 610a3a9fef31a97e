import { type ChannelLimits, type LimitsMessage, lowered } from '../protocol/channel-limits.ts'

/** The limits of a channel: what the daemon granted, what its client made of that, and what the client wants for the next context or request. Nothing that a client says raises any. */
export class RequestLimits {
  /** What the daemon granted. */
  readonly ceilings: ChannelLimits
  /** As low as the client has made them. */
  channel: ChannelLimits
  #next: LimitsMessage | undefined

  constructor(ceilings: ChannelLimits) {
    this.ceilings = ceilings
    this.channel = ceilings
  }

  lower(message: LimitsMessage): void {
    if (message.context === 0) this.channel = lowered(this.ceilings, message.limits)
    else this.#next = message
  }

  /** Of the context of that number, which is made now. */
  ofContext(context: number): ChannelLimits {
    const next = this.#take()
    return next?.run === 0 && next.context === context ? lowered(this.channel, next.limits) : this.channel
  }

  /** Of a request in a context with `limits`; undefined if they are the context's. */
  ofRun(run: number, limits: ChannelLimits): ChannelLimits | undefined {
    const next = this.#take()
    return next?.run === run ? lowered(limits, next.limits) : undefined
  }

  #take(): LimitsMessage | undefined {
    const next = this.#next
    if (next !== undefined) this.#next = undefined
    return next
  }
}
