import type { CompiledFunction } from './compile-function.ts'
import type { MeasuredMemory, MeasureMemoryOptions } from './measure-memory.ts'
import type { constants } from './constants.ts'
import type { DynamicImport } from './module.ts'
import type { VmScript } from './script.ts'
import type { VmSourceTextModule } from './source-text-module.ts'
import type { VmSyntheticModule } from './synthetic-module.ts'

/** What gives code its name and place in stacks, and its code cache. */
export interface ScriptOptions {
  /** Shown in stacks. Default `evalmachine.<anonymous>`. */
  readonly filename?: string
  /** Added to line and column of every place; 32-bit integers. Default 0. */
  readonly lineOffset?: number
  readonly columnOffset?: number
  /** V8's code cache of an earlier compilation. One that does not fit is not used, and `cachedDataRejected` is true. */
  readonly cachedData?: ArrayBufferView
  readonly produceCachedData?: boolean
  /** What `import()` calls: gives a module, or the namespace of one. It goes by `filename`: of scripts of one name in one context, the last one's callback is called. */
  readonly importModuleDynamically?: DynamicImport | symbol
}

export interface RunOptions {
  /** Milliseconds, up to the daemon's maximum. Default: the connection's. Covers promises, too. */
  readonly timeout?: number
  /** SIGINT ends the run, and no listener of this process hears of it. */
  readonly breakOnSigint?: boolean
  /** Has no effect: nothing is printed. */
  readonly displayErrors?: boolean
}

export interface ContextOptions {
  /** For an inspector, which there is not. */
  readonly name?: string
  readonly origin?: string
  readonly codeGeneration?: { readonly strings?: boolean; readonly wasm?: boolean }
  /** Promise jobs always run within the run that made them, and its deadline. */
  readonly microtaskMode?: 'afterEvaluate'
  /** For `import()` in scripts without a callback of their own. */
  readonly importModuleDynamically?: DynamicImport | symbol
}

/** Those of a context that is made on the way. */
export interface NewContextOptions {
  readonly contextName?: string
  readonly contextOrigin?: string
  readonly contextCodeGeneration?: { readonly strings?: boolean; readonly wasm?: boolean }
  readonly microtaskMode?: 'afterEvaluate'
}

export interface CompileFunctionOptions extends ScriptOptions {
  /** Refused, unless it is empty. */
  readonly contextExtensions?: readonly (object | null)[]
  /** Default: the one of `runInThisContext`. */
  readonly parsingContext?: object
}

export interface ModuleOptions {
  /** Shown in stacks. Default `vm:module(N)`. */
  readonly identifier?: string
  /** Default: the one of `runInThisContext`. */
  readonly context?: object
}

export interface SourceTextModuleOptions extends ModuleOptions {
  /** Fills `import.meta`, once for each import. */
  readonly initializeImportMeta?: (meta: Record<string, unknown>, module: VmSourceTextModule) => void
  readonly importModuleDynamically?: DynamicImport
  /** Refused, unless they are 0. */
  readonly lineOffset?: number
  readonly columnOffset?: number
  /** Refused. */
  readonly cachedData?: ArrayBufferView
}

type Named<Options> = Options | string

/**
 * What `node:vm` has, with `await` in front: see docs/vm-compatibility.md. Arguments that `node:vm` refuses are refused with its errors; what guests throw arrives as GuestError.
 *
 * A context's object and the globals of its realm are brought in step before and after each run: plain objects, arrays, Maps and Sets in place, functions as handles that give promises. Runs in one
 * context come one after the other.
 */
export interface Vm {
  readonly Script: new (code: unknown, options?: Named<ScriptOptions>) => VmScript
  readonly SourceTextModule: new (sourceText: string, options?: SourceTextModuleOptions) => VmSourceTextModule
  readonly SyntheticModule: new (
    exportNames: readonly string[],
    evaluateCallback: (this: VmSyntheticModule) => void,
    options?: ModuleOptions,
  ) => VmSyntheticModule
  readonly constants: typeof constants
  /**
   * What V8 says of the memory of the workers in which this façade has contexts, in bytes; what else those workers have for this tenant is part of it. Always looks at once, as with `execution: 'eager'`: a garbage
   * collection in each.
   */
  readonly measureMemory: (options?: MeasureMemoryOptions) => Promise<MeasuredMemory>
  /** Gives an object a context of its own, and resolves with the object when there is one. It counts as a context from the moment of the call. */
  readonly createContext: <Given extends object = Record<PropertyKey, unknown>>(
    contextObject?: Given | symbol,
    options?: ContextOptions,
  ) => Promise<Given>
  /** Whether an object has a context. Answers at once. */
  readonly isContext: (object: unknown) => boolean
  readonly runInContext: (code: unknown, contextifiedObject: object, options?: Named<ScriptOptions & RunOptions>) => Promise<unknown>
  readonly runInNewContext: (
    code: unknown,
    contextObject?: object | symbol,
    options?: Named<ScriptOptions & RunOptions & NewContextOptions>,
  ) => Promise<unknown>
  /** In a context that all calls of this façade share: not in this process. */
  readonly runInThisContext: (code: unknown, options?: Named<ScriptOptions & RunOptions>) => Promise<unknown>
  readonly compileFunction: (code: string, params?: readonly string[], options?: CompileFunctionOptions) => Promise<CompiledFunction>
  /** Drops the context of an object, which stays as it is. Contexts of objects that are collected are dropped by themselves. */
  readonly dispose: (contextifiedObject: object) => Promise<void>
}
