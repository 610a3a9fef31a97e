/**
 * Layout of the page that a worker shares with its daemon. The deadline is a double at the start: CLOCK_MONOTONIC milliseconds, 0 while no guest code runs. The rest are
 * indices of 32-bit integers.
 */
export const HEARTBEAT = {
  /** What the worker serves now; 0 is nothing. Written by the worker. */
  channel: 2,
  run: 3,
  /** 1 while the daemon looks at the page in order to send SIGINT, and so may be about to. Written by the daemon. */
  interrupting: 4,
  /** How many it has sent. Written by the daemon. */
  interrupts: 5,
  /** The channel and run that are to end, {@link ANY_RUN} for all of the channel: what the worker's own code looks at when a guest asks it something. Written by the daemon. */
  unwantedChannel: 6,
  unwantedRun: 7,
} as const

/** Doubles, by index, that say until when the worker's tenant may not compute (CLOCK_MONOTONIC milliseconds, 0 for a tenant that may), and why. Written by the daemon. */
export const PAUSE = { until: 4, configured: 5, observed: 6 } as const

/** The part of the page that the daemon reads. The rest is there because a page cannot be smaller. */
export const HEARTBEAT_USED_BYTES = 32
export const HEARTBEAT_BYTES = 4096
/** No request has this number. */
export const ANY_RUN = -1
