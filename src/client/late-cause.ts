import { isDeath } from './death.ts'
import { ContextLostError } from './errors.ts'

/** Who calls after the end of a worker did not see it crash: for them the context is lost, and the crash is why. */
export function lateCause(cause: Error): Error {
  if (!isDeath(cause)) return cause
  return new ContextLostError('ERR_CONTEXT_LOST', `the context is gone: ${cause.message}`, cause.report, { cause })
}

/** Whether `error` is what a call got that came after that end. */
export function isLate(error: unknown, cause: Error): boolean {
  return error instanceof ContextLostError && error.cause === cause && isDeath(cause)
}
