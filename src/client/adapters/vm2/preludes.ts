/** What is run in a context before the first code: each takes something away, as an option of vm2's says. In the guest's realm, where the process around it is what confines. */
export const NO_EVAL = `(() => {
  const refuse = () => { throw new EvalError('Code generation from strings disallowed for this context') }
  const locked = (value) => ({ value, writable: false, enumerable: false, configurable: false })
  for (const kind of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    const { prototype } = Object.getPrototypeOf(kind).constructor
    const None = function () { refuse() }
    Object.defineProperty(None, 'prototype', locked(prototype))
    Object.defineProperty(prototype, 'constructor', locked(None))
  }
  Object.defineProperty(globalThis, 'Function', locked(Function.prototype.constructor))
  Object.defineProperty(globalThis, 'eval', locked(() => refuse()))
})()`

export const NO_WASM = `(() => {
  const { CompileError, Module } = WebAssembly
  const refusal = () => new CompileError('WebAssembly code generation disallowed by embedder')
  const None = function () { throw refusal() }
  None.prototype = Module.prototype
  Object.defineProperty(Module.prototype, 'constructor', { value: None })
  WebAssembly.Module = None
  for (const name of ['compile', 'compileStreaming', 'instantiate', 'instantiateStreaming']) if (name in WebAssembly) WebAssembly[name] = async () => { throw refusal() }
})()`

export const NO_ASYNC = `(() => {
  const refuse = () => { throw Object.assign(new Error('Async not available'), { name: 'VMError' }) }
  for (const name of ['then', 'catch', 'finally']) Object.defineProperty(Promise.prototype, name, { value: refuse })
})()`

/** Freezes a global and all that it holds, and keeps it in its place. */
export const freezing = (name: string): string => `((name) => {
  const seen = new Set()
  const freeze = (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
    seen.add(value)
    for (const key of Reflect.ownKeys(value)) freeze(Reflect.getOwnPropertyDescriptor(value, key).value)
    Object.freeze(value)
  }
  freeze(globalThis[name])
  Object.defineProperty(globalThis, name, { writable: false, configurable: false })
})(${JSON.stringify(name)})`
