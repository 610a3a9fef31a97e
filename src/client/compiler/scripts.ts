import { LRUCache } from 'lru-cache'
import { sourceHash } from '../../base/source-hash.ts'
import { unlessAborted } from '../abort.ts'
import { ProtocolError } from '../errors.ts'
import { checkSource } from '../run-options.ts'
import type { CompileSettings } from './compile-options.ts'
import type { Compiler } from './compiler.ts'
import type { CompileAnswer } from './compiler-channel.ts'
import type { DiskCache } from './disk-cache.ts'
import { Script } from './script.ts'

/** Bytes of compiled sources that a box keeps, and how many. */
const MAX_BYTES = 64 * 1024 * 1024
const MAX_SCRIPTS = 2_000

interface Flight {
  readonly script: Promise<Script>
  /** Aborted when nobody waits for it any more. */
  readonly unwanted: AbortController
  waiters: number
}

/** What a box has compiled: by content, from memory, from disk if there is a directory for it, or else by the compiler. Equal requests at the same time are one. */
export class Scripts {
  readonly #compiler: Compiler
  readonly #disk: DiskCache | undefined
  readonly #maxSource: number
  readonly #known = new LRUCache<string, Script>({ max: MAX_SCRIPTS, maxSize: MAX_BYTES, sizeCalculation: bytesOf })
  readonly #flights = new Map<string, Flight>()

  constructor(compiler: Compiler, disk: DiskCache | undefined, maxSource: number) {
    this.#compiler = compiler
    this.#disk = disk
    this.#maxSource = maxSource
  }

  async compile(source: string, settings: CompileSettings): Promise<Script> {
    checkSource(source, this.#maxSource)
    return this.compileOurs(source, settings)
  }

  /** The same for a source of this package's, which no limit is on. */
  async compileOurs(source: string, { language, format, filename, signal }: CompileSettings): Promise<Script> {
    signal?.throwIfAborted()
    const identity = { language, format, filename, source }
    const hash = sourceHash(identity).toString('hex')
    return this.#known.get(hash) ?? this.#join(hash, signal, async (unwanted) => this.#make(hash, identity, unwanted))
  }

  /** V8 refused the code cache of a script: the next time it is compiled anew. */
  async forget(script: Script): Promise<void> {
    if (this.#known.get(script.hash) === script) this.#known.delete(script.hash)
    await this.#disk?.remove(script.hash)
  }

  async #join(hash: string, signal: AbortSignal | undefined, make: (unwanted: AbortSignal) => Promise<Script>): Promise<Script> {
    let flight = this.#flights.get(hash)
    if (flight === undefined) {
      const unwanted = new AbortController()
      flight = { script: make(unwanted.signal), unwanted, waiters: 0 }
      this.#flights.set(hash, flight)
    }
    flight.waiters++
    try {
      return await unlessAborted(flight.script, signal, () => undefined)
    } finally {
      flight.waiters--
      if (flight.waiters === 0) {
        this.#flights.delete(hash)
        flight.unwanted.abort()
      }
    }
  }

  async #make(
    hash: string,
    identity: Parameters<typeof sourceHash>[0] & Pick<CompileSettings, 'language' | 'format'>,
    unwanted: AbortSignal,
  ): Promise<Script> {
    const stored = await this.#disk?.read(hash)
    const answer = stored ?? (await this.#compiler.compile({ ...identity, cache: true }, unwanted))
    if (Buffer.from(answer.hash).toString('hex') !== hash)
      throw new ProtocolError('ERR_PROTOCOL', 'the compiler answered with another source than it was asked for')
    const script = scriptOf(hash, identity, answer)
    this.#known.set(hash, script)
    if (stored === undefined) await this.#disk?.write(hash, answer)
    return script
  }
}

function scriptOf(
  hash: string,
  { language, format, filename }: Pick<Script, 'language' | 'format' | 'filename'>,
  answer: CompileAnswer,
): Script {
  const { code, imports, sourceMap, cachedData } = answer
  return new Script(hash, { language, format, filename, code, imports, sourceMap, cachedData })
}

function bytesOf({ code, sourceMap, cachedData }: Script): number {
  return 2 * code.length + 2 * (sourceMap?.length ?? 0) + (cachedData?.length ?? 0) + 1
}
