/** Guest code: `keep` notes an object that a technique got hold of, `near` does something a little before the stack overflows, at many depths. */
export const PRELUDE = `
  var kept = []
  var keep = (value) => {
    if (((typeof value === 'object' && value !== null) || typeof value === 'function') && kept.length < 1000) kept.push(value)
    return value
  }
  var attempt = (act) => { try { keep(act()) } catch (error) { keep(error) } }
  var near = (act) => {
    let height = 0
    const dive = () => {
      try { dive() } catch (error) { keep(error) }
      height++
      if (height < 50 || (height < 2000 && height % 25 === 0)) attempt(act)
    }
    attempt(dive)
  }
  0`

/**
 * Guest code: whose globals the kept objects lead to, through the Function of any function within a few steps of them. 'guest' is the guest's own, 'moat' a frozen one with nothing
 * in it but the language, 'MAIN' any other.
 */
export const VERDICT = `(() => {
  const realms = new Set()
  const own = new Set()
  for (const key of Reflect.ownKeys(globalThis)) try { const value = globalThis[key]; if (value !== kept) own.add(value).add(value.prototype) } catch {}
  const seen = new Set()
  /** Functions with one prototype are of one realm: the guest has no foreign function whose prototype it could have set. */
  const families = new Set()
  const lookAt = (global) => {
    if (global === globalThis) return 'guest'
    const hosts = ['process', 'require', 'module', 'Buffer', 'fetch', 'setTimeout', 'setImmediate', 'queueMicrotask', 'structuredClone']
    return Object.isFrozen(global) && hosts.every((name) => typeof global[name] === 'undefined') ? 'moat' : 'MAIN'
  }
  const visit = (value, depth) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || depth > 4 || seen.has(value) || (depth > 0 && own.has(value))) return
    seen.add(value)
    if (typeof value === 'function' && !families.has(Reflect.getPrototypeOf(value))) {
      families.add(Reflect.getPrototypeOf(value))
      try {
        const made = value.constructor('return globalThis')()
        // Functions of other kinds give a promise or a generator, which leads to where it is from as any object does.
        if (typeof made.then === 'function' || typeof made.next === 'function') visit(made, depth + 1)
        else realms.add(lookAt(made))
      } catch {}
    }
    try { visit(value.constructor, depth + 1) } catch {}
    try { visit(Reflect.getPrototypeOf(value), depth + 1) } catch {}
    let keys = []
    try { keys = Reflect.ownKeys(value) } catch {}
    for (const key of keys.slice(0, 60)) {
      try {
        const described = Reflect.getOwnPropertyDescriptor(value, key)
        visit(described.value, depth + 1)
        visit(described.get, depth + 1)
        visit(described.set, depth + 1)
      } catch {}
    }
  }
  kept.forEach((value) => visit(value, 0))
  return [...realms].sort().join() || 'nothing'
})()`

/** How a technique gets to run: the guest's script, a job, a getter that the host reads, a getter of what is thrown, and the same near the stack's end. */
export const ENTRIES = {
  script: (technique: string) => `attempt(() => { ${technique} }); 0`,
  microtask: (technique: string) => `Promise.resolve().then(() => attempt(() => { ${technique} })).catch(keep)`,
  getter: (technique: string) => `({ get value() { attempt(() => { ${technique} }); return 1 } })`,
  thrown: (technique: string) =>
    `throw Object.defineProperty(new Error('x'), 'message', { get() { attempt(() => { ${technique} }); return '' } })`,
  deep: (technique: string) => `near(() => { ${technique} }); 0`,
  deepMicrotask: (technique: string) => `Promise.resolve().then(() => near(() => { ${technique} })).catch(keep)`,
  deepGetter: (technique: string) => `({ get value() { near(() => { ${technique} }); return 1 } })`,
  deepAsync: (technique: string) => `(async () => { await 0; near(() => { ${technique} }); await 0 })()`,
} as const
export type Entry = keyof typeof ENTRIES
