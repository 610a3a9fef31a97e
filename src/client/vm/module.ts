import type { Box } from '../box.ts'
import type { Importer, ImportedModule } from './importers.ts'
import { invalidType, moduleFailure, wrongStatus } from './node-errors.ts'
import { runSettings } from './options.ts'
import { checkAnyObject, checkString } from './validate.ts'
import type { VmContext } from './vm-context.ts'

export type ModuleStatus = 'unlinked' | 'linking' | 'linked' | 'evaluating' | 'evaluated' | 'errored'

/** What modules need of the façade that they belong to. */
export interface ModuleHost {
  readonly box: () => Promise<Box>
  readonly contextOf: (contextifiedObject: unknown) => VmContext
  readonly thisContext: () => VmContext
}

/** What `import()` calls. Gives a module, or the namespace of one. */
export type DynamicImport = (specifier: string, referrer: unknown, attributes: Readonly<Record<string, string>>) => unknown

/** What a module is inside: its kind says how it is made. */
interface ModuleKind {
  /** Its text, and `import.meta`. */
  readonly content: () => { readonly source: string; readonly meta: object }
  readonly importer: Importer | undefined
  /** Links it and what it imports. */
  readonly linkWith: (linker: unknown) => Promise<void>
}

/** What only modules know of each other. */
export interface ModuleParts extends ImportedModule, ModuleKind {
  readonly host: ModuleHost
  readonly vmContext: VmContext
  /** What it imports by statements: see {@link requestName}. */
  readonly links: Map<string, VmModule>
  status: ModuleStatus
  failure: unknown
}

const parts = new WeakMap<VmModule, ModuleParts>()
const namespaces = new WeakMap<object, VmModule>()
/** Names that modules without one get: by context, as in node:vm. */
const counts = new WeakMap<VmContext, number>()
let made = 0

export function partsOf(module: VmModule): ModuleParts {
  return parts.get(module) as ModuleParts
}

/** What tells one request of a module from another. */
export const requestName = (specifier: string, type: string | undefined): string => `${type ?? ''}\0${specifier}`

/** What all modules of `glovebox/vm` have: `vm.Module` of Node's. */
export abstract class VmModule {
  readonly identifier: string
  /** The object of its context; undefined for the shared one. */
  readonly context: object | undefined
  #exports: object | undefined
  #exportsFailure: Error | undefined

  constructor(host: ModuleHost, { context, identifier }: { readonly context?: unknown; readonly identifier?: unknown }, kind: ModuleKind) {
    if (context !== undefined) checkAnyObject(context, 'context')
    this.context = context
    const vmContext = context === undefined ? host.thisContext() : contextOf(host, context)
    if (identifier !== undefined) checkString(identifier, 'options.identifier')
    const number = counts.get(vmContext) ?? 0
    if (identifier === undefined) counts.set(vmContext, number + 1)
    this.identifier = identifier ?? `vm:module(${number})`
    const links = new Map<string, VmModule>()
    const linked = (specifier: string, type: string): ImportedModule | undefined => {
      const module = links.get(requestName(specifier, type))
      return module === undefined ? undefined : partsOf(module)
    }
    const names = { key: `vm-module:${++made}`, identifier: this.identifier }
    const own: ModuleParts = { ...kind, ...names, host, vmContext, links, linked, status: 'unlinked', failure: undefined }
    parts.set(this, own)
    vmContext.importers.add(own)
  }

  get status(): ModuleStatus {
    return partsOf(this).status
  }

  get error(): unknown {
    const { status, failure } = partsOf(this)
    if (status !== 'errored') throw wrongStatus('must be errored')
    return failure
  }

  /** What it exports, once it is evaluated: data, and functions as handles, as they were then. */
  get namespace(): object {
    const { status } = this
    if (status === 'unlinked' || status === 'linking') throw wrongStatus('must not be unlinked or linking')
    if (this.#exportsFailure !== undefined) throw this.#exportsFailure
    if (this.#exports === undefined) throw wrongStatus('must be evaluated')
    return this.#exports
  }

  /** Evaluates it and what it imports. Resolves with undefined; rejects with what is thrown, then and whenever it is called again. */
  async evaluate(options?: object): Promise<undefined> {
    const settings = runSettings(options)
    const own = partsOf(this)
    if (own.status === 'errored') throw own.failure
    if (own.status === 'evaluated') return undefined
    if (own.status !== 'linked') throw wrongStatus('must be one of linked, evaluated, or errored')
    const graph = [...graphOf(this)].filter(({ status }) => status === 'linked')
    for (const module of graph) partsOf(module).status = 'evaluating'
    try {
      await own.vmContext.evaluateModule(own.key, settings)
    } catch (error) {
      for (const module of graph) partsOf(module).status = 'linked'
      own.status = 'errored'
      own.failure = error
      throw error
    }
    for (const module of graph) await module.#evaluated()
    return undefined
  }

  async #evaluated(): Promise<void> {
    const own = partsOf(this)
    own.status = 'evaluated'
    try {
      this.#exports = namespaceOf(await own.vmContext.exportsOf(own.key))
      namespaces.set(this.#exports, this)
    } catch (error) {
      // Evaluated all the same; but what it exports cannot cross.
      this.#exportsFailure = error as Error
    }
  }
}

/** A module that may take the place of a request, linked if there is a linker. */
export async function checkLinked(given: unknown, specifier: string, from: VmModule, linker?: unknown): Promise<VmModule> {
  if (!(given instanceof VmModule)) throw moduleFailure('ERR_VM_MODULE_NOT_MODULE', 'Provided module is not an instance of Module')
  if (given.context !== from.context) throw moduleFailure('ERR_VM_MODULE_DIFFERENT_CONTEXT', 'Linked modules must use the same context')
  const { status, failure, linkWith } = partsOf(given)
  if (status === 'errored')
    throw moduleFailure('ERR_VM_MODULE_LINK_FAILURE', `request for '${specifier}' resolved to an errored module`, failure)
  if (status === 'unlinked' && linker !== undefined) await linkWith(linker)
  return given
}

/** What a callback for `import()` finds. */
export function dynamicImporter(callback: DynamicImport, referrer: unknown): Importer {
  return async (specifier, attributes) => {
    const given = await callback(specifier, referrer, attributes)
    const module = given instanceof VmModule ? given : typeof given === 'object' && given !== null ? namespaces.get(given) : undefined
    if (module === undefined) throw moduleFailure('ERR_VM_MODULE_NOT_MODULE', 'Provided module is not an instance of Module')
    const own = partsOf(module)
    if (own.status === 'errored') throw own.failure
    if (own.status === 'unlinked' || own.status === 'linking') throw wrongStatus('must not be unlinked or linking')
    return own
  }
}

function contextOf(host: ModuleHost, context: object): VmContext {
  try {
    return host.contextOf(context)
  } catch {
    throw invalidType('options.context', 'an vm.Context', context)
  }
}

/** A module and all that it reaches. */
export function graphOf(root: VmModule): ReadonlySet<VmModule> {
  const graph = new Set([root])
  // A Set gives what is added while it is gone through.
  for (const module of graph) for (const dependency of partsOf(module).links.values()) graph.add(dependency)
  return graph
}

function namespaceOf(exports: object): object {
  const namespace = Object.create(null) as object
  const values = exports as Readonly<Record<string, unknown>>
  for (const name of Object.keys(values).sort())
    Object.defineProperty(namespace, name, { value: values[name], writable: true, enumerable: true })
  Object.defineProperty(namespace, Symbol.toStringTag, { value: 'Module' })
  return Object.seal(namespace)
}
