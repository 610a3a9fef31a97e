import { errorMessage } from '../../base/error.ts'
import { MAX_MODULE_REQUESTS } from '../../protocol/limits.ts'
import { raisedToGuest } from '../raised-error.ts'

/** A module as the lookups of its context see it. */
export interface ImportedModule {
  /** What names it in its context. */
  readonly key: string
  /** What stacks name it. */
  readonly identifier: string
  /** Text, and `import.meta`. */
  readonly content: () => { readonly source: string; readonly meta: object }
  /** What it is linked to by a statement. */
  readonly linked: (specifier: string, type: string) => ImportedModule | undefined
  /** What its `import()` gives. */
  readonly importer: Importer | undefined
}

/** Finds a module for an `import()`. Throws what the guest is told. */
export type Importer = (specifier: string, attributes: Readonly<Record<string, string>>) => Promise<ImportedModule>

type Answer =
  | readonly [found: 0, key: string, format: 'module', source: string, filename: string, meta: object]
  | readonly [failed: 1, error: Error, stack: undefined]

/** What the realm of one context asks for when it imports: modules that were linked, and what callbacks give. What it asks is HOSTILE. */
export class Importers {
  readonly #modules = new Map<string, ImportedModule>()
  /** Of scripts, by the name of their file. */
  readonly #scripts = new Map<string, Importer>()
  /** Of scripts without one of their own. */
  other: Importer | undefined
  /** The two functions that a guest's realm looks modules up with. */
  readonly lookups = [
    Object.defineProperty((referrer: unknown, wanted: unknown) => this.#load(referrer, wanted), 'name', { value: 'the lookup of modules' }),
    (): never => {
      throw new TypeError('there is no require() here')
    },
  ] as const

  add(module: ImportedModule): void {
    this.#modules.set(module.key, module)
  }

  /** What `import()` in scripts of this name gives from now on. */
  setScript(filename: string, importer: Importer): void {
    this.#scripts.set(filename, importer)
  }

  async #load(referrer: unknown, wanted: unknown): Promise<readonly Answer[]> {
    if (!Array.isArray(wanted) || wanted.length > MAX_MODULE_REQUESTS)
      throw new RangeError(`a module may import ${MAX_MODULE_REQUESTS} modules`)
    return Promise.all(wanted.map((each: unknown) => this.#answer(referrer, each)))
  }

  async #answer(referrer: unknown, wanted: unknown): Promise<Answer> {
    const [specifier, type] = Array.isArray(wanted) ? (wanted as readonly unknown[]) : []
    if (typeof referrer !== 'string' || typeof specifier !== 'string' || typeof type !== 'string') throw new TypeError('no specifier')
    try {
      const { key, identifier, content } = await this.#find(referrer, specifier, type)
      const { source, meta } = content()
      return [0, key, 'module', source, identifier, meta]
    } catch (error) {
      const told = raisedToGuest(error)
      return [1, told instanceof Error ? told : new Error(errorMessage(told)), undefined]
    }
  }

  async #find(referrer: string, specifier: string, type: string): Promise<ImportedModule> {
    const module = this.#modules.get(referrer)
    if (referrer === '') {
      const asked = this.#modules.get(specifier)
      if (asked !== undefined) return asked
    }
    const linked = module?.linked(specifier, type)
    if (linked !== undefined) return linked
    const importer = module === undefined ? (this.#scripts.get(referrer) ?? this.other) : module.importer
    if (importer === undefined)
      throw Object.assign(new TypeError('A dynamic import callback was not specified.'), { code: 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING' })
    return importer(specifier, Object.freeze(type === '' ? {} : { type }))
  }
}
