import type { ChannelLimits } from '../protocol/channel-limits.ts'
import type { ClientToWorker } from '../protocol/channel-link.ts'
import type { AboutCall } from './about-call.ts'

type RequestHead = Extract<
  Exclude<ClientToWorker, { readonly type: 'hello' | 'cancel' | 'more' | 'due' | 'limits' }>,
  { readonly run: number }
>
/** A request without its number, which the channel gives. */
export type Request = RequestHead extends infer Head ? (Head extends RequestHead ? Omit<Head, 'run'> : never) : never

/** What goes with a request. */
export interface CallExtras extends Partial<Pick<AboutCall, 'many' | 'script' | 'due'>> {
  /** Lower limits, of the context that it makes, or of itself. */
  readonly limits?: ChannelLimits | undefined
  /** Gets the number of the call. */
  readonly started?: (run: number) => void
}
