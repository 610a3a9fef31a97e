import { join } from 'node:path'

/** Socket of a daemon that runs as a system service. */
export const SYSTEM_SOCKET_PATH = '/run/glovebox/daemon.sock'

/** Where a daemon of this user serves: `$XDG_RUNTIME_DIR/glovebox/daemon.sock`, or the system's path where that variable is not set. */
export function defaultSocketPath(): string {
  const runtime = process.env['XDG_RUNTIME_DIR']
  return runtime === undefined || runtime === '' ? SYSTEM_SOCKET_PATH : join(runtime, 'glovebox', 'daemon.sock')
}
