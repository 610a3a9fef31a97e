import { MAX_CONTEXTS, SEMI_SPACE_BYTES } from '../protocol/limits.ts'

/** V8 counts its young generation into the limit of the heap, in which contexts that stay do not live for long. */
const YOUNG_BYTES = 3 * SEMI_SPACE_BYTES
/** What a context takes of the heap before its guest puts anything there, in bytes, and a quarter more: 455,000 were measured with Node 26.10. */
const CONTEXT_BYTES = 576 * 1024

/**
 * How many contexts a worker may have whose heap is at most `heapBytes`: 455 with the default memory. One that is refused has an error to show for it; one too many would end the worker, and all its contexts
 * with it.
 */
export const contextLimit = (heapBytes: number): number =>
  Math.max(MAX_CONTEXTS.min, Math.min(MAX_CONTEXTS.max, Math.floor((heapBytes - YOUNG_BYTES) / CONTEXT_BYTES)))
