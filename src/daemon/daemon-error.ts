import { GloveboxError } from '../base/error.ts'
import type { DAEMON_ERRORS } from '../protocol/error-table.ts'

/** Those of docs/errors.md: a code that is not explained there does not compile. */
export type DaemonErrorCode = keyof typeof DAEMON_ERRORS | 'ERR_WORKER_BOOT' | 'ERR_OVERLOADED' | 'ERR_STOPPING' | 'ERR_ACCESS_DENIED'

/** A failure of the daemon's, with a {@link DaemonErrorCode}. The message says what to do about it. */
export class DaemonError extends GloveboxError {
  declare readonly code: DaemonErrorCode
}
