import type { VmSource } from '../../protocol/vm-messages.ts'
import type { Box } from '../box.ts'
import { dynamicImporter } from './module.ts'
import type { VmContext } from './vm-context.ts'
import {
  type ContextSettings,
  optionsOf,
  type RunSettings,
  runSettings,
  type SourceSettings,
  sourceSettings,
  newContextOptions,
  contextSettings,
} from './options.ts'
import { openCachedData, sealCachedData } from './cached-data.ts'
import { checkObject } from './validate.ts'
import { DEFAULT_FILENAME } from '../../protocol/default-filename.ts'
import { ProtocolError } from '../errors.ts'

/** What a script needs of the façade that it belongs to. */
export interface ScriptHost {
  readonly box: () => Promise<Box>
  /** Throws as node:vm if that is no context. */
  readonly contextOf: (contextifiedObject: unknown) => VmContext
  /** The one of `runInThisContext`. */
  readonly thisContext: () => VmContext
  readonly newContext: (contextObject: unknown, settings: ContextSettings) => { readonly context: VmContext; readonly made: Promise<void> }
}

/** What compiling has said. */
export interface Compiled {
  readonly cachedDataRejected: boolean | undefined
  readonly sourceMapURL: string | undefined
  readonly cachedData: Buffer | undefined
}

/**
 * A source that is compiled once in a worker and may run in any context: `vm.Script` of Node's. The constructor checks its arguments; whether the source parses is known once {@link compiled} has settled,
 * as every run waits for it.
 */
export class VmScript {
  readonly #host: ScriptHost
  readonly #source: VmSource
  readonly #settings: SourceSettings
  readonly #isOnce: boolean
  #compiled: Promise<this> | undefined
  /** Whether V8 refused the `cachedData` that was given. Undefined if none was, and until {@link compiled} has settled. */
  declare cachedDataRejected?: boolean
  /** With `produceCachedData`: whether there is a code cache, and the cache, once {@link compiled} has settled. */
  declare cachedDataProduced?: boolean
  declare cachedData?: Buffer
  /** The URL of a magic comment, once {@link compiled} has settled. */
  declare sourceMapURL?: string

  /** @param isOnce it runs once, and nobody sees it: whether it parses shows then */
  constructor(host: ScriptHost, code: unknown, options: unknown, isOnce: boolean) {
    this.#isOnce = isOnce
    this.#host = host
    if (typeof code === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string')
    const source = String(code)
    this.#settings = sourceSettings(optionsOf(options), DEFAULT_FILENAME)
    const { filename, lineOffset, columnOffset } = this.#settings
    this.#source = { source, filename, lineOffset, columnOffset }
  }

  /** Settles with this script once it is compiled; rejects with the SyntaxError of one that does not parse. */
  get compiled(): Promise<this> {
    this.#compiled ??= this.#compile()
    this.#compiled.catch(() => undefined)
    return this.#compiled
  }

  async runInContext(contextifiedObject: object, options?: object): Promise<unknown> {
    const context = this.#host.contextOf(contextifiedObject)
    return this.#run(context, runSettings(options))
  }

  async runInNewContext(contextObject?: object | symbol, options?: object): Promise<unknown> {
    const given = options ?? {}
    checkObject(given, 'options')
    const settings = contextSettings(newContextOptions(given))
    const runs = runSettings(given)
    const { context, made } = this.#host.newContext(contextObject, settings)
    await made
    return this.#run(context, runs)
  }

  /** In a context that all runs of this façade share: not in this process. */
  async runInThisContext(options?: object): Promise<unknown> {
    const settings = runSettings(options)
    return this.#run(this.#host.thisContext(), settings)
  }

  /** V8's code cache, made by a worker. */
  async createCachedData(): Promise<Buffer> {
    const { cachedData } = await compile(this.#host, this.#source, {
      produceCachedData: true,
      cachedData: undefined,
      parameters: undefined,
    })
    return cachedData ?? Buffer.alloc(0)
  }

  #run(context: VmContext, settings: RunSettings): Promise<unknown> {
    const { importModuleDynamically } = this.#settings
    if (importModuleDynamically !== undefined) context.setImporter(this.#source.filename, dynamicImporter(importModuleDynamically, this))
    return context.run(this.#source, settings, this.#isOnce ? undefined : this.compiled)
  }

  async #compile(): Promise<this> {
    const { cachedData, produceCachedData } = this.#settings
    const compiled = await compile(this.#host, this.#source, { produceCachedData, cachedData, parameters: undefined })
    if (cachedData !== undefined) this.cachedDataRejected = compiled.cachedDataRejected === true
    if (produceCachedData) {
      this.cachedDataProduced = compiled.cachedData !== undefined
      if (compiled.cachedData !== undefined) this.cachedData = compiled.cachedData
    }
    if (compiled.sourceMapURL !== undefined) this.sourceMapURL = compiled.sourceMapURL
    return this
  }
}

interface CompileSettings {
  readonly produceCachedData: boolean
  readonly cachedData: Uint8Array | undefined
  readonly parameters: readonly string[] | undefined
}

/** Has a worker compile a source, or the body of a function. */
export async function compile(host: ScriptHost, source: VmSource, settings: CompileSettings): Promise<Compiled> {
  const box = await host.box()
  const of = { source: source.source, parameters: settings.parameters }
  const given = settings.cachedData
  const cachedData = given === undefined ? undefined : openCachedData(of, given)
  const answer = await box.vmCompile({ type: 'vmCompile', ...source, ...settings, cachedData })
  if (!Array.isArray(answer) || answer.length !== 3)
    throw new ProtocolError('ERR_PROTOCOL', 'the worker sent something else than what was compiled')
  const [rejected, url, data] = answer as readonly unknown[]
  return {
    cachedDataRejected: given !== undefined && cachedData === undefined ? true : typeof rejected === 'boolean' ? rejected : undefined,
    sourceMapURL: typeof url === 'string' ? url : undefined,
    cachedData: data instanceof Uint8Array ? sealCachedData(of, data) : undefined,
  }
}
