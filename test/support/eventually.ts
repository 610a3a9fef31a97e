/** How long anything may take that has no deadline of its own, in milliseconds: far above what it takes on a slow machine. */
export const GENEROUS_MS = 10_000
const LOOK_MS = 5

/** Waits until `look` gives something else than undefined or false. Throws, with the last thing seen, when the time is up. */
export async function eventually<Found>(
  what: string,
  look: () => Found | undefined | false | Promise<Found | undefined | false>,
  withinMs = GENEROUS_MS,
): Promise<Found> {
  const until = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > until) throw new Error(`${what}: not within ${withinMs} ms`)
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_MS)
    })
  }
}

/** What a promise rejects with. Fails if it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { readonly code?: string; readonly report?: unknown }> {
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in settled) return settled.error as Error
  throw new Error(`resolved with ${String(settled.value)} where a rejection was expected`)
}
