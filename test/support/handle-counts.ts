import type { Box } from 'glovebox'
import { eventually } from './eventually.ts'

/** What `status` says of functions that cross: contexts and handles of the workers at work, and both kinds at this client. */
export interface HandleCounts {
  readonly contexts: number
  readonly handles: number
  readonly guestFunctions: number
  readonly hostFunctions: number
}

export const NONE: HandleCounts = { contexts: 0, handles: 0, guestFunctions: 0, hostFunctions: 0 }

async function countHandles(box: Box): Promise<HandleCounts> {
  const { workers, client } = await box.status()
  let contexts = 0
  let handles = 0
  for (const worker of workers) {
    contexts += worker.contexts
    handles += worker.handles
  }
  return { contexts, handles, ...client }
}

/** Waits until `status` says so; `meanwhile` is done each time before it is asked. Workers tell their daemon four times a second. */
export async function handleCounts(box: Box, wanted: Partial<HandleCounts>, meanwhile?: () => unknown): Promise<void> {
  const all = { ...NONE, ...wanted }
  let last: HandleCounts | undefined
  try {
    await eventually('the counts', async () => {
      await meanwhile?.()
      last = await countHandles(box)
      return JSON.stringify(last) === JSON.stringify(all)
    })
  } catch {
    throw new Error(`counts are ${JSON.stringify(last)}, not ${JSON.stringify(all)}`)
  }
}
