import type { Layer } from '../protocol/attestation.ts'
import { type Confinement, resolveConfinement } from './confinement.ts'
import { DaemonError } from './daemon-error.ts'
import type { FirstSteps } from './first-steps.ts'
import { refuseIoUring } from './io-uring-filter.ts'
import { createLog } from './log.ts'
import { type DaemonOptions, type DaemonSettings, resolveDaemonOptions } from './options.ts'
import { claimSocket } from './socket-claim.ts'
import { isOpenSocket, isOpenToOthers } from './tenants/socket-access.ts'
import { Tenants } from './tenants/tenants.ts'
import { VERSION } from './version.ts'
import { examineRuntime } from './runtime.ts'

import type { Daemon, DaemonHost } from './daemon.ts'
import { RunningDaemon } from './running-daemon.ts'
import { defaultLimits } from './tenants/default-limits.ts'

/**
 * Starts a daemon in this process: claims the socket, boots the spare workers, accepts clients. Node ≥ 26 on Linux.
 *
 * Installs a seccomp filter on this process that refuses io_uring, and sets `no_new_privs`; both stay.
 *
 * @throws InvalidOptionError `ERR_INVALID_OPTION`
 * @throws DaemonError `ERR_SOCKET_IN_USE`, `ERR_SOCKET_DIRECTORY`, `ERR_SOCKET_PATH`, `ERR_CONFINEMENT`, `ERR_RUNTIME`, `ERR_WORKER_BOOT`, `ERR_PLATFORM`, `ERR_POLICY`
 */
export async function startDaemon(options?: DaemonOptions): Promise<Daemon> {
  return startWith(resolveDaemonOptions(options))
}

/** {@link startDaemon} for a service manager. */
export async function startService(options: DaemonOptions, host: DaemonHost): Promise<Daemon> {
  const { socket } = host
  return startWith(resolveDaemonOptions(socket === undefined ? options : { ...options, socket: socket.path }), { host })
}

/** {@link startDaemon} for a program that has begun already. */
export async function startEmbedded(options: DaemonOptions, steps: FirstSteps | undefined): Promise<Daemon> {
  using _untaken = steps
  try {
    return await startWith(resolveDaemonOptions(options), { steps })
  } catch (error) {
    steps?.claim.release()
    throw error
  }
}

/** For tests: {@link startDaemon} with another program in the place of the worker, which is not confined unless `without` is given; and with layers left out, to see what they stop. */
export async function startDaemonWithWorker(
  options: DaemonOptions,
  workerFile: string | undefined,
  without?: readonly Layer[],
): Promise<Daemon> {
  return startWith(resolveDaemonOptions(options), { workerFile, without })
}

interface Circumstances {
  readonly workerFile?: string | undefined
  readonly without?: readonly Layer[] | undefined
  readonly host?: DaemonHost
  readonly steps?: FirstSteps | undefined
}

async function startWith(settings: DaemonSettings, { workerFile, without, host = {}, steps }: Circumstances = {}): Promise<Daemon> {
  const log = createLog(settings.logLevel)
  const runtime = examineRuntime(settings.runtime)
  const tenants = new Tenants(settings.policy, defaultLimits(settings))
  if (host.socket !== undefined && settings.policy === undefined && isOpenSocket(host.socket.path))
    throw new DaemonError(
      'ERR_CONFIG',
      `others than this user may connect to ${host.socket.path}: that needs a 'policy', or 'SocketMode=0600'`,
    )
  const claim = steps?.claim ?? claimSocket(settings.socketPath, isOpenToOthers(settings.access), host.socket !== undefined)
  try {
    if (!refuseIoUring()) log.warn('io_uring could not be refused: workers cannot be confined by seccomp')
    const confinement =
      workerFile !== undefined && without === undefined
        ? UNCONFINED
        : await resolveConfinement({ ...settings.confinement, without: without ?? [] }, runtime.path, steps && (async () => steps.probe()))
    const daemon = new RunningDaemon(settings, tenants, runtime, confinement, claim, log, workerFile, host, steps)
    try {
      await daemon.listen()
    } catch (error) {
      await daemon[Symbol.asyncDispose]()
      throw error
    }
    for (const { layer, reason, fix } of confinement.absent)
      if (layer !== 'L5') log.warn({ layer, reason, fix }, 'a layer of confinement does not hold')
    log.info({ socket: claim.path, version: VERSION, node: runtime.node }, 'daemon started')
    return daemon
  } catch (error) {
    claim.release()
    throw error
  }
}

const UNCONFINED: Confinement = {
  sandbox: undefined,
  cgroups: undefined,
  lockDown: false,
  dropPermissions: false,
  required: [],
  absent: [],
}
