import { getOwnPropertyDescriptor, isArray, ownKeys } from '../../../protocol/msgpack/intrinsics.ts'
import { define } from '../../../protocol/values/define.ts'
import { isObject } from '../careful.ts'
import type { Bridge, RealmRecord } from '../record.ts'
import type { Settlement } from '../settlement.ts'
import type { Entry, Lookups } from './entry.ts'
import { moduleError, notGiven } from './module-errors.ts'
import { ModuleLoader } from './module-loader.ts'
import { ModuleRecords, newList } from './module-records.ts'

const NativePromise = Promise

/** Who imports modules into this realm: the client, scripts, and modules themselves. */
export class Imports {
  readonly records: ModuleRecords
  readonly #record: RealmRecord
  readonly #settlement: Settlement
  readonly #loader: ModuleLoader
  /** For scripts. */
  #lookups: Lookups | undefined

  constructor(record: RealmRecord, bridge: Bridge, settlement: Settlement) {
    this.records = new ModuleRecords(record, bridge)
    this.#loader = new ModuleLoader(this.records)
    this.#record = record
    this.#settlement = settlement
  }

  /** @param given from the client: see docs/protocol.md */
  setLookups(given: unknown): void {
    this.#lookups = lookupsIn(given)
  }

  /** The client imports a module: the run ends with a snapshot of what it exports. `given` is specifier, attribute `type`, lookups, unless they are the context's, and whether the exports are wanted. */
  importFor(run: number, given: unknown): void {
    const list: readonly unknown[] = isArray(given) ? given : newList()
    const specifier = list[0]
    const type = list[1]
    const own = list[2]
    const lookups = own === undefined ? this.#lookups : lookupsIn(own)
    if (typeof specifier !== 'string' || typeof type !== 'string') throw moduleError('ERR_MODULE_LOAD', 'There is no specifier')
    if (lookups === undefined) throw notGiven(specifier)
    const settlement = this.#settlement
    const loader = this.#loader
    const ticket = settlement.begin(run)
    loader.import(
      lookups,
      '',
      { specifier, type, unknown: '' },
      {
        done: (entry) => {
          try {
            settlement.end(run, ticket, true, list[3] === false ? {} : snapshot(loader.namespace(entry)))
          } catch (error) {
            settlement.end(run, ticket, false, error)
          }
        },
        failed: (reason) => settlement.end(run, ticket, false, reason),
      },
    )
  }

  /** Code calls `import()`. Gives a promise of this realm. */
  importModule(referrer: unknown, specifier: unknown, isEvaluation: unknown, attributes: unknown, file: unknown): unknown {
    return new NativePromise((resolve, reject) => {
      const entry = this.#loader.withId(referrer)
      const lookups = entry === undefined ? this.#lookups : entry.lookups
      if (lookups === undefined || typeof specifier !== 'string') {
        reject(notGiven(specifier))
        return
      }
      const from = entry === undefined ? (typeof file === 'string' ? file : '') : entry.key
      const request = { specifier, type: '', unknown: isEvaluation === true ? '' : 'phase' }
      if (isObject(attributes)) {
        const keys = ownKeys(attributes)
        for (let i = 0; i < keys.length; i++) {
          const key = keys[i] as string
          if (key === 'type') request.type = getOwnPropertyDescriptor(attributes, 'type')?.value as string
          else request.unknown = key
        }
      }
      this.#loader.import(lookups, from, request, {
        done: (found) => {
          try {
            resolve(this.#loader.namespace(found))
          } catch (error) {
            reject(error)
          }
        },
        failed: reject,
      })
    })
  }

  importMeta(id: unknown, meta: unknown): void {
    const entry: Entry | undefined = this.#loader.withId(id)
    if (entry !== undefined && isObject(meta)) this.#loader.initializeMeta(entry, meta)
  }

  /** See Op.entered. */
  entered(): void {
    this.records.entered(this.#record.value, this.#record.code)
    this.#record.module = 0
  }
}

function lookupsIn(given: unknown): Lookups {
  const list: readonly unknown[] = isArray(given) ? given : newList()
  const load = list[0]
  const loadSync = list[1]
  if (typeof load !== 'function' || typeof loadSync !== 'function') throw moduleError('ERR_MODULE_LOAD', 'There are no lookups')
  return { load: load as Lookups['load'], loadSync: loadSync as Lookups['loadSync'] }
}

function snapshot(namespace: object): object {
  const object = {}
  const keys = ownKeys(namespace)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]
    if (typeof key === 'string') define(object, key, (namespace as Record<string, unknown>)[key])
  }
  return object
}
