/** What the client answered to a host call; the payload is the value, still encoded. */
export interface HostAnswer {
  readonly type: 'returned' | 'raised' | 'promised'
  readonly payload: Uint8Array
}

/** How a channel talks to its client in the middle of an evaluate, without the event loop. Times are milliseconds of `performance.now()`. */
export interface Conversation {
  converse(context: number, call: number, deadlineMs: number): HostAnswer | undefined
  send(deadlineMs: number): boolean
  /** Guest code should not be entered before the client has read more. */
  isCongested(): boolean
}
