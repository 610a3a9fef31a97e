import type { Command } from 'commander'
import type { DaemonOptions } from '../daemon/index.ts'
import { parseWhole } from './quantity.ts'

/** The options of a daemon, as flags: they have the names and meanings of the daemon's. */
export type ServeFlags = DaemonOptions & { readonly config?: string }

/** What `serve` takes, and `config`, which looks at the same. */
export function addServeOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: $GLOVEBOX_CONFIG, or the usual path): docs/configuration.md')
    .option('--socket <path>', 'where to listen (default: $XDG_RUNTIME_DIR/glovebox/daemon.sock)')
    .option('--spare <count>', 'workers kept ready beyond those in use', parseWhole)
    .option('--max <count>', 'workers at most', parseWhole)
    .option('--max-per-tenant <count>', 'shared workers of one tenant at most', parseWhole)
    .option('--timeout <ms>', 'default deadline of a run', parseWhole)
    .option('--max-timeout <ms>', 'the longest deadline that a client may ask for', parseWhole)
    .option('--max-output <bytes>', 'the largest result, and arguments of a host call', parseWhole)
    .option('--max-depth <levels>', 'levels of a value', parseWhole)
    .option('--max-source <characters>', 'the longest source', parseWhole)
    .option('--max-console <bytes>', 'console messages of a context in a second', parseWhole)
    .option('--max-console-lines <calls>', 'console calls of a context in a second', parseWhole)
    .option('--max-host-calls <calls>', 'host calls until nothing is pending in a context', parseWhole)
    .option('--max-host-calls-in-flight <calls>', 'host calls of a context that have no answer yet', parseWhole)
    .option('--max-contexts <count>', 'contexts in one worker', parseWhole)
    .option('--max-queue <count>', 'leases of one tenant that may wait for a worker', parseWhole)
    .option('--queue-timeout <ms>', 'how long a lease may wait', parseWhole)
    .option('--cpu <seconds>', 'processor time that a tenant may use in a minute', parseWhole)
    .option('--memory <bytes>', 'V8 heap of each worker, as bytes or 256M')
    .option('--high-water <bytes>', 'resident memory of a worker above which it is recycled, as bytes or 1G')
    .option('--recycle-after <runs>', 'runs after which a worker is replaced', parseWhole)
    .option('--confinement <level>', 'strict, auto or process: what must hold before a worker runs anything')
    .option('--require <layers...>', 'further layers that must hold: L1 to L5')
    .option('--policy <file>', 'who the tenants are, and what each may do: docs/tenants.md')
    .option('--socket-mode <octal>', 'who may connect, as permission bits: 600 (default), 660 or 666')
    .option('--socket-group <group>', 'the group that may connect')
    .option('--cgroup <path>', "a cgroup (version 2) that is the daemon's to arrange")
    .option('--runtime <path>', 'Node binary that workers run on')
    .option('--compiler-idle <ms>', 'how long a compiler that nobody uses is kept', parseWhole)
    .option('--crash-window <ms>', 'a script that crashed three workers in this time is refused for as long', parseWhole)
    .option('--drain <ms>', 'how long runs may finish when the daemon stops', parseWhole)
    .option('--metrics <address>', 'serve metrics and health there: 127.0.0.1:PORT, or the path of a socket')
    .option('--log-level <level>', 'silent, error, warn, info or debug')
}
