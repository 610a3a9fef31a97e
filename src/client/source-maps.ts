import { mapErrors } from './mapped-errors.ts'
import { MappedScript, shownName } from './mapped-script.ts'
import type { GuestPlace } from '../protocol/report.ts'
import type { OriginalPlaces } from './source-map.ts'

/** Scripts with maps that are remembered for a context: so many, and of so many UTF-16 code units together. Those that were used longest ago are forgotten. */
const MAX_SCRIPTS = 100
const MAX_SIZE = 16 * 1024 * 1024

/** A source by the name that stacks show. */
interface NamedScript {
  readonly file: string
  readonly script: MappedScript | undefined
}

/** A source that is run. */
export interface RunScript extends NamedScript {
  /** What runs, if that is known: a script that crashes workers is known by it. */
  readonly source: string | undefined
}

export function runScript(source: string, filename: string | undefined, places: OriginalPlaces | undefined): RunScript {
  return { file: shownName(filename), script: MappedScript.of(source, places), source }
}

/** The source maps of what ran in a context. */
export class SourceMaps {
  readonly #scripts = new Map<string, MappedScript>()
  #size = 0

  /** From now on the name means this script, with a map or without. */
  remember({ file, script }: NamedScript): void {
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
  map(error: Error, own: NamedScript | undefined): void {
    if (this.#scripts.size === 0 && own?.script === undefined) return
    mapErrors(error, (file) => (own?.file === file ? own.script : this.#use(file)))
  }

  /** The original of a place. */
  place(at: GuestPlace, own: NamedScript | undefined): GuestPlace {
    const script = own?.file === at.file ? own.script : this.#use(at.file)
    const found = script?.find(at.line, at.column)
    return found === undefined ? at : { ...at, file: found.source, line: found.line, column: found.column }
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
