import { isWellFormed, mapGet, MapOf, mapSet } from '../../../protocol/msgpack/intrinsics.ts'
import { define } from '../../../protocol/values/define.ts'
import { isObject } from '../careful.ts'
import { asNative } from '../native-function.ts'
import { type Common, described, type Entry } from './entry.ts'
import { attributeError, moduleError, toldOf } from './module-errors.ts'
import { type ModuleRecords, newList, toJson } from './module-records.ts'
import type { ModuleRegistry } from './registry.ts'

const { apply } = Reflect
const { lastIndexOf, slice } = String.prototype

/** CommonJS modules, which get what they `require` at once, and what all modules that are no ECMAScript look like to those that are. */
export class CommonJs {
  readonly #records: ModuleRecords
  readonly #registry: ModuleRegistry

  constructor(records: ModuleRecords, registry: ModuleRegistry) {
    this.#records = records
    this.#registry = registry
  }

  /** An ECMAScript module that exports what the entry does; the entry fills it when it is evaluated. */
  facade(entry: Entry): number {
    const { common } = entry
    const names = newList<string>()
    names[0] = 'default'
    const taken = new MapOf<string, boolean>()
    mapSet(taken, 'default', true)
    if (common !== undefined) this.#names(entry, common, names, taken, new MapOf())
    let variables = 'let v0'
    let exported = 'export{v0 as default'
    let cases = 'case 0:v0=v;break;'
    for (let i = 1; i < names.length; i++) {
      variables += `,v${i}`
      exported += `,v${i} as ${toJson(names[i])}`
      cases += `case ${i}:v${i}=v;break;`
    }
    entry.fill = (set) => {
      if (common === undefined) {
        set(0, entry.value)
        return
      }
      const exports = this.#evaluated(entry, common)
      set(0, exports)
      if (isObject(exports)) for (let i = 1; i < names.length; i++) set(i, (exports as Record<string, unknown>)[names[i] as string])
    }
    const source = `${variables};${exported}};import.meta.fill((i,v)=>{switch(i){${cases}}})`
    return this.#records.compile(source, 'glovebox:facade', entry.id)
  }

  #names(entry: Entry, common: Common, names: string[], taken: Map<string, boolean>, seen: Map<Entry, boolean>): void {
    if (mapGet(seen, entry) === true) return
    mapSet(seen, entry, true)
    const listed = this.#records.commonJsExports(common.source)
    for (let i = 0; i < listed[0].length; i++) {
      const name = listed[0][i] as string
      // Such names cannot be exported.
      if (mapGet(taken, name) === true || !isWellFormed(name)) continue
      mapSet(taken, name, true)
      names[names.length] = name
    }
    for (let i = 0; i < listed[1].length; i++) {
      try {
        const from = this.#find(entry, listed[1][i] as string)
        if (from.common !== undefined) this.#names(from, from.common, names, taken, seen)
      } catch {
        // Its `require` will tell.
      }
    }
  }

  /** What the module exports. It is evaluated when it is asked for the first time; one that is being evaluated gives what it has by then. */
  #evaluated(entry: Entry, common: Common): unknown {
    const { module } = common
    if (common.isEntered) return module.exports
    const fn = this.#compiled(entry, common)
    common.isEntered = true
    const slash = apply(lastIndexOf, entry.key, ['/'])
    const require = asNative((specifier: unknown) => this.#require(entry, specifier), 'require', 1)
    define(module, 'require', require)
    try {
      apply(fn, module.exports, [module.exports, require, module, entry.name, slash <= 0 ? '.' : apply(slice, entry.key, [0, slash])])
    } catch (error) {
      this.#registry.forget(entry)
      throw error
    }
    module.loaded = true
    return module.exports
  }

  #compiled(entry: Entry, common: Common): (...args: unknown[]) => unknown {
    try {
      return this.#records.compileCommonJs(common.source, entry.name, entry.id)
    } catch (error) {
      this.#registry.forget(entry)
      throw toldOf(error, described(entry))
    }
  }

  #require(entry: Entry, specifier: unknown): unknown {
    if (typeof specifier !== 'string') throw attributeError('require() takes a specifier, which is a string')
    const found = this.#find(entry, specifier)
    if (found.common !== undefined) return this.#evaluated(found, found.common)
    if (found.source === undefined) return found.value
    throw moduleError('ERR_REQUIRE_ESM', `Cannot require '${specifier}' from '${entry.name}': it is an ES module; use import()`)
  }

  #find(entry: Entry, specifier: string): Entry {
    const { lookups, key } = entry
    // Nobody imports with this type.
    const known = this.#registry.known(key, specifier, 'require')
    if (known !== undefined) return known
    for (let again = false; ; again = true) {
      const answer = (0, lookups.loadSync)(key, specifier, again)
      const found = this.#registry.enter(answer, lookups, key, specifier, 'require')
      if (found !== undefined) return found
      if (again) throw moduleError('ERR_MODULE_LOAD', `Cannot load module '${specifier}' required by '${entry.name}'`)
    }
  }
}
