import vm from 'node:vm'
import { LRUCache } from 'lru-cache'
import { DEFAULT_FILENAME } from '../protocol/default-filename.ts'
import { toSourceUrl } from '../protocol/source-url.ts'
import type { RunCounter } from './run-counter.ts'

/** UTF-16 code units of source that the cache keeps alive, and scripts. Sources are the tenant's own, so is what it costs. */
const MAX_CACHED_SOURCE = 32 * 1024 * 1024
const MAX_CACHED_SCRIPTS = 2_000

export interface CompiledScript {
  readonly filename: string
  readonly script: vm.Script
  /** UTF-16 code units of its source. */
  readonly length: number
  /** Whether its last run was over at once. */
  quick: boolean
}

/** The source for `eval`, which without a name of its own would tell the name of the file that calls it. */
export function namedSource(source: string, filename: string = DEFAULT_FILENAME): string {
  return `${source}\n//# sourceURL=${toSourceUrl(filename)}`
}

/** Throws the SyntaxError of the main realm that V8 makes of a source which does not parse. */
export function compileScript(source: string, filename: string = DEFAULT_FILENAME, cachedData?: Uint8Array): CompiledScript {
  const script = new vm.Script(source, { filename, ...(cachedData === undefined ? {} : { cachedData }) })
  return { filename, script, length: source.length, quick: false }
}

/** Compiled scripts by source and file name. One compiled script serves any number of contexts. */
export class ScriptCache {
  readonly #scripts = new LRUCache<string, CompiledScript>({
    max: MAX_CACHED_SCRIPTS,
    maxSize: MAX_CACHED_SOURCE,
    sizeCalculation: (_entry, source) => source.length + 1,
  })

  readonly #counter: RunCounter

  constructor(counter: RunCounter) {
    this.#counter = counter
  }

  /** Throws what {@link compileScript} does. */
  get(source: string, filename: string = DEFAULT_FILENAME): CompiledScript {
    const cached = this.#scripts.get(source)
    const isHit = cached !== undefined && cached.filename === filename
    this.#counter.looked('scripts', isHit)
    if (isHit) return cached
    const compiled = compileScript(source, filename)
    if (source.length < MAX_CACHED_SOURCE) this.#scripts.set(source, compiled)
    return compiled
  }
}
