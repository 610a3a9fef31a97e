import { getOwnPropertyDescriptor, isArray, mapDelete, mapGet, MapOf, mapSet, ObjectOf } from '../../../protocol/msgpack/intrinsics.ts'
import { define } from '../../../protocol/values/define.ts'
import { attempt, isObject, readText } from '../careful.ts'
import { type Answered, type Common, described, type Entry, type Failed, type Lookups } from './entry.ts'
import { jsonError, moduleError, toldOf } from './module-errors.ts'
import { toJson } from './module-records.ts'

const { parse } = JSON
const SymbolOf = Symbol

/** The modules of a realm. */
export class ModuleRegistry {
  readonly #entries = new MapOf<string, Entry>()
  readonly #byId = new MapOf<unknown, Entry>()
  /** Where specifiers lead that were looked up. */
  readonly #resolved = new MapOf<string, string>()

  /** The module whose code V8 names so. */
  withId(id: unknown): Entry | undefined {
    return mapGet(this.#byId, id)
  }

  known(referrer: string, specifier: string, type: string): Entry | undefined {
    const found = mapGet(this.#resolved, toJson([referrer, type, specifier]))
    return found === undefined ? undefined : mapGet(this.#entries, found)
  }

  /** Takes what the client says of a module. undefined if the source is wanted, which the client has not sent again. */
  enter(answer: Answered, lookups: Lookups, referrer: string, specifier: string, type: string): Entry | undefined {
    if (!isArray(answer)) throw moduleError('ERR_MODULE_LOAD', `Cannot load module '${specifier}'`)
    if (answer[0] !== 0) throw failure(answer)
    const key = answer[1]
    const format = answer[2]
    const source = answer[3]
    const name = answer[4]
    const meta = answer[5]
    const kind = format === 'json' || format === 'text' ? format : ''
    const full = `${kind}\0${key}`
    mapSet(this.#resolved, toJson([referrer, type, specifier]), full)
    const present = mapGet(this.#entries, full)
    if (present !== undefined) return present
    if (source === undefined) return undefined
    const entry: Entry = {
      key,
      name,
      importer: referrer,
      type: kind,
      lookups,
      id: SymbolOf(),
      meta,
      source: format === 'module' ? source : undefined,
      common: format === 'commonjs' ? newCommon(source, key, name) : undefined,
      value: format === 'json' ? parseJson(source, described({ name, importer: referrer })) : source,
      module: 0,
      requests: undefined,
      dependencies: undefined,
      fill: undefined,
      isLinked: false,
      isInstantiated: false,
      isEvaluated: false,
      isDead: false,
    }
    mapSet(this.#entries, full, entry)
    mapSet(this.#byId, entry.id, entry)
    return entry
  }

  /** It failed half-way, and is of no use to those that have it, either. */
  drop(entry: Entry): void {
    entry.isDead = true
    this.forget(entry)
  }

  /** Who asks for it again gets another. */
  forget(entry: Entry): void {
    const full = `${entry.type}\0${entry.key}`
    if (mapGet(this.#entries, full) === entry) mapDelete(this.#entries, full)
  }
}

function newCommon(source: string, key: string, filename: string): Common {
  const module = { id: key, filename, loaded: false, exports: new ObjectOf() as unknown }
  return { source, module, isEntered: false }
}

function parseJson(source: string, what: string): unknown {
  try {
    return parse(source) as unknown
  } catch (error) {
    throw toldOf(jsonError(readText(error, 'message') ?? 'invalid JSON'), what)
  }
}

/** What the client says why, with the stack of a source that does not parse. */
function failure(failed: Failed): unknown {
  const error = failed[1]
  const stack = failed[2]
  if (isObject(error) && typeof stack === 'string' && getOwnPropertyDescriptor(error, 'message') !== undefined)
    attempt(() => define(error, 'stack', stack, false))
  return error
}
