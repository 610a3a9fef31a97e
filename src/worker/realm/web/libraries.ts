import type * as base64 from './base64/library.ts'
import type * as clone from './clone/library.ts'
import type * as crypto from './crypto/library.ts'
import type * as deterministic from './deterministic/library.ts'
import type * as domException from './dom-exception/library.ts'
import type * as encoding from './encoding/library.ts'
import type * as events from './events/library.ts'
import type * as legacyEncodings from './legacy-encodings/library.ts'
import type * as performance from './performance/library.ts'
import type * as streams from './streams/library.ts'
import type * as url from './url/library.ts'
import type { WebHost } from './host.ts'

/** The libraries and what each of them exports: one script each, loaded when a guest first touches a global that needs it. */
export interface LibraryExports {
  deterministic: typeof deterministic
  'dom-exception': typeof domException
  events: typeof events
  encoding: typeof encoding
  'legacy-encodings': typeof legacyEncodings
  url: typeof url
  base64: typeof base64
  clone: typeof clone
  performance: typeof performance
  crypto: typeof crypto
  streams: typeof streams
}
export type LibraryName = keyof LibraryExports

/** What each library is given: see context.ts. */
export interface WebContext {
  readonly host: WebHost
  /** The library of that name, which is loaded if need be. */
  readonly use: <Name extends LibraryName>(name: Name) => LibraryExports[Name]
  /** Notes the prototype of an interface, so that its objects can be told from plain ones. */
  readonly notePrototype: (prototype: object) => void
  readonly isInterfacePrototype: (prototype: object) => boolean
}

/** What a library's script evaluates to. */
type Library = (context: WebContext) => unknown

// oxlint-disable-next-line no-eval -- evaluates scripts of ours, in the guest's own realm
const indirectEval = eval
const SetOf = Set
const { add, has } = SetOf.prototype
const { apply } = Reflect

/** The web libraries of one realm. Costs next to nothing until one is used. */
export class WebLibraries {
  readonly #load: (library: LibraryName) => unknown
  readonly #context: WebContext
  readonly #loaded = { __proto__: null } as unknown as Partial<Record<LibraryName, unknown>>
  #prototypes: Set<object> | undefined

  /**
   * `load` gives the text of a library's script. Where guests may not compile strings, eval refuses ours too: there it gives what that script evaluates to in this realm.
   */
  constructor(host: WebHost, load: (library: LibraryName) => unknown) {
    this.#load = load
    this.#context = {
      host,
      use: (name) => this.use(name),
      notePrototype: (prototype) => {
        this.#prototypes ??= new SetOf()
        apply(add, this.#prototypes, [prototype])
      },
      isInterfacePrototype: (prototype) => this.#prototypes !== undefined && apply(has, this.#prototypes, [prototype]),
    }
  }

  /** Loads the library, unless that is done. One that was interrupted while it loaded is loaded anew. */
  use<Name extends LibraryName>(name: Name): LibraryExports[Name] {
    const loaded = this.#loaded[name]
    if (loaded !== undefined) return loaded as LibraryExports[Name]
    const source = this.#load(name)
    const library = typeof source === 'function' ? (source as Library) : (indirectEval(source as string) as Library)
    const exports = library(this.#context)
    this.#loaded[name] = exports
    return exports as LibraryExports[Name]
  }

  /** The library of that name if it is loaded: if not, there can be no object of its classes. */
  loaded<Name extends LibraryName>(name: Name): LibraryExports[Name] | undefined {
    return this.#loaded[name] as LibraryExports[Name] | undefined
  }
}
