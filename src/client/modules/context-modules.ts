import type { Script } from '../compiler/script.ts'
import { type FindModule, type Modules, readModules } from './given-modules.ts'
import { type LookupHost, ModuleLookups, SentModules } from './module-lookups.ts'

/** The two functions that a guest's realm looks modules up with. */
type Crossing = readonly [load: ModuleLookups['load'], loadSync: ModuleLookups['loadSync']]

/** What a context imports from: lookups for each map or resolver that was given, the same for the same one. */
export class ContextModules {
  readonly #host: LookupHost
  readonly #sent = new SentModules()
  readonly #lookups = new WeakMap<object, ModuleLookups>()

  constructor(host: LookupHost) {
    this.#host = host
  }

  /** Throws ERR_INVALID_OPTION. A map is read anew each time. */
  lookups(modules: Modules, meta: Readonly<Record<string, unknown>> | undefined): Crossing {
    const find = readModules(modules)
    let lookups = meta === undefined ? this.#lookups.get(modules) : undefined
    if (lookups === undefined) {
      lookups = new ModuleLookups(find, meta, this.#sent, this.#host)
      if (meta === undefined) this.#lookups.set(modules, lookups)
    }
    lookups.find = find
    return [lookups.load, lookups.loadSync]
  }

  /** For a compiled module, which imports from `modules`, if there are any. */
  lookupsFor(script: Script, key: string, modules: Modules | undefined, meta: Readonly<Record<string, unknown>> | undefined): Crossing {
    const others: FindModule = modules === undefined ? () => undefined : readModules(modules)
    const find: FindModule = (wanted, ...about) => (wanted === key ? script : others(wanted, ...about))
    const lookups = new ModuleLookups(find, meta, this.#sent, this.#host)
    return [lookups.load, lookups.loadSync]
  }
}

/** The key of a compiled module. */
export function keyOf({ filename, hash }: Script): string {
  return filename ?? `module-${hash.slice(0, 16)}.mjs`
}
