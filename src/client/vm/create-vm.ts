import type { Box } from '../box.ts'
import { constants } from './constants.ts'
import { compileFunction } from './compile-function.ts'
import { invalidType } from './node-errors.ts'
import { newContextOptions, type ContextSettings, contextSettings, optionsOf } from './options.ts'
import { type ScriptHost, VmScript } from './script.ts'
import { checkAnyObject, type Options } from './validate.ts'
import { VmSourceTextModule } from './source-text-module.ts'
import { VmSyntheticModule } from './synthetic-module.ts'
import { measureMemory } from './measure-memory.ts'
import { dynamicImporter } from './module.ts'
import type { Vm } from './vm.ts'
import { VmContext } from './vm-context.ts'

/** As `glovebox/vm` itself, with the contexts in a box of yours: its tenant, its limits, its daemon. The box stays yours to dispose. */
export function createVm(box: Box): Vm {
  return makeVm(() => Promise.resolve(box))
}

/** @internal `box` is asked for when something is needed of it. */
export function makeVm(box: () => Promise<Box>): Vm {
  const contexts = new WeakMap<object, VmContext>()
  /** Contexts whose object is gone go, too. */
  const dropped = new FinalizationRegistry((context: Promise<AsyncDisposable>) => {
    context.then((made) => made[Symbol.asyncDispose]()).catch(() => undefined)
  })
  let shared: VmContext | undefined

  const host: ScriptHost = {
    box,
    contextOf(contextifiedObject) {
      checkAnyObject(contextifiedObject, 'object')
      const context = contexts.get(contextifiedObject)
      if (context === undefined) throw invalidType('contextifiedObject', 'an vm.Context', contextifiedObject)
      return context
    },
    thisContext() {
      if (shared === undefined || shared.isLost) shared = new VmContext(box(), {})
      return shared
    },
    newContext(contextObject, settings) {
      const { object } = contextify(contextObject, settings)
      const context = contexts.get(object) as VmContext
      return { context, made: context.made() }
    },
  }

  const contextify = (
    given: unknown,
    { importModuleDynamically }: ContextSettings,
  ): { readonly object: object; readonly made: Promise<void> | undefined } => {
    const object: unknown = given === undefined || given === constants.DONT_CONTEXTIFY ? {} : given
    checkAnyObject(object, 'object')
    if (contexts.has(object)) return { object, made: undefined }
    const context = new VmContext(box(), object)
    contexts.set(object, context)
    if (importModuleDynamically !== undefined) context.setDefaultImporter(dynamicImporter(importModuleDynamically, object))
    dropped.register(object, context.context, context)
    const made = context.made().catch((error: unknown) => {
      contexts.delete(object)
      throw error
    })
    return { object, made }
  }

  class Script extends VmScript {
    constructor(code: unknown, options?: object | string, isOnce = false) {
      super(host, code, options, isOnce)
    }
  }

  class SourceTextModule extends VmSourceTextModule {
    constructor(sourceText: string, options?: object) {
      super(host, sourceText, options)
    }
  }

  class SyntheticModule extends VmSyntheticModule {
    constructor(exportNames: readonly string[], evaluateCallback: (this: VmSyntheticModule) => void, options?: object) {
      super(host, exportNames, evaluateCallback, options)
    }
  }

  const scriptOptions = (options: unknown): Options => ({ ...optionsOf(options) })

  return {
    Script,
    SourceTextModule,
    SyntheticModule,
    constants,
    measureMemory: async (options) => measureMemory(box, options),

    isContext(object) {
      checkAnyObject(object, 'object')
      return contexts.has(object)
    },

    async createContext<Given extends object>(contextObject?: Given | symbol, options?: object): Promise<Given> {
      if (typeof contextObject === 'object' && contexts.has(contextObject)) return contextObject
      if (contextObject !== undefined && contextObject !== constants.DONT_CONTEXTIFY) checkAnyObject(contextObject, 'object')
      const { object, made } = contextify(contextObject, contextSettings(options))
      await made
      return object as Given
    },

    async runInContext(code, contextifiedObject, options) {
      host.contextOf(contextifiedObject)
      const given = scriptOptions(options)
      return new Script(code, given, true).runInContext(contextifiedObject, given)
    },

    async runInNewContext(code, contextObject, options) {
      const given = scriptOptions(options)
      const settings = contextSettings(newContextOptions(given))
      const script = new Script(code, given, true)
      const { object, made } = contextify(contextObject, settings)
      await made
      return script.runInContext(object, given)
    },

    async runInThisContext(code, options) {
      const given = scriptOptions(options)
      return new Script(code, given, true).runInThisContext(given)
    },

    compileFunction: (code, params, options) => compileFunction(host, code, params, options),

    async dispose(contextifiedObject) {
      const context = host.contextOf(contextifiedObject)
      contexts.delete(contextifiedObject)
      dropped.unregister(context)
      await context[Symbol.asyncDispose]()
    },
  }
}
