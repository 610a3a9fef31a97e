/** Name of the global, a registered symbol, that holds what this adapter runs in a context. A guest that tampers with it harms its own context only. */
export const GUEST_SIDE = `globalThis[Symbol.for('glovebox/isolated-vm')]`

/**
 * What this adapter runs in a context, in the guest's realm. `receive` keeps a request, `serve` does what it asks: [operation, target, ...arguments]. A reference is a function by which the host does things to a value
 * that stays here; `values` knows which. What goes out is [kind, ...], so that nothing is waited for that should not be.
 */
export const GUEST_SOURCE = `(() => {
  const values = new WeakMap(), requests = new Map(), global = globalThis, { eval: evaluate } = global
  const { apply, construct, deleteProperty, set } = Reflect, { Function } = global
  const isPlain = (value) => value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
  const reference = (value) => {
    const handle = () => undefined
    values.set(handle, value)
    return ['reference', value === null ? 'null' : typeof value, handle]
  }
  const out = (value, how) =>
    how.reference ? reference(value)
    : isPlain(value) ? ['value', value]
    : how.externalCopy ? ['external', value]
    : how.copy ? ['value', value]
    : typeof value === 'function' ? ['value', value]
    : ['none']
  const into = ([kind, value]) => kind === 'deref' ? values.get(value) : kind === 'host' ? new Reference(value) : value
  const isCopied = (options) => options?.result?.copy === true
  class Reference {
    #of
    constructor(of) { this.#of = of }
    get typeof() { return this.#of.typeof }
    async apply(receiver, args = [], options) { return this.#of.apply(isCopied(options), args) }
    applySync(receiver, args = [], options) { return this.#of.applySync(isCopied(options), args) }
    applyIgnored(receiver, args = []) { this.#of.apply(true, args).catch(() => undefined) }
    applySyncPromise() { throw new Error('applySyncPromise() cannot exist: a worker does not stop for a promise. Call apply(), and await it') }
    async copy() { return this.#of.copy() }
    copySync() { return this.#of.copy() }
    async get(key) { return this.#of.get(key) }
    getSync(key) { return this.#of.get(key) }
  }
  const operations = {
    global: () => global,
    get: (target, key) => target[into(key)],
    set: (target, key, value) => set(target, into(key), into(value)),
    delete: (target, key) => deleteProperty(target, into(key)),
    apply: (target, receiver, args) => apply(target, into(receiver), args.map(into)),
    copy: (target) => target,
    evaluate: (target, source) => evaluate(source),
    closure: (target, source, args) => construct(Function, [...args.map((_, at) => '$' + at), source])(...args.map(into)),
  }
  const serve = (id) => {
    const [operation, target, how, ...rest] = requests.get(id)
    requests.delete(id)
    const result = operations[operation](target === undefined ? undefined : values.get(target), ...rest)
    return how.promise ? (async () => out(await result, how))() : out(result, how)
  }
  Object.defineProperty(global, Symbol.for('glovebox/isolated-vm'), { value: { serve } })
  return (id, request) => { requests.set(id, request) }
})()`
