import { getOwnPropertyDescriptor, isArray, mapGet, MapOf, mapSet, ownKeys } from '../../../protocol/msgpack/intrinsics.ts'
import { define } from '../../../protocol/values/define.ts'
import { readText } from '../careful.ts'
import { CommonJs } from './common-js.ts'
import { type Answered, described, type Entry, type Lookups, type Wanted } from './entry.ts'
import { attributeError, moduleError, toldOf } from './module-errors.ts'
import { type ModuleRecords, type ModuleRequest, newList } from './module-records.ts'
import { ModuleRegistry } from './registry.ts'

const { apply } = Reflect
const { then } = Promise.prototype

/** How an import ends. */
interface Importing {
  readonly done: (entry: Entry) => void
  readonly failed: (reason: unknown) => void
}

/** A graph of modules on its way: a module counts as visited once, and is complete when all that it reaches are there. */
interface Graph extends Importing {
  root: Entry | undefined
  readonly visited: Entry[]
  readonly seen: Map<Entry, boolean>
  pending: number
  isOver: boolean
}

/**
 * Loads modules as the standard says (https://tc39.es/ecma262/#sec-LoadRequestedModules): what a module imports is asked of the client, one message a module, until the graph is complete; then it is linked,
 * instantiated and evaluated. A module that cannot be loaded or instantiated is forgotten, so that the next import may find a better one.
 */
export class ModuleLoader {
  readonly #records: ModuleRecords
  readonly #registry = new ModuleRegistry()
  readonly #common: CommonJs

  constructor(records: ModuleRecords) {
    this.#records = records
    this.#common = new CommonJs(records, this.#registry)
  }

  /** The module whose code V8 names so. */
  withId(id: unknown): Entry | undefined {
    return this.#registry.withId(id)
  }

