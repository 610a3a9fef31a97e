import vm from 'node:vm'
import { internalBinding } from './internals.ts'

/**
 * What a realm gives the moat to call on behalf of its guest. Functions of the guest's realm, made before guest code ran.
 */
export interface RealmHooks {
  /** The text (or, with a guest's own `Error.prepareStackTrace`, the value) of an error's `stack`. */
  readonly formatStack: (error: unknown, sites: unknown) => unknown
  /** A promise of the guest's realm that rejects: there is nothing to import. */
  readonly importModule: (specifier: unknown) => unknown
}

export interface Moat {
  /** Says whose code runs from now on. The guard calls it around each evaluate. */
  enter(hooks: RealmHooks | undefined): void
}

/**
 * The moat realm: an empty vanilla context that owns every function which Node calls on a guest's behalf. When such a function
 * overflows the stack on the way in, or throws, the error is an object of this realm, whose `Function` reaches an empty, frozen
 * global. Were they functions of the main realm, as Node sets them up, `e.name = Symbol(); e.stack` would hand out the main realm.
 *
 * Architecture invariant: code in MOAT_SOURCE uses syntax only, never a method reached through a prototype, and calls only functions of the
 * guest's realm; no main-realm function is known to it.
 */
export function createMoat(): Moat {
  const global = vm.createContext(vm.constants.DONT_CONTEXTIFY, { microtaskMode: 'afterEvaluate' })
  // Compiled in and for the moat's own realm; runs before any guest code, so reading its plain properties here is safe.
  const moat = vm.runInContext(MOAT_SOURCE, global, { filename: 'glovebox:moat', displayErrors: false }) as Moat & {
    readonly prepareStackTrace: (global: object, error: unknown, sites: unknown) => unknown
    readonly importModuleDynamically: (...args: never[]) => unknown
    readonly nothing: () => unknown
  }
  internalBinding('errors').setPrepareStackTraceCallback(moat.prepareStackTrace)
  internalBinding('module_wrap').setImportModuleDynamicallyCallback(moat.importModuleDynamically)
  internalBinding('module_wrap').setInitializeImportMetaObjectCallback(moat.nothing)
  // Guest rejections would reach main-realm code, which keeps and inspects them. The worker's own code uses no promises.
  internalBinding('task_queue').setPromiseRejectCallback(moat.nothing)
  return moat
}

const MOAT_SOURCE = `(() => {
  'use strict'
  let hooks
  // Made ahead: near the stack limit nothing can be made.
  const refused = Promise.reject(new TypeError('import() is not available here'))
  refused.catch(() => undefined)
  const moat = {
    __proto__: null,
    enter: (next) => { hooks = next },
    prepareStackTrace: (global, error, sites) => {
      try {
        if (hooks !== undefined) return hooks.formatStack(error, sites)
        // Outside an evaluate only the worker's own errors are formatted.
        let text = '' + error
        for (let i = 0; i < sites.length; i++) text += '\\n    at ' + sites[i]
        return text
      } catch {
        return 'Error'
      }
    },
    importModuleDynamically: (referrer, specifier) => {
      try {
        return hooks === undefined ? refused : hooks.importModule(specifier)
      } catch {
        return refused
      }
    },
    nothing: () => undefined,
  }
  // A guest may hold errors and promises of this realm: it must not be able to change what others of its worker see of it.
  const seen = new Set()
  const freeze = (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
    seen.add(value)
    Object.freeze(value)
    freeze(Reflect.getPrototypeOf(value))
    const keys = Reflect.ownKeys(value)
    for (let i = 0; i < keys.length; i++) {
      const described = Reflect.getOwnPropertyDescriptor(value, keys[i])
      freeze(described.value)
      freeze(described.get)
      freeze(described.set)
    }
  }
  const names = Reflect.ownKeys(globalThis)
  for (let i = 0; i < names.length; i++) {
    freeze(Reflect.getOwnPropertyDescriptor(globalThis, names[i]).value)
  }
  // Not reachable by name: the prototypes of generators, async functions and iterators.
  const hidden = [function* () {}, async function* () {}, async () => {}, [][Symbol.iterator](), new Map()[Symbol.iterator](),
    new Set()[Symbol.iterator](), ''[Symbol.iterator](), ''.matchAll(/x/g), Reflect.getPrototypeOf(Int8Array)]
  for (let i = 0; i < hidden.length; i++) freeze(hidden[i])
  freeze(refused)
  Object.freeze(globalThis)
  return moat
})()`
