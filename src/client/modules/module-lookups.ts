import { errorMessage } from '../../base/error.ts'
import { MAX_LOOKUPS, MAX_MODULE_REQUESTS, MAX_MODULES, MAX_MODULES_SOURCE, MAX_SPECIFIER } from '../../protocol/limits.ts'
import type { Script } from '../compiler/script.ts'
import { GuestError } from '../errors.ts'
import { raisedToGuest } from '../raised-error.ts'
import { type RunScript, runScript } from '../source-maps.ts'
import { type FoundModule, foundModule, type GuestFormat } from './found-module.ts'
import type { FindModule } from './given-modules.ts'
import { resolveKey } from './module-key.ts'

/** What lookups need of their context. */
export interface LookupHost {
  /** Strips types. */
  readonly compile: (source: string, filename: string, format: 'module' | 'script') => Promise<Script>
  /** What runs from now on under a name, for the stacks of what it throws. */
  readonly remember: (script: RunScript) => void
  /** Source that is about to be sent, of a module that the client itself imports if `specifier` is given. Throws if it is not to be sent. */
  readonly sends: (source: string, specifier: string | undefined) => void
}

type Answer =
  | readonly [
      found: 0,
      key: string,
      format: GuestFormat,
      source: string | undefined,
      filename: string,
      meta: Readonly<Record<string, unknown>> | undefined,
    ]
  | readonly [failed: 1, error: Error, stack: string | undefined]

/** What a context was sent so far, by all lookups. A hostile worker asks for what it likes, as often as it likes. */
export class SentModules {
  /** By key and attribute. */
  readonly #formats = new Map<string, GuestFormat>()
  readonly #flights = new Map<string, unknown>()
  #lookups = 0
  #sources = 0
  #size = 0

  formatOf(key: string, type: string): GuestFormat | undefined {
    return this.#formats.get(`${type}\0${key}`)
  }

