import { readFile } from 'node:fs/promises'
import { GloveboxError } from '../../../base/error.ts'
import { InvalidOptionError } from '../../../base/options.ts'
import { createVm, type Vm } from '../../vm/index.ts'
import type { Box } from '../../index.ts'
import { sharedBox } from '../../shared-box.ts'
import { freezing, NO_ASYNC, NO_EVAL, NO_WASM } from './preludes.ts'
import { readVMOptions, type VMOptions, type VMSettings } from './vm-options.ts'

const DEFAULT_FILENAME = 'vm.js'

/** `ERR_VM`: the code asks for something that an option of its VM takes away. */
export class VMError extends GloveboxError {
  constructor(message: string) {
    super('ERR_VM', message)
  }
}

/** A source and its name, for many runs. */
export class VMScript {
  readonly code: string
  readonly filename: string

  constructor(code: string, filename: string = DEFAULT_FILENAME) {
    this.code = code
    this.filename = filename
  }
}

interface Made {
  readonly vm: Vm
  readonly box: Box
}

/** vm2's `VM`, with its code in a confined process: what runs code gives a promise. docs/migrate-vm2.md says what differs. */
export class VM implements AsyncDisposable {
  /** Holds the globals: what is set here is seen by the next run, and what the guest sets is here when its run is over. */
  readonly sandbox: Record<string, unknown>
  readonly #settings: VMSettings
  /** Sources that the next run has run before it. */
  #before: string[] = []
  #made: Promise<Made> | undefined
  #isDisposed = false

  /** @throws InvalidOptionError */
  constructor(options?: VMOptions) {
    const settings = readVMOptions(options)
    this.#settings = settings
    // An object of its own, as in vm2: new globals do not end up on the caller's.
    this.sandbox = { ...settings.sandbox }
    // Before the others, which it needs none of, and after which nothing compiles strings.
    if (!settings.wasm) this.#before.push(NO_WASM)
    if (!settings.allowAsync) this.#before.push(NO_ASYNC)
    if (!settings.eval) this.#before.push(NO_EVAL)
  }

  /** Milliseconds for each run. */
  get timeout(): number | undefined {
    return this.#settings.timeout
  }

  /**
   * Runs code in the context, and resolves with its value; if that is a promise, with what it settles to.
   * @throws GuestError, VMError; on time-out an error with the code `ERR_SCRIPT_EXECUTION_TIMEOUT`
   */
  async run(code: string | VMScript, options?: string | { readonly filename?: string }): Promise<unknown> {
    if (this.#isDisposed) throw new VMError('this VM was disposed')
    const named = typeof options === 'string' ? options : options?.filename
    const filename = named ?? (code instanceof VMScript ? code.filename : DEFAULT_FILENAME)
    const source = code instanceof VMScript ? code.code : code
    if (typeof source !== 'string') throw new InvalidOptionError('code', 'must be a string or a VMScript', source)
    const { vm, box } = await this.#context()
    const javascript = await this.#compiled(box, source, filename)
    const { timeout } = this.#settings
    const before = this.#before
    this.#before = []
    const runs = before.map((each) => vm.runInContext(each, this.sandbox, { filename: 'vm2.js' }))
    const run = vm.runInContext(javascript, this.sandbox, { filename, ...(timeout === undefined ? {} : { timeout }) })
    // Runs of one context come one after the other: the last has what the others did.
    const [outcome] = await Promise.all([run, ...runs])
    return outcome
  }

  /** Reads a file of this process's machine, and runs what it holds. */
  async runFile(filename: string): Promise<unknown> {
    return this.run(await readFile(filename, 'utf8'), filename)
  }

  /** What a global held when the last run was over, or was set to since. */
  getGlobal(name: string): unknown {
    return this.sandbox[name]
  }

  setGlobal(name: string, value: unknown): this {
    this.sandbox[name] = value
    return this
  }

  setGlobals(values: Readonly<Record<string, unknown>>): this {
    Object.assign(this.sandbox, values)
    return this
  }

  /** Gives the guest a copy that it cannot change. Gives back the object, which stays as it is. */
  freeze<Value>(value: Value, name: string): Value {
    this.sandbox[name] = copied(value)
    this.#before.push(freezing(name))
    return value
  }

  /** As {@link freeze}. */
  readonly<Value>(value: Value, name: string): Value {
    return this.freeze(value, name)
  }

  /** Gives the guest a copy, which it may change: nothing of what it does there comes back. */
  protect<Value>(value: Value, name: string): Value {
    this.sandbox[name] = copied(value)
    return value
  }

  /** Drops the context. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    const made = await this.#made?.catch(() => undefined)
    await made?.vm.dispose(this.sandbox)
  }

  #context(): Promise<Made> {
    this.#made ??= (async () => {
      const box = this.#settings.box ?? (await sharedBox())
      const vm = createVm(box)
      await vm.createContext(this.sandbox)
      return { vm, box }
    })()
    return this.#made
  }

  async #compiled(box: Box, source: string, filename: string): Promise<string> {
    const { compiler, allowAsync, strict } = this.#settings
    const javascript =
      typeof compiler === 'function'
        ? compiler(source, filename)
        : compiler === 'typescript'
          ? (await box.compile(source, { language: 'ts', filename })).code
          : source
    if (!allowAsync && /\b(?:async|await)\b/.test(javascript)) throw new VMError('Async not available')
    // On the first line, so that lines stay.
    return strict ? `'use strict'; ${javascript}` : javascript
  }
}

/** Plain objects and arrays anew, all else as it is. */
function copied<Value>(value: Value, seen = new Map<unknown, unknown>()): Value {
  if (typeof value !== 'object' || value === null) return value
  const known = seen.get(value)
  if (known !== undefined) return known as Value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {}
  seen.set(value, copy)
  for (const [key, each] of Object.entries(value))
    Object.defineProperty(copy, key, { value: copied(each as unknown, seen), writable: true, enumerable: true, configurable: true })
  return copy as Value
}
