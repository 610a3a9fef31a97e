import {
  AccessDeniedError,
  CompilerCrashError,
  ConnectionError,
  GuestError,
  InvalidOptionError,
  LimitError,
  MemoryLimitError,
  OutputLimitError,
  OverloadedError,
  TimeoutError,
  ValueError,
  WorkerCrashError,
} from '../client/index.ts'
import { DaemonError } from '../daemon/daemon-error.ts'
import { BundleError } from './bundle-error.ts'
import { INTERRUPTED_EXIT, InterruptedError } from './interrupted.ts'
import { UsageError } from './usage-error.ts'

/** What the exit code of the command says. Stable: scripts branch on it. */
export const EXIT = {
  ok: 0,
  /** The guest threw, killed its own worker, or returned what cannot leave the sandbox; or what was to be a guest cannot be bundled. */
  guest: 1,
  usage: 2,
  /** There is no daemon, it does not serve this user, or it could not be started. */
  unavailable: 3,
  limit: 4,
  internal: 70,
} as const

/** The blame for a failed command, as an exit code. */
export function exitCodeOf(error: unknown): number {
  // First: the `code` of a guest's error is the guest's own.
  if (error instanceof GuestError) return EXIT.guest
  if (error instanceof BundleError) return EXIT.guest
  if (error instanceof InterruptedError) return INTERRUPTED_EXIT
  if (error instanceof UsageError || error instanceof InvalidOptionError) return EXIT.usage
  if (error instanceof TimeoutError || error instanceof MemoryLimitError || error instanceof OutputLimitError) return EXIT.limit
  if (error instanceof LimitError || error instanceof OverloadedError) return EXIT.limit
  if (error instanceof ValueError) return error.code === 'ERR_VALUE_UNSUPPORTED' ? EXIT.guest : EXIT.limit
  if (error instanceof WorkerCrashError || error instanceof CompilerCrashError)
    return error.report?.limit === undefined ? EXIT.guest : EXIT.limit
  if (error instanceof ConnectionError || error instanceof AccessDeniedError) return EXIT.unavailable
  if (error instanceof DaemonError) return error.code === 'ERR_CONFIG' || error.code === 'ERR_POLICY' ? EXIT.usage : EXIT.unavailable
  return EXIT.internal
}
