import type { SourceImport } from '../compiler/script.ts'
import { checkLinked, dynamicImporter, type DynamicImport, graphOf, type ModuleHost, partsOf, requestName, VmModule } from './module.ts'
import { moduleFailure, notSupported, wrongStatus } from './node-errors.ts'
import { checkArray, checkBytes, checkFunction, checkInt32, checkObject, checkString } from './validate.ts'

/** What a module imports by a statement. */
export interface ModuleRequest {
  readonly specifier: string
  readonly attributes: Readonly<Record<string, string>>
  readonly phase: 'evaluation'
}

/** Gives the module for a request. */
export type ModuleLinker = (
  specifier: string,
  referencingModule: VmSourceTextModule,
  extra: { readonly attributes: Readonly<Record<string, string>>; readonly assert: Readonly<Record<string, string>> },
) => VmModule | Promise<VmModule>

/**
 * An ES module: `vm.SourceTextModule` of Node's. The constructor checks its arguments; whether the source parses, and what it imports, is known once {@link VmSourceTextModule.parsed} has settled,
 * for which `link` waits.
 */
export class VmSourceTextModule extends VmModule {
  readonly #host: ModuleHost
  readonly #source: string
  #requests: readonly ModuleRequest[] | undefined
  #cachedData: Uint8Array | undefined
  #parsed: Promise<this> | undefined

  constructor(host: ModuleHost, sourceText: unknown, options: unknown = {}) {
    checkString(sourceText, 'sourceText')
    checkObject(options, 'options')
    const { lineOffset = 0, columnOffset = 0, initializeImportMeta, importModuleDynamically } = options
    checkInt32(lineOffset, 'options.lineOffset')
    checkInt32(columnOffset, 'options.columnOffset')
    if (initializeImportMeta !== undefined) checkFunction(initializeImportMeta, 'options.initializeImportMeta')
    if (importModuleDynamically !== undefined) checkFunction(importModuleDynamically, 'options.importModuleDynamically')
    if (checkBytes(options['cachedData'], 'options.cachedData') !== undefined)
      throw notSupported('cachedData of a module', 'workers compile modules without')
    if (lineOffset !== 0 || columnOffset !== 0)
      throw notSupported('lineOffset and columnOffset of a module', 'put empty lines before the source')
    const importer = importModuleDynamically as DynamicImport | undefined
    super(host, options, {
      content: () => {
        const meta = Object.create(null) as object
        ;(initializeImportMeta as ((meta: object, module: unknown) => void) | undefined)?.(meta, this)
        return { source: sourceText, meta }
      },
      importer: importer && ((...asked) => dynamicImporter(importer, this)(...asked)),
      linkWith: (linker) => this.#linkWith(linker as ModuleLinker),
    })
    this.#host = host
    this.#source = sourceText
  }

  /** Settles with this module once it is parsed; rejects with the SyntaxError of one that does not parse. */
  get parsed(): Promise<this> {
    this.#parsed ??= this.#parse()
    this.#parsed.catch(() => undefined)
    return this.#parsed
  }

  /** Known once {@link parsed} has settled. */
  get moduleRequests(): readonly ModuleRequest[] {
    if (this.#requests === undefined) throw wrongStatus("must be parsed: await 'parsed' first")
    return this.#requests
  }

  get dependencySpecifiers(): readonly string[] {
    return Object.freeze(this.moduleRequests.map(({ specifier }) => specifier))
  }

  /** Asks `linker` for each module that it imports, and links those. */
  async link(linker: ModuleLinker): Promise<void> {
    checkFunction(linker, 'linker')
    const { status } = this
    if (status === 'linked') throw moduleFailure('ERR_VM_MODULE_ALREADY_LINKED', 'Module has already been linked')
    if (status !== 'unlinked') throw wrongStatus('must be unlinked')
    await this.#linkWith(linker)
    for (const module of graphOf(this)) if (module.status === 'linking') partsOf(module).status = 'linked'
  }

  /** Links it to modules, in the order of {@link moduleRequests}. */
  async linkRequests(modules: readonly VmModule[]): Promise<void> {
    if (this.status !== 'unlinked') throw wrongStatus('must be unlinked')
    checkArray(modules, 'modules')
    await this.parsed
    const requests = this.moduleRequests
    if (modules.length !== requests.length)
      throw moduleFailure('ERR_MODULE_LINK_MISMATCH', `Expected ${requests.length} modules, got ${modules.length}`)
    const linked = await Promise.all(requests.map(({ specifier }, i) => checkLinked(modules[i], specifier, this)))
    for (const [i, module] of linked.entries()) this.#put(requests[i] as ModuleRequest, module)
  }

  /** Says that all is linked, after {@link linkRequests}. A name that is not exported shows when it is evaluated. */
  async instantiate(): Promise<void> {
    if (this.status !== 'unlinked') throw wrongStatus('must be unlinked')
    await this.parsed
    const graph = graphOf(this)
    for (const module of graph) {
      if (!(module instanceof VmSourceTextModule) || module.status !== 'unlinked') continue
      await module.parsed
      if (partsOf(module).links.size < new Set(module.moduleRequests.map(nameOf)).size)
        throw moduleFailure('ERR_VM_MODULE_LINK_FAILURE', `request for '${module.moduleRequests[0]?.specifier ?? ''}' is not yet fulfilled`)
    }
    for (const module of graph) if (module.status === 'unlinked') partsOf(module).status = 'linked'
  }

  /** V8's code cache, made by the compiler. */
  async createCachedData(): Promise<Buffer> {
    const { status } = this
    if (status === 'evaluating' || status === 'evaluated' || status === 'errored')
      throw moduleFailure('ERR_VM_MODULE_CANNOT_CREATE_CACHED_DATA', 'Cached data cannot be created for a module which has been evaluated')
    await this.parsed
    return Buffer.from(this.#cachedData ?? [])
  }

  async #parse(): Promise<this> {
    const box = await this.#host.box()
    const script = await box.compile(this.#source, { format: 'module', filename: this.identifier })
    this.#requests = Object.freeze(script.imports.filter(({ dynamic }) => !dynamic).map(requestOf))
    this.#cachedData = script.cachedData
    return this
  }

  async #linkWith(linker: ModuleLinker): Promise<void> {
    const own = partsOf(this)
    own.status = 'linking'
    try {
      await this.parsed
      const found = this.moduleRequests.map(async (request) => {
        const { specifier, attributes } = request
        const module = await checkLinked(await linker(specifier, this, { attributes, assert: attributes }), specifier, this, linker)
        this.#put(request, module)
      })
      await Promise.all(found)
    } catch (error) {
      own.status = 'errored'
      own.failure = error
      throw error
    }
  }

  #put(request: ModuleRequest, module: VmModule): void {
    partsOf(this).links.set(nameOf(request), module)
  }
}

const nameOf = ({ specifier, attributes }: ModuleRequest): string => requestName(specifier, attributes['type'])

function requestOf({ specifier = '', attributes }: SourceImport): ModuleRequest {
  return Object.freeze({ specifier, attributes: Object.freeze({ ...attributes }), phase: 'evaluation' as const })
}
