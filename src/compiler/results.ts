import { LRUCache } from 'lru-cache'
import type { Compiled } from './outcome.ts'

/** Bytes of results that a compiler keeps, and how many. */
const MAX_BYTES = 64 * 1024 * 1024
const MAX_RESULTS = 2_000

/** What was compiled lately, by the hash of what it was compiled from. */
export class Results {
  readonly #results = new LRUCache<string, Compiled>({ max: MAX_RESULTS, maxSize: MAX_BYTES, sizeCalculation: bytesOf })

  /** @param cache whether the code cache is wanted, too: a result without one does not do then, unless there cannot be one */
  get(hash: Buffer, cache: boolean): Compiled | undefined {
    return this.#results.get(keyOf(hash, cache))
  }

  keep(hash: Buffer, cache: boolean, compiled: Compiled): void {
    this.#results.set(keyOf(hash, cache), compiled)
  }
}

function keyOf(hash: Buffer, cache: boolean): string {
  return `${hash.toString('base64')}${cache}`
}

function bytesOf({ code, sourceMap, cachedData }: Compiled): number {
  return 2 * code.length + 2 * (sourceMap?.length ?? 0) + (cachedData?.length ?? 0) + 1
}
