import type { RefusedScripts } from '../refused-scripts.ts'
import type { RunScript } from '../source-maps.ts'

/** An import under way: what it imports is known once that was looked up. */
interface Import extends RunScript {
  source: string | undefined
  /** Why what it imports was not sent. */
  refused: Error | undefined
}

/** The sources that a context's imports send: an import whose module crashes workers is known by that module. */
export class ImportedSources {
  readonly #refused: RefusedScripts
  /** Imports under way, by specifier. Of several of one module only the last is told, and the first runs it: then nobody is blamed. */
  readonly #imports = new Map<string, Import>()

  constructor(refused: RefusedScripts) {
    this.#refused = refused
  }

  /** Throws ScriptRefusedError if the module that was asked for is refused. */
  async import(specifier: string, call: (script: RunScript) => Promise<unknown>): Promise<unknown> {
    // No stack names it: frames have the names of modules.
    const under: Import = { file: '', script: undefined, source: undefined, refused: undefined }
    this.#imports.set(specifier, under)
    try {
      return await call(under)
    } catch (error) {
      throw under.refused ?? error
    } finally {
      if (this.#imports.get(specifier) === under) this.#imports.delete(specifier)
    }
  }

  /** A module's source is about to be sent; `imported` is its specifier if the client itself imports it. */
  sends(source: string, imported: string | undefined): void {
    const under = imported === undefined ? undefined : this.#imports.get(imported)
    try {
      this.#refused.check(source)
    } catch (error) {
      if (under !== undefined) under.refused = error as Error
      throw error
    }
    if (under !== undefined) under.source = source
  }
}
