import { createHash } from 'node:crypto'

const MAGIC = Buffer.from('glovebox-vm-1\n')
const DIGEST_BYTES = 32

/** What a code cache was made of. */
export interface CachedSource {
  readonly source: string
  /** Of a function's body. */
  readonly parameters: readonly string[] | undefined
}

/**
 * A code cache as users keep it, with a digest of it and of its source. V8 looks at little more than version and length: a damaged cache ends its process, and that of another source of the same length runs in place of
 * the given one.
 */
export function sealCachedData(of: CachedSource, data: Uint8Array): Buffer {
  return Buffer.concat([MAGIC, digestOf(of, data), data])
}

/** What V8 is to get; undefined if it was not made of this source, or was changed since. */
export function openCachedData(of: CachedSource, sealed: Uint8Array): Uint8Array | undefined {
  const start = MAGIC.length + DIGEST_BYTES
  const data = sealed.subarray(start)
  const isWhole = sealed.length >= start && MAGIC.equals(sealed.subarray(0, MAGIC.length))
  return isWhole && digestOf(of, data).equals(sealed.subarray(MAGIC.length, start)) ? data : undefined
}

function digestOf({ source, parameters }: CachedSource, data: Uint8Array): Buffer {
  const head = JSON.stringify([source.length, parameters ?? null])
  return createHash('sha256').update(head).update(source, 'utf16le').update(data).digest()
}
