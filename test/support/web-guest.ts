import { randomFillSync } from 'node:crypto'
import { createContext, constants, runInContext, runInThisContext } from 'node:vm'
import { build } from 'esbuild'
import type { WebHost } from '../../src/worker/realm/web/host.ts'
import type { LibraryName, WebLibraries } from '../../src/worker/realm/web/libraries.ts'
import { parseUrl, updateUrl } from '../../src/worker/url-parser.ts'
import { webSources } from '../../src/worker/web-sources.ts'

const bundle = await build({
  entryPoints: [new URL('../fixtures/web-realm.ts', import.meta.url).pathname],
  bundle: true,
  write: false,
  format: 'iife',
  globalName: 'web',
  target: 'esnext',
})
const INSTALL = `(host, load) => {${bundle.outputFiles[0]?.text}
  const libraries = new web.WebLibraries(host, load)
  web.installWebGlobals(globalThis, libraries)
  return libraries }`

/** Makes a value that crosses as JSON and says what it was; what is thrown becomes `{ throws: name }`, if it is an error of the realm. */
const DESCRIBE = `((produce) => {
  const plain = (value) => {
    if (value === undefined) return 'undefined'
    if (typeof value === 'bigint') return value + 'n'
    if (typeof value === 'symbol' || typeof value === 'function') return String(value)
    if (typeof value === 'number') return Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value)
    if (typeof value !== 'object' || value === null) return value
    if (ArrayBuffer.isView(value)) return Array.from(value, plain)
    if (Array.isArray(value)) return Array.from(value, plain)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
  }
  const thrown = (error) => ({ throws: error instanceof Error ? error.name : 'not an error of this realm' })
  let value
  try { value = produce() } catch (error) { return JSON.stringify(thrown(error)) }
  if (!(value instanceof Promise)) return JSON.stringify(plain(value))
  const settling = { outcome: '"pending"' }
  settling.promise = value.then((result) => { settling.outcome = JSON.stringify(plain(result)) }, (error) => { settling.outcome = JSON.stringify(thrown(error)) })
  return settling
})`

interface Settling {
  readonly outcome: string
  readonly promise: Promise<void>
}

export const throws = (name: string) => ({ throws: name })

/** A guest's realm with the web globals, and a worker whose clock and timers stand still. */
export class WebGuest {
  readonly #global = createContext(constants.DONT_CONTEXTIFY, { microtaskMode: 'afterEvaluate' })
  /** Libraries, in the order in which they were loaded. */
  readonly loaded: LibraryName[] = []
  /** What listeners threw. */
  readonly reported: unknown[] = []
  readonly timers: { readonly callback: () => void; readonly ms: number }[] = []
  clockMs = 0
  /** What the realm side itself can use. */
  readonly libraries: WebLibraries

  constructor({ evaluated = false } = {}) {
    const host: WebHost = {
      timeOrigin: 1_700_000_000_000,
      now: () => this.clockMs,
      randomBytes: (target) => void randomFillSync(target),
      setTimeout: (callback, ms) => void this.timers.push({ callback, ms }),
      reportError: (error) => void this.reported.push(error),
      parseUrl,
      updateUrl,
    }
    const load = (library: LibraryName): unknown => {
      this.loaded.push(library)
      return evaluated ? this.run(webSources[library]) : webSources[library]
    }
    const install = this.run(INSTALL) as (host: WebHost, load: (library: LibraryName) => unknown) => WebLibraries
    this.libraries = install(host, load)
  }

  /** The completion value of a script. */
  run(code: string): unknown {
    return runInContext(code, this.#global)
  }

  /** What the body of a function returns or throws, or what the promise that it returns settles to, as plain data. */
  value(body: string): unknown {
    const described = this.run(`${DESCRIBE}(() => {${body}\n})`) as string | Settling
    return JSON.parse(typeof described === 'string' ? described : described.outcome)
  }
}

/** The same body in this realm, with what Node has of the standards. */
export async function valueInNode(body: string): Promise<unknown> {
  const described = runInThisContext(`${DESCRIBE}(() => {${body}\n})`) as string | Settling
  if (typeof described === 'string') return JSON.parse(described)
  await described.promise
  return JSON.parse(described.outcome)
}
