import { mapErrors } from './mapped-errors.ts'
import { MappedScript, shownName } from './mapped-script.ts'
import type { OriginalPlaces } from './source-map.ts'

/** Scripts with maps that are remembered for a context: so many, and of so many UTF-16 code units together. Those that were used longest ago are forgotten. */
const MAX_SCRIPTS = 100
const MAX_SIZE = 16 * 1024 * 1024

/** A source that is run, by the name that stacks show. */
export interface RunScript {
  readonly file: string
  readonly script: MappedScript | undefined
}

export function runScript(source: string, filename: string | undefined, places: OriginalPlaces | undefined): RunScript {
  return { file: shownName(filename), script: MappedScript.of(source, places) }
}

/** The source maps of what ran in a context. */
export class SourceMaps {
  readonly #scripts = new Map<string, MappedScript>()
  #size = 0

  /** From now on the name means this script, with a map or without. */
  remember({ file, script }: RunScript): void {
    this.#forget(file)
    if (script === undefined) return
    this.#scripts.set(file, script)
    this.#size += script.size
    for (const [oldest] of this.#scripts) {
      if (this.#scripts.size <= MAX_SCRIPTS && this.#size <= MAX_SIZE) return
      this.#forget(oldest)
    }
  }

  /** Gives the stacks of an error, its causes and its errors the original places. `own` is the source whose run failed, if one did. */
  map(error: Error, own: RunScript | undefined): void {
    if (this.#scripts.size === 0 && own?.script === undefined) return
    mapErrors(error, (file) => (own?.file === file ? own.script : this.#use(file)))
  }

  #use(file: string): MappedScript | undefined {
    const script = this.#scripts.get(file)
    if (script === undefined) return undefined
    this.#scripts.delete(file)
    this.#scripts.set(file, script)
    return script
  }

  #forget(file: string): void {
    const script = this.#scripts.get(file)
    if (script === undefined) return
    this.#scripts.delete(file)
    this.#size -= script.size
  }
}
