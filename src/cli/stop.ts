import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { type Box, connect, ConnectionError } from '../client/index.ts'
import { addConnectionOptions, type ConnectionFlags, runningDaemon } from './connection-options.ts'

const EXAMPLES = `
Examples:
  glovebox stop                           let runs finish, stop, and return when it is gone
  glovebox stop --socket /srv/gb/d.sock   the daemon on that socket
  glovebox stop --json                    prints {"ok":true,"socket":…,"pid":…}`

/** How often to look whether the daemon is gone, in milliseconds. */
const LOOK_MS = 25

export function addStop(program: Command): void {
  addConnectionOptions(program.command('stop').description('let the running daemon finish its runs, and stop it'))
    .option('--json', 'print one line of JSON')
    .addHelpText('after', EXAMPLES)
    .action(stop)
}

async function stop({ json, ...flags }: ConnectionFlags & { readonly json?: true }): Promise<void> {
  await using box = await connect(runningDaemon(flags))
  const { daemon } = await box.status()
  await box.stopDaemon()
  await gone(box)
  const { socket, pid } = daemon
  process.stdout.write(json === true ? `${JSON.stringify({ ok: true, socket, pid })}\n` : `stopped the daemon on ${socket} (pid ${pid})\n`)
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
