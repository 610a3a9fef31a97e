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
 * Architecture invariant: code in MOAT_SOURCE uses syntax only, never a method reached through a prototype, and calls only functions of the
 * guest's realm, and one of the main realm, which takes a number and gives a number: what that one throws stays in the moat.
 */
export function createMoat(): Moat {
  const global = vm.createContext(vm.constants.DONT_CONTEXTIFY, {
    microtaskMode: 'afterEvaluate',
    codeGeneration: { strings: false, wasm: false },
  })
  // Compiled in and for the moat's own realm; runs before any guest code, so reading its plain properties here is safe.
  const moat = vm.runInContext(MOAT_SOURCE, global, { filename: 'glovebox:moat', displayErrors: false }) as Moat & {
    readonly prepareStackTrace: (global: object, error: unknown, sites: unknown) => unknown
    readonly importModuleDynamically: (...args: never[]) => unknown
    readonly rejected: (...args: never[]) => unknown
    readonly nothing: () => unknown
  }
  internalBinding('errors').setPrepareStackTraceCallback(moat.prepareStackTrace)
  internalBinding('module_wrap').setImportModuleDynamicallyCallback(moat.importModuleDynamically)
  internalBinding('module_wrap').setInitializeImportMetaObjectCallback(moat.nothing)
  // Guest rejections would reach main-realm code, which keeps and inspects them. The worker's own code uses no promises.
  internalBinding('task_queue').setPromiseRejectCallback(moat.rejected)
  return moat
}

const MOAT_SOURCE = `(() => {
  'use strict'
  let hooks
  let answer
  // Made ahead: near the stack limit nothing can be made.
  const refused = Promise.reject(new TypeError('import() is not available here'))
  refused.catch(() => undefined)
  const moat = {
    __proto__: null,
    enter: (next) => { hooks = next },
    connect: (next) => { answer = next },
    bridge: (request) => {
      try {
        return answer(request)
      } catch {
        return -1
      }
    },
    rejected: (event, promise, reason) => {
      try {
        if (hooks !== undefined) hooks.rejected(event, promise, reason)
      } catch {
        // No stack left to note it.
      }
    },
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
  // A guest may hold errors and promises of this realm. They lead nowhere: what remains of the built-ins is what those two need to be of any use, and nothing that makes an object
  // of another kind or leads to a constructor. So contexts cannot meet here either.
  const { ownKeys, getOwnPropertyDescriptor, getPrototypeOf, deleteProperty } = Reflect
  const { freeze } = Object
  const kept = new Map([
    [Promise.prototype, ['then', 'catch', 'finally']],
    [Error.prototype, ['name', 'message', 'toString']],
    [TypeError.prototype, ['name', 'message']],
    [RangeError.prototype, ['name', 'message']],
  ])
  const all = new Set()
  const collect = (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || all.has(value)) return
    all.add(value)
    collect(getPrototypeOf(value))
    const keys = ownKeys(value)
    for (let i = 0; i < keys.length; i++) {
      const described = getOwnPropertyDescriptor(value, keys[i])
      collect(described.value)
      collect(described.get)
      collect(described.set)
    }
  }
  collect(globalThis)
  // Not reachable by name: the prototypes of generators, asynchronous functions and iterators.
  const hidden = [function* () {}, async function* () {}, async () => {}, [][Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](),
    ''[Symbol.iterator](), ''.matchAll(/x/g), [].values().map((x) => x), Iterator.from({ next() {} })]
  for (let i = 0; i < hidden.length; i++) collect(hidden[i])
  all.delete(moat)
  const objects = [...all]
  const keepsOf = objects.map((object) => kept.get(object))
  for (let i = 0; i < objects.length; i++) {
    const keys = ownKeys(objects[i])
    for (let k = 0; k < keys.length; k++) {
      let keep = false
      const names = keepsOf[i]
      if (names !== undefined) for (let n = 0; n < names.length; n++) if (names[n] === keys[k]) keep = true
      // The global object keeps nothing but what cannot be deleted.
      if (!keep) deleteProperty(objects[i], keys[k])
    }
  }
  for (let i = 0; i < objects.length; i++) freeze(objects[i])
  freeze(refused)
  return moat
})()`
