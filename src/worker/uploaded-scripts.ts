import { LRUCache } from 'lru-cache'
import type { ScriptMessage } from '../protocol/script-messages.ts'
import type { RunCounter } from './run-counter.ts'
import { type CompiledScript, compileScript } from './scripts.ts'

/** UTF-16 code units and bytes of code cache that are kept, and scripts. They are the tenant's own, so is what they cost. */
const MAX_SIZE = 64 * 1024 * 1024
const MAX_SCRIPTS = 2_000

type Upload = Extract<ScriptMessage, { readonly type: 'script' }>

/** What came, until it is run for the first time; then what V8 made of it. */
type Uploaded = Upload | CompiledScript

/** Scripts that clients sent, by channel and hash: what one client sends under a hash, no other gets to run. */
export class UploadedScripts {
  readonly #scripts = new LRUCache<string, Uploaded>({ max: MAX_SCRIPTS, maxSize: MAX_SIZE })

  readonly #counter: RunCounter

  constructor(counter: RunCounter) {
    this.#counter = counter
  }

  keep(channel: number, upload: Upload): void {
    const size = upload.code.length + (upload.cachedData?.length ?? 0) + 1
    this.#scripts.set(keyOf(channel, upload.hash), upload, { size })
  }

  /**
   * Undefined if it is not there, or not any more. Compiles at the first use, which throws what {@link compileScript} does.
   * @param refused called if V8 does not take the code cache that came with it
   */
  get(channel: number, hash: Uint8Array, refused: () => void): CompiledScript | undefined {
    const key = keyOf(channel, hash)
    const found = this.#scripts.get(key)
    const isHit = found !== undefined && 'script' in found
    // Of one that is unknown the client hears, and sends it: that is when it counts.
    if (found !== undefined) this.#counter.looked('scripts', isHit)
    if (found === undefined || isHit) return found
    const { code, filename, cachedData } = found
    const compiled = compileScript(code, filename, cachedData)
    const { cachedDataRejected } = compiled.script
    if (cachedDataRejected !== undefined) this.#counter.looked('code', !cachedDataRejected)
    if (cachedDataRejected === true) refused()
    // V8 keeps the code, and has no more use for the cache.
    this.#scripts.set(key, compiled, { size: code.length + 1 })
    return compiled
  }

  /** The client is gone. */
  forget(channel: number): void {
    for (const key of this.#scripts.keys()) if (key.startsWith(`${channel}:`)) this.#scripts.delete(key)
  }
}

function keyOf(channel: number, hash: Uint8Array): string {
  return `${channel}:${Buffer.from(hash).toString('base64')}`
}
