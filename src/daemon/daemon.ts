import { type OptionChange } from './config/changes.ts'
import { type DaemonOptions } from './options.ts'
import type { EndpointSource } from './metrics/endpoint.ts'
import type { InheritedSocket } from './service/inherited-socket.ts'
import { type DaemonStatus } from './status.ts'

/** A running daemon. Disposing it stops it at once; {@link Daemon.stop} drains first. */
export interface Daemon extends AsyncDisposable {
  /** The socket that clients connect to. */
  readonly socket: string
  /** Takes no new leases, waits until runs have ended (at most the `drain` option), then disposes. */
  stop(): Promise<void>
  /** Resolves when the daemon has stopped, for whatever reason. */
  readonly stopped: Promise<void>
  /**
   * Reads the policy again, if it is in a file, and takes over other options, if they are given: all that this daemon would be started with. Clients of tenants that are gone are closed;
   * limits that changed hold from the next lease on. The log says what changed, and so does what is returned; most options wait for the next start (`needsRestart`).
   *
   * @throws InvalidOptionError `ERR_INVALID_OPTION`; all stays as it was
   * @throws DaemonError `ERR_POLICY` with file, line, key and rule; all stays as it was
   */
  reload(options?: DaemonOptions): readonly OptionChange[]
  /** Where metrics are served, if they are: a path, or host and port. */
  readonly metrics: string | undefined
  /** Its workers, tenants, limits and deaths, as an operator sees them. */
  status(): DaemonStatus
}

/** What started a daemon's process, if that is more than a shell: a service manager. */
export interface DaemonHost {
  /** Serve there, in the place of the option `socket`. */
  readonly socket?: InheritedSocket | undefined
  /** It has begun to stop, and may take so long to let runs finish. */
  readonly stopping?: ((drainMs: number) => void) | undefined
  /** More pages beside the metrics. */
  readonly pages?: EndpointSource['pages']
}
