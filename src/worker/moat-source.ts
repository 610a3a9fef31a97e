import { PROMISE_EVENT } from './realm/record.ts'

/** What the moat asks on its own account: whether the evaluate should have ended by now. */
export const LOOK_AT_CLOCK = -1
/** How many calls about rejections it lets pass between, at least, and how many more: a power of two. */
const CALLS_PER_LOOK = 48
const MORE_CALLS = 32
/** How many calls it waits for one that says that a rejection was handled. */
const PATIENCE = 16

/**
 * The script of the moat realm: see createMoat.
 * @param evaluationPhase what Node calls the phase of `import()`, as opposed to `import.source()`
 */
export const moatSource = (evaluationPhase: number): string => `(() => {
  'use strict'
  let hooks
  let answer
  let calls = 0
  let more = 0
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
    // Node calls this one inside a TryCatch: a deadline's signal that comes meanwhile is lost, and code that rejects one promise after the other is in here most of the time.
    rejected: (event, promise, reason) => {
      try {
        if (hooks !== undefined) hooks.rejected(event, promise, reason)
      } catch {
        // No stack left to note it.
      }
      try {
        // What is sent in here is lost again if the next function that is entered is this one. Most often a promise is rejected and handled at once: then it is better sent after the second.
        if (--calls > 0 || (event === ${PROMISE_EVENT.rejected} && calls > -${PATIENCE})) return
        // Another number each time: code that goes round in a circle would be met at the same place for ever.
        more = (more * 5 + 3) & ${MORE_CALLS - 1}
        calls = ${CALLS_PER_LOOK} + more
        // The last that is done: see Guard.
        answer(${LOOK_AT_CLOCK})
      } catch {
        // None left to look.
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
    importModuleDynamically: (referrer, specifier, phase, attributes, file) => {
      try {
        return hooks === undefined ? refused : hooks.importModule(referrer, specifier, phase === ${evaluationPhase}, attributes, file)
      } catch {
        return refused
      }
    },
    // The third is Node's wrapper of the module, an object of the main realm: it goes nowhere.
    initializeImportMeta: (module, meta) => {
      try {
        if (hooks !== undefined) hooks.importMeta(module, meta)
      } catch {
        // No stack left to fill it.
      }
    },
  }
  // The engine makes all of it when it is touched, as the walk below would.
  delete globalThis.Temporal
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
  // V8 has fast paths (for spread, map, slice, replace and many more, up to thirty times as fast) that it leaves for good, in all realms, once one of these is touched in any. A guest comes to
  // none of them: what it may hold leads to the four above only.
  const watch = (object, ...names) => kept.set(object, names)
  watch(Array, Symbol.species)
  watch(Array.prototype, 'constructor', Symbol.iterator)
  watch(RegExp, Symbol.species)
  watch(RegExp.prototype, 'constructor')
  watch(String.prototype, Symbol.iterator)
  watch(Map.prototype, Symbol.iterator)
  watch(Set.prototype, Symbol.iterator)
  watch(Iterator.prototype, Symbol.iterator)
  const iterators = [[], '', new Map(), new Set()]
  for (let i = 0; i < iterators.length; i++) watch(getPrototypeOf(iterators[i][Symbol.iterator]()), 'next')
  const TypedArray = getPrototypeOf(Int8Array)
  watch(TypedArray, Symbol.species)
  watch(TypedArray.prototype, 'constructor', Symbol.iterator)
  const globals = ownKeys(globalThis)
  for (let i = 0; i < globals.length; i++) {
    const value = globalThis[globals[i]]
    if (typeof value === 'function' && getPrototypeOf(value) === TypedArray) watch(value.prototype, 'constructor')
  }
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
