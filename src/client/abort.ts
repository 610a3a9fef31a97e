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
  const abort = (): void => {
    aborted.reject(signal.reason)
    promise.then(unwanted, () => undefined)
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
