import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { type Box, connect, ConnectionError } from '../client/index.ts'
import { type DaemonAddress, runningDaemon } from './running-daemon.ts'

const EXAMPLES = `
Examples:
  glovebox stop                           let runs finish, stop, and return when it is gone
  glovebox stop --socket /srv/gb/d.sock   the daemon on that socket`

/** How often to look whether the daemon is gone, in milliseconds. */
const LOOK_MS = 25

export function addStop(program: Command): void {
  program
    .command('stop')
    .description('let the running daemon finish its runs, and stop it')
    .option('--socket <path>', 'socket of the daemon (default: $GLOVEBOX_SOCKET, or the one that is running)')
    .addHelpText('after', EXAMPLES)
    .action(stop)
}

async function stop(options: DaemonAddress): Promise<void> {
  await using box = await connect(runningDaemon(options))
  const { daemon } = await box.status()
  await box.stopDaemon()
  await gone(box)
  process.stdout.write(`stopped the daemon on ${daemon.socket} (pid ${daemon.pid})\n`)
}

/** A daemon answers until its workers are reaped; then it closes the connection. */
async function gone(box: Box): Promise<void> {
  for (;;) {
    try {
      await box.status()
    } catch (error) {
      if (error instanceof ConnectionError) return
      throw error
    }
    await wait(LOOK_MS)
  }
}
