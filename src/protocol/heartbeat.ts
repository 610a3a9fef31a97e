/**
 * Layout of the page that a worker shares with its daemon, as indices of a Float64Array.
 * `deadlineMs` is in CLOCK_MONOTONIC milliseconds, 0 while no guest code runs.
 */
export const HEARTBEAT = { deadlineMs: 0, channel: 1, run: 2 } as const

export const HEARTBEAT_BYTES = 4096
