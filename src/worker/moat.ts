import vm from 'node:vm'
import { internalBinding } from '../confined/internals.ts'
import { moatSource } from './moat-source.ts'

/**
 * What a realm gives the moat to call on behalf of its guest. Functions of the guest's realm, made before guest code ran.
 */
export interface RealmHooks {
  /** The text (or, with a guest's own `Error.prepareStackTrace`, the value) of an error's `stack`. */
  readonly formatStack: (error: unknown, sites: unknown) => unknown
  /** A promise of the guest's realm for a module's namespace. `referrer` is the symbol of the module whose code asks, or another, and `file` the name of the script. */
  readonly importModule: (referrer: unknown, specifier: unknown, isEvaluation: unknown, attributes: unknown, file: unknown) => unknown
  /** Gives a module's `import.meta` its properties. */
  readonly importMeta: (module: unknown, meta: unknown) => void
  /** V8 says that a promise was rejected without a handler, or has got one since. */
  readonly rejected: (event: unknown, promise: unknown, reason: unknown) => void
}

export interface Moat {
  /** What a realm side calls to ask the worker. Gives what the worker says, or -1 if there is no stack left. */
  readonly bridge: (request: number) => number
  /** Says who answers the bridge: a function of the worker's, which takes and gives numbers only. */
  connect(answer: (request: number) => number): void
  /** Says whose code runs from now on. The guard calls it around each evaluate. */
  enter(hooks: RealmHooks | undefined): void
}

/**
 * The moat realm: an empty vanilla context that owns every function which Node calls on a guest's behalf. When such a function
 * overflows the stack on the way in, or throws, the error is an object of this realm, whose `Function` reaches an empty, frozen
 * global. Were they functions of the main realm, as Node sets them up, `e.name = Symbol(); e.stack` would hand out the main realm.
 *
 * Architecture invariant: code in moatSource uses syntax only, never a method reached through a prototype, and calls only functions of the
 * guest's realm, and one of the main realm, which takes a number and gives a number: what that one throws stays in the moat.
 */
export function createMoat(): Moat {
  const global = vm.createContext(vm.constants.DONT_CONTEXTIFY, {
    microtaskMode: 'afterEvaluate',
    codeGeneration: { strings: false, wasm: false },
  })
  // Compiled in and for the moat's own realm; runs before any guest code, so reading its plain properties here is safe.
  const moat = vm.runInContext(moatSource(internalBinding('module_wrap').kEvaluationPhase), global, {
    filename: 'glovebox:moat',
    displayErrors: false,
  }) as Moat & {
    readonly prepareStackTrace: (global: object, error: unknown, sites: unknown) => unknown
    readonly importModuleDynamically: (...args: never[]) => unknown
    readonly rejected: (...args: never[]) => unknown
    readonly initializeImportMeta: (...args: never[]) => unknown
  }
  internalBinding('errors').setPrepareStackTraceCallback(moat.prepareStackTrace)
  internalBinding('module_wrap').setImportModuleDynamicallyCallback(moat.importModuleDynamically)
  internalBinding('module_wrap').setInitializeImportMetaObjectCallback(moat.initializeImportMeta)
  // Guest rejections would reach main-realm code, which keeps and inspects them. The worker's own code uses no promises.
  internalBinding('task_queue').setPromiseRejectCallback(moat.rejected)
  return moat
}
