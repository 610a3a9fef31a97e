import type { ConnectOptions } from '../client/index.ts'

/** How a command is told which daemon is meant. */
export interface DaemonAddress {
  readonly socket?: string
}

/** For commands about a daemon that runs already: they never start one. */
export function runningDaemon({ socket }: DaemonAddress): ConnectOptions {
  return socket === undefined ? { spawn: false } : { socket, spawn: false }
}
