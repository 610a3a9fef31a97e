import { LRUCache } from 'lru-cache'
import { ReportedError } from '../errors.ts'
import type { Script } from './script.ts'

/** Scripts that are remembered as sent; a worker keeps no more. */
const MAX_SENT = 2_000

/** The compiled scripts that a worker was sent: each once, unless it has no room for it any more. */
export class SentScripts {
  readonly #sent = new LRUCache<string, Script>({ max: MAX_SENT })
  readonly #send: (script: Script) => void
  readonly #refused: (script: Script) => void

  constructor(send: (script: Script) => void, refused: (script: Script) => void) {
    this.#send = send
    this.#refused = refused
  }

  /** Calls for something that names these scripts by their hashes, which the worker knows by then. */
  async run(scripts: readonly Script[], call: () => Promise<unknown>): Promise<unknown> {
    for (const script of scripts) if (this.#sent.get(script.hash) === undefined) this.#sendNow(script)
    try {
      return await call()
    } catch (error) {
      // A guest's error may have any code.
      if (!(error instanceof ReportedError) || error.code !== 'ERR_SCRIPT_UNKNOWN') throw error
    }
    for (const script of scripts) this.#sendNow(script)
    return call()
  }

  /** The worker's V8 did not take the code cache. */
  refused(hash: Uint8Array): void {
    const script = this.#sent.get(Buffer.from(hash).toString('hex'))
    if (script === undefined) return
    script.refuseCachedData()
    this.#refused(script)
  }

  #sendNow(script: Script): void {
    this.#send(script)
    this.#sent.set(script.hash, script)
  }
}
