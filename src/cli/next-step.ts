import {
  AccessDeniedError,
  ConnectionError,
  LimitError,
  MemoryLimitError,
  OutputLimitError,
  OverloadedError,
  TimeoutError,
  ValueError,
  WorkerCrashError,
} from '../client/index.ts'

/** What a person can do about a failure, as one sentence; undefined where its message says all. */
export function nextStep(error: unknown): string | undefined {
  if (error instanceof TimeoutError)
    return "Raise the deadline with --timeout MS, at most what 'glovebox config print' shows as maxTimeout for the daemon."
  if (error instanceof MemoryLimitError) return "Use less memory, or start the daemon with a larger one: 'glovebox serve --memory 512M'."
  if (error instanceof OutputLimitError) return 'Return less, or write parts of it to the console.'
  if (error instanceof OverloadedError) return "Try again, look at 'glovebox top', or start the daemon with a larger --max."
  if (error instanceof LimitError && error.code === 'ERR_CPU_LIMIT')
    return "Wait a minute, or raise 'cpu' for this tenant in the daemon's policy: docs/tenants.md."
  if (error instanceof AccessDeniedError) {
    if (error.code === 'ERR_VERSION') return "Use the same release of Glovebox on both sides: 'glovebox --version'."
    return 'Give --tenant and $GLOVEBOX_TOKEN as the policy has them, or ask who runs the daemon: docs/tenants.md.'
  }
  if (error instanceof ValueError && error.code === 'ERR_VALUE_UNSUPPORTED')
    return 'Return data in its place, or write it to the console, which shows everything.'
  if (error instanceof WorkerCrashError) return "See 'glovebox status' for how other workers died, and docs/reliability.md."
  if (error instanceof ConnectionError && isForbidden(error.cause))
    return "Its owner lets others in with 'glovebox serve --socket-mode 660 --socket-group GROUP': docs/tenants.md."
  return undefined
}

function isForbidden(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'EACCES'
}
