import type vm from 'node:vm'

/**
 * The few pieces of Node's inside that a worker needs (`--expose-internals`), typed by what is used of them.
 * They hold for the Node version that ships with the daemon; the tests that boot a worker fail when one changes.
 */
interface InternalBindings {
  readonly contextify: {
    /** A function of the context's realm with this body. */
    compileFunction(
      code: string,
      filename: string,
      lineOffset: number,
      columnOffset: number,
      cachedData: undefined,
      produceCachedData: false,
      parsingContext: object,
      contextExtensions: readonly object[],
      params: readonly string[],
      hostDefinedOptionId: symbol,
    ): { readonly function: unknown }
    /** What `vm.measureMemory()` calls, by the numbers in `constants`. */
    measureMemory(mode: number, execution: number): Promise<MemoryMeasurement>
    readonly constants: {
      readonly measureMemory: {
        readonly mode: { readonly SUMMARY: number; readonly DETAILED: number }
        readonly execution: { readonly EAGER: number }
      }
    }
    /** What `vm.Script` is made of. */
    readonly ContextifyScript: {
      readonly prototype: {
        /** What the method of the same name of `vm.Script` calls when it has checked its arguments. -1 is no timeout. */
        readonly runInContext: (
          this: vm.Script,
          global: object,
          timeoutMs: number,
          displayErrors: boolean,
          breakOnSigint: boolean,
          breakOnFirstLine: boolean,
        ) => unknown
      }
    }
    startSigintWatchdog(): void
    /** Leaves the thread alone if somebody else started it, too. */
    stopSigintWatchdog(): boolean
    watchdogHasPendingSigint(): boolean
  }
  readonly errors: {
    /** Where an error was made, for one of the parser's where the parser stopped. Runs no code of the error's. Aborts the process for anything but an object. */
    getErrorSourcePositions(error: Error): {
      readonly sourceLine?: unknown
      readonly scriptResourceName?: unknown
      readonly lineNumber?: unknown
      readonly startColumn?: unknown
    }
    setPrepareStackTraceCallback(callback: (global: object, error: unknown, sites: unknown) => unknown): void
  }
  readonly module_wrap: {
    /** A module of a context's realm, compiled. `import()` and `import.meta` in it name it by `id`. */
    readonly ModuleWrap: new (
      url: string,
      context: object,
      source: string,
      lineOffset: number,
      columnOffset: number,
      id: symbol,
    ) => ModuleWrap
    readonly kInstantiated: number
    readonly kErrored: number
    readonly kEvaluationPhase: number
    setImportModuleDynamicallyCallback(callback: (...args: never[]) => unknown): void
    setInitializeImportMetaObjectCallback(callback: (...args: never[]) => unknown): void
  }
  readonly util: {
    /** The functions that run now, the innermost first. Runs no code of a guest's, whatever it has done to `Error`; gives objects and texts of the main realm. */
    getCallSites(frames: number): readonly {
      readonly functionName: string
      readonly scriptName: string
      readonly lineNumber: number
      readonly columnNumber: number
    }[]
  }
  readonly task_queue: {
    setPromiseRejectCallback(callback: (...args: never[]) => unknown): void
  }
}

interface MemoryEstimate {
  readonly jsMemoryEstimate: number
  readonly jsMemoryRange: readonly [least: number, most: number]
}

/** Plain objects of the main realm. */
export interface MemoryMeasurement {
  readonly total: MemoryEstimate
  readonly WebAssembly: { readonly code: number; readonly metadata: number }
  readonly current?: MemoryEstimate
  readonly other?: readonly MemoryEstimate[]
}

/** Its methods read nothing that a guest's realm holds. What they throw may be an object of that realm. */
export interface ModuleWrap {
  getModuleRequests(): readonly {
    readonly specifier: string
    readonly attributes: Readonly<Record<string, string>>
    readonly phase: number
  }[]
  /** One module for each request, in their order. May be called once. */
  link(modules: readonly ModuleWrap[]): void
  instantiate(): void
  /** Gives a promise of the module's realm. Aborts the process for a module that is not instantiated. */
  evaluate(timeoutMs: number, breakOnSigint: boolean): unknown
  getStatus(): number
  /** HOSTILE: an object of the module's realm. */
  getNamespace(): unknown
}

type InternalBinding = <Name extends keyof InternalBindings>(name: Name) => InternalBindings[Name]

export const internalBinding: InternalBinding = (require('internal/test/binding') as { internalBinding: InternalBinding }).internalBinding
