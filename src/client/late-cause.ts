import { ConnectionError, ContextLostError, MemoryLimitError, WorkerCrashError } from './errors.ts'

/** Who calls after the end of a worker did not see it crash: for them the context is lost, and the crash is why. */
export function lateCause(cause: Error): Error {
  const isLost = cause instanceof WorkerCrashError || cause instanceof MemoryLimitError || isDisconnection(cause)
  if (!isLost) return cause
  return new ContextLostError(
    'ERR_CONTEXT_LOST',
    `the context is gone: ${cause.message}`,
    cause instanceof ConnectionError ? undefined : cause.report,
    { cause },
  )
}

/** The daemon is gone, or the connection to it: a context that was there is lost. */
function isDisconnection(cause: Error): cause is ConnectionError {
  return cause instanceof ConnectionError && (cause.code === 'ERR_CONNECTION' || cause.code === 'ERR_STOPPING')
}