  /** What `find` gives, or gives already to another who asks. */
  once(key: string, type: string, find: () => unknown): unknown {
    const name = `${type}\0${key}`
    if (this.#flights.has(name)) return this.#flights.get(name)
    const given = find()
    if (!isThenable(given)) return given
    const flight = Promise.resolve(given).finally(() => this.#flights.delete(name))
    this.#flights.set(name, flight)
    return flight
  }

  countLookup(): void {
    if (++this.#lookups > MAX_LOOKUPS) throw limit(`over the limit of ${MAX_LOOKUPS} imports in one context`)
  }

  add(key: string, format: GuestFormat, source: string): void {
    this.#size += source.length
    if (++this.#sources > 2 * MAX_MODULES) throw limit(`a context may have ${MAX_MODULES} modules`)
    if (this.#size > 2 * MAX_MODULES_SOURCE) throw limit(`the modules of a context may have ${MAX_MODULES_SOURCE} characters together`)
    this.#formats.set(`${format === 'json' || format === 'text' ? format : ''}\0${key}`, format)
  }
}

/** Looks modules up for a guest's realm, which holds {@link ModuleLookups.load} and {@link ModuleLookups.loadSync} as functions of the host. Everything that it asks is HOSTILE. */
export class ModuleLookups {
  readonly #sent: SentModules
  readonly #host: LookupHost
  readonly #meta: Readonly<Record<string, unknown>> | undefined
  find: FindModule

  constructor(find: FindModule, meta: Readonly<Record<string, unknown>> | undefined, sent: SentModules, host: LookupHost) {
    this.find = find
    this.#meta = meta
    this.#sent = sent
    this.#host = host
  }

  /** For the imports of one module. */
  readonly load = named('the lookup of modules', async (referrer: unknown, wanted: unknown): Promise<readonly Answer[]> => {
    if (!Array.isArray(wanted) || wanted.length > MAX_MODULE_REQUESTS) throw limit(`a module may import ${MAX_MODULE_REQUESTS} modules`)
    return Promise.all(wanted.map((each: unknown) => this.#answer(referrer, each)))
  })

  /** For `require`. */
  readonly loadSync = named('the lookup of a module', (referrer: unknown, specifier: unknown, again: unknown): Answer => {
    const asked = readAsked(referrer, [specifier, '', again])
    try {
      const key = this.#key(asked)
      const known = this.#knownAny(key, asked)
      if (known !== undefined) return known
      const given = this.#given(key, asked)
      if (isThenable(given)) {
        Promise.resolve(given).catch(() => undefined)
        throw new TypeError('its resolver gives a promise, which require() cannot wait for')
      }
      const found = foundModule(given, key, '', 'require')
      if (found === undefined) return notFound(asked)
      if (found.isTypeScript)
        throw new TypeError('TypeScript takes time to compile, which require() cannot wait for: import it, or compile it before')
      return this.#send(key, found, asked)
    } catch (error) {
      return failed(asked, error)
    }
  })

  async #answer(referrer: unknown, wanted: unknown): Promise<Answer> {
    const asked = readAsked(referrer, wanted)
    try {
      const key = this.#key(asked)
      const known = asked.referrer === '' ? this.#knownAny(key, asked) : this.#known(key, asked)
      if (known !== undefined) return known
      const found = foundModule(await this.#given(key, asked), key, asked.type, asked.referrer === '' ? 'client' : 'module')
      if (found === undefined) return notFound(asked)
      return this.#send(key, found.isTypeScript ? await this.#compiled(found) : found, asked)
    } catch (error) {
      return failed(asked, error)
    }
  }

  #key({ referrer, specifier }: Asked): string {
    this.#sent.countLookup()
    return resolveKey(specifier, referrer)
  }

  /** What the realm has already, unless it asks again. */
  #known(key: string, { type, again }: Asked): Answer | undefined {
    const format = again ? undefined : this.#sent.formatOf(key, type)
    return format === undefined ? undefined : [0, key, format, undefined, key, undefined]
  }

  /** For who need not say what it is. */
  #knownAny(key: string, asked: Asked): Answer | undefined {
    for (const type of ['', 'json', 'text']) {
      const known = this.#known(key, { ...asked, type })
      if (known !== undefined) return known
    }
    return undefined
  }

  #given(key: string, { referrer, specifier, type }: Asked): unknown {
    return this.#sent.once(key, type, () => this.find(key, specifier, referrer, Object.freeze(type === '' ? {} : { type })))
  }

  async #compiled(found: FoundModule): Promise<FoundModule> {
    const { source, filename, format } = found
    const script = await this.#host.compile(source, filename, format === 'commonjs' ? 'script' : 'module')
    return { ...found, source: script.code, script }
  }

  #send(key: string, { source, format, filename, meta, script, sourceMap }: FoundModule, { referrer, specifier }: Asked): Answer {
    this.#host.sends(source, referrer === '' ? specifier : undefined)
    this.#sent.add(key, format, source)
    this.#host.remember(script?.forStacks() ?? runScript(source, filename, sourceMap))
    return [0, key, format, source, filename, meta ?? (this.#meta === undefined ? undefined : { url: key, ...this.#meta })]
  }
}

interface Asked {
  readonly referrer: string
  readonly specifier: string
  readonly type: string
  readonly again: boolean
}

function readAsked(referrer: unknown, wanted: unknown): Asked {
  const [specifier, type, again] = Array.isArray(wanted) ? (wanted as readonly unknown[]) : []
  if (typeof referrer !== 'string' || typeof specifier !== 'string' || typeof type !== 'string') throw limit('no specifier')
  if (specifier.length > MAX_SPECIFIER || referrer.length > MAX_SPECIFIER || type.length > MAX_SPECIFIER)
    throw limit(`a specifier may have ${MAX_SPECIFIER} characters`)
  return { referrer, specifier, type, again: again === true }
}

function notFound({ specifier, referrer }: Asked): Answer {
  const from = referrer === '' ? ': no module of that name was given' : ` imported from '${referrer}'`
  return [1, Object.assign(new Error(`Cannot find module '${specifier}'${from}`), { code: 'ERR_MODULE_NOT_FOUND' }), undefined]
}

/** What a guest is told of a module that cannot be had: as of a host function that throws, without the host's stack. */
function failed({ specifier, referrer }: Asked, cause: unknown): Answer {
  const from = referrer === '' ? '' : ` imported from '${referrer}'`
  if (cause instanceof GuestError) {
    // The compiler's word on a source, which names its place.
    const error = new (cause.name === 'SyntaxError' ? SyntaxError : Error)(`${cause.message} (module '${specifier}'${from})`)
    return [1, error, `${cause.stack ?? ''} (module '${specifier}'${from})`]
  }
  const told = raisedToGuest(cause)
  const error = new Error(`Cannot load module '${specifier}'${from}: ${errorMessage(told)}`, { cause: told })
  const { code } = cause as { readonly code?: unknown }
  return [1, Object.assign(error, { code: code === 'ERR_MODULE_LIMIT' ? code : 'ERR_MODULE_LOAD' }), undefined]
}

function limit(message: string): Error {
  return Object.assign(new RangeError(message), { code: 'ERR_MODULE_LIMIT' })
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
}

/** Timeouts tell what they waited for by its name. */
function named<Fn extends (...args: never[]) => unknown>(name: string, fn: Fn): Fn {
  return Object.defineProperty(fn, 'name', { value: name })
}
