import type { Command } from 'commander'
import { type Daemon, type DaemonOptions, inheritedSocket, readConfiguration, ServiceManager, startService } from '../daemon/index.ts'
import { Dashboard } from './dashboard/dashboard.ts'
import { describeFailure } from './failure.ts'
import { addServeOptions, type ServeFlags } from './serve-options.ts'
import { UsageError } from './usage-error.ts'

const EXAMPLES = `
Examples:
  glovebox serve                             for this user, on the default socket
  glovebox serve --socket /srv/gb/d.sock     on a socket of its own; its directory must be yours
  glovebox serve --spare 4 --memory 512M     four workers ready, each with a heap of 512 MiB
  glovebox serve --log-level warn            quiet
  glovebox serve --config glovebox.json      with options from a file; flags are stronger
  glovebox serve --metrics 127.0.0.1:9464 --dashboard
                                             with metrics for Prometheus, and a page to look at
  GLOVEBOX_SPARE=4 glovebox serve            the same by the environment, which is stronger than a file
  glovebox serve --policy /etc/glovebox.json --socket-mode 666
                                             for the tenants that the policy names

SIGHUP reads configuration and policy again. SIGTERM or Ctrl-C lets runs finish, then stops; a second one stops at once.`

export function addServe(program: Command): void {
  addServeOptions(program.command('serve').description('start a daemon and stay in the foreground'))
    .option('--dashboard', 'serve a live page beside the metrics; its address, with a key, is printed')
    .addHelpText('after', EXAMPLES)
    .action(serve)
}

async function serve({ config, dashboard, ...flags }: ServeFlags & { readonly dashboard?: true }): Promise<void> {
  const options = (): DaemonOptions => readConfiguration({ file: config, environment: process.env, flags }).options
  using manager = ServiceManager.of(process.env)
  const stopping = (drainMs: number): void => manager?.stopping(drainMs)
  const held: { daemon?: Daemon } = {}
  const pages = dashboard === true ? new Dashboard(() => held.daemon) : undefined
  if (pages !== undefined && options().metrics?.startsWith('/') !== false)
    throw new UsageError("'--dashboard' needs '--metrics' with a port, such as 127.0.0.1:9464: a browser opens no Unix socket")
  await using daemon = await startService(options(), {
    socket: inheritedSocket(process.env),
    stopping,
    pages: pages === undefined ? undefined : (request, response) => pages.serve(request, response),
  })
  held.daemon = daemon
  stopOnSignal(daemon)
  reloadOnSignal(daemon, options, manager)
  process.stdout.write(`glovebox listens on ${daemon.socket} (pid ${process.pid})\n`)
  if (pages !== undefined) process.stdout.write(`dashboard: http://${daemon.metrics}${pages.path}\n`)
  manager?.ready(() => summaryOf(daemon))
  await daemon.stopped
}

function summaryOf(daemon: Daemon): string {
  const {
    workers,
    daemon: { clients },
  } = daemon.status()
  const bound = workers.filter(({ state }) => state === 'bound')
  const tenants = new Set(bound.map(({ tenant }) => tenant))
  return `${workers.length} workers, ${bound.length} in use by ${tenants.size} tenants; ${clients} clients`
}

function reloadOnSignal(daemon: Daemon, options: () => DaemonOptions, manager: ServiceManager | undefined): void {
  const reload = (): void => {
    try {
      daemon.reload(options())
      process.stderr.write('glovebox: configuration read again\n')
    } catch (error) {
      process.stderr.write(`${describeFailure(error)}\nglovebox: the old configuration stays\n`)
    }
  }
  process.on('SIGHUP', () => {
    if (manager === undefined) reload()
    else manager.reloading(reload)
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
