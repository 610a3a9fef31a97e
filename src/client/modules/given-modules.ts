import { types } from 'node:util'
import { InvalidOptionError, type OptionReader } from '../../base/options.ts'
import { Script } from '../compiler/script.ts'
import { normalisedKey } from './module-key.ts'

export type ModuleFormat = 'module' | 'commonjs' | 'json' | 'text' | 'typescript'

/** A module's source, and what is to be known of it. */
export interface ModuleSource {
  /** At most 16 Mi UTF-16 code units. */
  readonly source: string
  /** Without it, the key's extension tells: `.cjs` and `.cts` are CommonJS, `.json` is JSON, `.ts`, `.mts` and `.cts` are TypeScript. Any other is an ES module, or CommonJS for `require`. */
  readonly format?: ModuleFormat
  /** Shown in stack traces. Default: the key. */
  readonly filename?: string
  /** The properties of `import.meta`. Default: `url`, which is the key, and those of the import's option `meta`. */
  readonly meta?: Readonly<Record<string, unknown>>
  /** As of `ctx.run()`. */
  readonly sourceMap?: string | object
}

/** A source, or a compiled module. */
export type GivenModule = string | ModuleSource | Script

/**
 * Gives the module that a specifier means to whoever imports it; `null` or `undefined` if there is none. Called once for each module of a context.
 * @param referrer the key of the module that imports it; for a script the name of its file; '' for `ctx.import()`
 */
export type ModuleResolver = (
  specifier: string,
  referrer: string,
  attributes: Readonly<Record<string, string>>,
) => GivenModule | null | undefined | Promise<GivenModule | null | undefined>

/** Modules by specifier, or a function that gives them. */
export type Modules = Readonly<Record<string, GivenModule>> | ReadonlyMap<string, GivenModule> | ModuleResolver

/** Finds what a user gave for a key: at once, or later. */
export type FindModule = (key: string, specifier: string, referrer: string, attributes: Readonly<Record<string, string>>) => unknown

export function readModulesOption(read: OptionReader): Modules | undefined {
  const modules = read.any('modules') as Modules | undefined
  if (modules !== undefined) readModules(modules)
  return modules
}

/** Throws ERR_INVALID_OPTION for what are no modules. */
export function readModules(given: unknown): FindModule {
  if (typeof given === 'function')
    return (_key, specifier, referrer, attributes) => (given as ModuleResolver)(specifier, referrer, attributes)
  if (typeof given !== 'object' || given === null || Array.isArray(given) || given instanceof Script)
    throw new InvalidOptionError('modules', 'must be an object or a Map of sources by specifier, or a function', given)
  const byKey = new Map<string, unknown>()
  for (const [name, module] of types.isMap(given) ? given : Object.entries(given)) {
    if (typeof name !== 'string') throw new InvalidOptionError('modules', 'must have strings as keys', name)
    const key = normalisedKey(name)
    if (byKey.has(key)) throw new InvalidOptionError('modules', `names the module '${key}' twice`, name)
    byKey.set(key, module)
  }
  return (key) => byKey.get(key)
}
