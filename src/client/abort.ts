/**
 * Waits for `promise`, but rejects with the signal's reason as soon as it is aborted. What `promise` resolves with after that goes to `unwanted`.
 */
export async function unlessAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
  unwanted: (late: Result) => void,
): Promise<Result> {
  if (signal === undefined) return promise
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([aborted.promise, promise])
  } catch (error) {
    // Only now: one that was there when the signal was aborted may have been had all the same.
    promise.then(unwanted, () => undefined)
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
