import type { Command } from 'commander'
import type { ConnectOptions } from '../client/index.ts'

/** How a command is told which daemon is meant, and who asks. */
export interface ConnectionFlags {
  readonly socket?: string
  readonly tenant?: string
}

const SOCKET = 'socket of the daemon (default: $GLOVEBOX_SOCKET, or the one that is running)'
const TENANT = 'tenant to be, where the daemon has several; its token is read from $GLOVEBOX_TOKEN'

export function addConnectionOptions(command: Command): Command {
  return command.option('--socket <path>', SOCKET).option('--tenant <name>', TENANT)
}

/** For commands that run something: without a daemon they start one that ends with them. A token as a flag would be there for all to see. */
export function connectOptions({ socket, tenant }: ConnectionFlags): ConnectOptions {
  const token = process.env['GLOVEBOX_TOKEN'] || undefined
  return {
    ...(socket === undefined ? {} : { socket }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(token === undefined ? {} : { token }),
  }
}

/** For commands about a daemon that runs already: they never start one. */
export function runningDaemon(flags: ConnectionFlags): ConnectOptions {
  return { ...connectOptions(flags), spawn: false }
}
