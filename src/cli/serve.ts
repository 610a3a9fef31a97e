import type { Command } from 'commander'
import type { Daemon, DaemonOptions } from '../daemon/index.ts'
import { describeFailure } from './failure.ts'
import { parseBytes, parseWhole } from './quantity.ts'

const EXAMPLES = `
Examples:
  glovebox serve                             for this user, on the default socket
  glovebox serve --socket /srv/gb/d.sock     on a socket of its own; its directory must be yours
  glovebox serve --spare 4 --memory 512M     four workers ready, each with a heap of 512 MiB
  glovebox serve --log-level warn            quiet
  glovebox serve --policy /etc/glovebox.json --socket-mode 666
                                             for the tenants that the policy names

SIGHUP reads the policy again. SIGTERM or Ctrl-C lets runs finish, then stops; a second one stops at once.`

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('start a daemon and stay in the foreground')
    .option('--socket <path>', 'where to listen (default: $XDG_RUNTIME_DIR/glovebox/daemon.sock)')
    .option('--spare <count>', 'workers kept ready beyond those in use', parseWhole)
    .option('--max <count>', 'workers at most', parseWhole)
    .option('--timeout <ms>', 'default deadline of a run', parseWhole)
    .option('--memory <bytes>', 'V8 heap of each worker, as bytes or 256M', parseBytes)
    .option('--confinement <level>', 'strict, auto or process: what must hold before a worker runs anything')
    .option('--require <layers...>', 'further layers that must hold: L1 to L5')
    .option('--policy <file>', 'who the tenants are, and what each may do: docs/tenants.md')
    .option('--socket-mode <octal>', 'who may connect, as permission bits: 600 (default), 660 or 666')
    .option('--socket-group <group>', 'the group that may connect')
    .option('--cgroup <path>', "a cgroup (version 2) that is the daemon's to arrange")
    .option('--runtime <path>', 'Node binary that workers run on')
    .option('--drain <ms>', 'how long runs may finish when the daemon stops', parseWhole)
    .option('--log-level <level>', 'silent, error, warn, info or debug')
    .addHelpText('after', EXAMPLES)
    .action(serve)
}

/** The command's options have the names and meanings of the daemon's. */
async function serve(options: DaemonOptions): Promise<void> {
  const { startDaemon } = await import('../daemon/index.ts')
  await using daemon = await startDaemon(options)
  stopOnSignal(daemon)
  reloadOnSignal(daemon)
  process.stdout.write(`glovebox listens on ${daemon.socket} (pid ${process.pid})\n`)
  await daemon.stopped
}

function reloadOnSignal(daemon: Daemon): void {
  process.on('SIGHUP', () => {
    try {
      daemon.reload()
      process.stderr.write('glovebox: policy read again\n')
    } catch (error) {
      process.stderr.write(`${describeFailure(error)}\nglovebox: the old policy stays\n`)
    }
  })
}

function stopOnSignal(daemon: Daemon): void {
  let asked = false
  const stop = (): void => {
    // Neither rejects: what goes wrong while stopping is in the log.
    if (asked) void daemon[Symbol.asyncDispose]()
    else void daemon.stop()
    asked = true
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