  import(lookups: Lookups, referrer: string, request: ModuleRequest, { done, failed }: Importing): void {
    const graph: Graph = { root: undefined, visited: newList(), seen: new MapOf(), pending: 1, isOver: false, done, failed }
    this.#resolve(lookups, referrer, [request], graph, (entries) => {
      graph.root = entries[0]
      this.#visit(graph, entries)
    })
  }

  namespace(entry: Entry): object {
    return this.#records.namespace(entry.module)
  }

  /** V8 makes a module's `import.meta`. */
  initializeMeta(entry: Entry, meta: object): void {
    if (entry.fill !== undefined) {
      define(meta, 'fill', entry.fill)
      return
    }
    if (entry.meta === undefined) {
      define(meta, 'url', entry.key)
      return
    }
    const keys = ownKeys(entry.meta)
    for (let i = 0; i < keys.length; i++)
      define(meta, keys[i] as PropertyKey, getOwnPropertyDescriptor(entry.meta, keys[i] as PropertyKey)?.value)
  }

  /** The entries for what a module imports, at once or later. `graph.pending` counts this. */
  #resolve(
    lookups: Lookups,
    referrer: string,
    requests: readonly ModuleRequest[],
    graph: Graph,
    done: (entries: readonly Entry[]) => void,
    again = false,
  ): void {
    const entries: Entry[] = newList()
    const wanted: Wanted[] = []
    const places: number[] = newList()
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i] as ModuleRequest
      checkAttributes(request, referrer)
      const known = this.#registry.known(referrer, request.specifier, request.type)
      if (known !== undefined) entries[i] = known
      else {
        define(wanted, places.length, [request.specifier, request.type, again])
        places[places.length] = i
      }
    }
    if (places.length === 0) {
      graph.pending--
      done(entries)
      this.#goOn(graph)
      return
    }
    const answered = (answers: readonly Answered[]): void => {
      this.#try(graph, () => {
        let isWhole = isArray(answers) && answers.length === places.length
        for (let i = 0; isWhole && i < places.length; i++) {
          const at = places[i] as number
          const { specifier, type } = requests[at] as ModuleRequest
          const entry = this.#registry.enter(answers[i] as Answered, lookups, referrer, specifier, type)
          if (entry === undefined) isWhole = false
          else entries[at] = entry
        }
        if (!isWhole) {
          if (again) throw moduleError('ERR_MODULE_LOAD', `Cannot load what ${referrerText(referrer)} imports`)
          this.#resolve(lookups, referrer, requests, graph, done, true)
          return
        }
        graph.pending--
        done(entries)
        this.#goOn(graph)
      })
    }
    const refused = (reason: unknown): void => {
      const why = readText(reason, 'message') ?? ''
      this.#fail(graph, moduleError('ERR_MODULE_LOAD', `Cannot load what ${referrerText(referrer)} imports: ${why}`, reason))
    }
    void apply(then, (0, lookups.load)(referrer, wanted), [answered, refused])
  }

  /** Adds modules to a graph, and all that they reach as far as it is known. */
  #visit(graph: Graph, entries: readonly Entry[]): void {
    const stack: Entry[] = newList()
    for (let i = entries.length - 1; i >= 0; i--) stack[stack.length] = entries[i] as Entry
    while (stack.length > 0) {
      const entry = stack[stack.length - 1] as Entry
      stack.length--
      if (mapGet(graph.seen, entry) === true) continue
      mapSet(graph.seen, entry, true)
      graph.visited[graph.visited.length] = entry
      const requests = this.#compiled(entry)
      if (entry.dependencies === undefined && requests.length === 0) entry.dependencies = newList()
      const { dependencies } = entry
      if (dependencies === undefined) {
        graph.pending++
        this.#resolve(entry.lookups, entry.key, requests, graph, (found) => {
          entry.dependencies ??= found
          if (!graph.isOver) this.#visit(graph, entry.dependencies)
        })
      } else for (let i = dependencies.length - 1; i >= 0; i--) stack[stack.length] = dependencies[i] as Entry
    }
  }

  #compiled(entry: Entry): readonly ModuleRequest[] {
    if (entry.requests !== undefined) return entry.requests
    try {
      const { source } = entry
      entry.module = source === undefined ? this.#common.facade(entry) : this.#records.compile(source, entry.name, entry.id)
      entry.requests = this.#records.requests(entry.module)
      return entry.requests
    } catch (error) {
      this.#registry.drop(entry)
      throw toldOf(error, described(entry))
    }
  }

  /** If all of a graph is there, it is linked and will be evaluated. */
  #goOn(graph: Graph): void {
    const { root } = graph
    if (graph.isOver || graph.pending > 0 || root === undefined) return
    graph.isOver = true
    if (root.isEvaluated) {
      graph.done(root)
      return
    }
    try {
      this.#link(graph, root)
    } catch (error) {
      this.#drop(graph, (entry) => !entry.isInstantiated)
      graph.failed(error)
      return
    }
    this.#records.evaluate(root.module, {
      fulfilled: () => {
        for (let i = 0; i < graph.visited.length; i++) (graph.visited[i] as Entry).isEvaluated = true
        graph.done(root)
      },
      rejected: (reason) => {
        // V8 has no reason to give for a module that was ended.
        if (this.#drop(graph, () => false)) graph.failed(ended(root))
        else graph.failed(reason)
      },
      ended: () => {
        this.#drop(graph, (entry) => this.#records.failed(entry.module))
        graph.failed(ended(root))
      },
    })
  }

  #link(graph: Graph, root: Entry): void {
    const { visited } = graph
    for (let i = 0; i < visited.length; i++) {
      const entry = visited[i] as Entry
      if (entry.isDead) throw ended(entry)
      if (entry.isLinked) continue
      const modules: number[] = newList()
      const dependencies = entry.dependencies as readonly Entry[]
      for (let d = 0; d < dependencies.length; d++) modules[d] = (dependencies[d] as Entry).module
      entry.isLinked = true
      this.#records.link(entry.module, modules)
    }
    this.#records.instantiate(root.module)
    for (let i = 0; i < visited.length; i++) (visited[i] as Entry).isInstantiated = true
  }

  /** Drops what is of no use any more, because V8 gave it up half-way, and what imports that. Whether there is anything of the kind. */
  #drop({ visited }: Graph, isUseless: (entry: Entry) => boolean): boolean {
    let found = false
    for (let i = 0; i < visited.length; i++) {
      const entry = visited[i] as Entry
      if (!entry.isDead && !entry.isEvaluated && isUseless(entry)) this.#registry.drop(entry)
      if (entry.isDead) found = true
    }
    for (let isMore = found; isMore; ) {
      isMore = false
      // Most come after what imports them.
      for (let i = visited.length - 1; i >= 0; i--) {
        const entry = visited[i] as Entry
        if (entry.isDead || !importsDead(entry)) continue
        this.#registry.drop(entry)
        isMore = true
      }
    }
    return found
  }

  #try(graph: Graph, step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#fail(graph, error)
    }
  }

  #fail(graph: Graph, error: unknown): void {
    if (graph.isOver) return
    graph.isOver = true
    graph.failed(error)
  }
}

function importsDead({ dependencies }: Entry): boolean {
  if (dependencies === undefined) return false
  for (let i = 0; i < dependencies.length; i++) if ((dependencies[i] as Entry).isDead) return true
  return false
}

function ended(entry: Entry): Error {
  return moduleError('ERR_MODULE_EVALUATION', `The evaluation of ${described(entry)}, was ended`)
}

function checkAttributes({ specifier, type, unknown }: ModuleRequest, referrer: string): void {
  const by = referrer === '' ? '' : ` imported by '${referrer}'`
  if (unknown === 'phase') throw attributeError(`Module '${specifier}'${by} cannot be imported by phase`)
  if (unknown !== '') throw attributeError(`Import attribute '${unknown}' of module '${specifier}'${by} is not supported`)
  if (type !== '' && type !== 'json' && type !== 'text')
    throw attributeError(`Import attribute 'type' of module '${specifier}'${by} is '${type}', which is neither 'json' nor 'text'`)
}

function referrerText(referrer: string): string {
  return referrer === '' ? 'the host' : `'${referrer}'`
}
