import { GloveboxError } from '../base/error.ts'

export type DaemonErrorCode =
  | 'ERR_SOCKET_IN_USE'
  | 'ERR_SOCKET_DIRECTORY'
  | 'ERR_SOCKET_PATH'
  | 'ERR_WORKER_BOOT'
  | 'ERR_OVERLOADED'
  | 'ERR_STOPPING'
  | 'ERR_PLATFORM'
  | 'ERR_CONFINEMENT'
  | 'ERR_RUNTIME'
  | 'ERR_POLICY'
  | 'ERR_CONFIG'
  | 'ERR_METRICS'
  | 'ERR_ACCESS_DENIED'

/** A failure of the daemon's, with a {@link DaemonErrorCode}. The message says what to do about it. */
export class DaemonError extends GloveboxError {
  declare readonly code: DaemonErrorCode
}
