import { OptionReader } from '../../../base/options.ts'
import type { Box, Context, ContextOptions } from '../../index.ts'
import { MEMORY } from '../../../protocol/limits.ts'
import { sharedBox } from '../../shared-box.ts'
import { IsolateContext, type RunOptions } from './context.ts'
import { noSync } from './transfer.ts'

const MIB = 1024 * 1024

export interface IsolateOptions {
  /** Memory of each of its contexts, in MiB, heap and off-heap: 32 up to what the daemon allows. Gives each context a worker of its own. Default: contexts share workers, and their limit. */
  readonly memoryLimit?: number
  /** Whose workers hold the contexts: its daemon, its tenant, its limits. Stays yours to dispose. Default: one connection for all isolates of this process. */
  readonly box?: Box
  /** How contexts are made, as for `box.createContext()`. Default: the bare language, as in isolated-vm. */
  readonly context?: ContextOptions
}

/** A set of contexts, in a confined process. */
export class Isolate implements AsyncDisposable {
  readonly #box: Box | undefined
  readonly #options: ContextOptions
  readonly #contexts = new Set<Context>()
  #isDisposed = false

  /** @throws InvalidOptionError */
  constructor(options?: IsolateOptions) {
    const read = new OptionReader('new Isolate()', options)
    this.#box = read.object('box') as Box | undefined
    const memoryLimit = read.integer('memoryLimit', MEMORY.min / MIB, MEMORY.max / MIB)
    const context: ContextOptions = { globals: 'ecmascript', ...read.object('context') }
    this.#options =
      memoryLimit === undefined ? context : { ...context, dedicated: true, limits: { ...context.limits, memory: memoryLimit * MIB } }
    read.finish()
  }

  get isDisposed(): boolean {
    return this.#isDisposed
  }

  async createContext(): Promise<IsolateContext> {
    const box = await this.#open()
    const context = await box.createContext({}, this.#options)
    if (this.#isDisposed) await context.dispose()
    this.#assertThere()
    this.#contexts.add(context)
    return IsolateContext.in(context, () => this.#contexts.delete(context))
  }

  /** Checks a source for its syntax, without running it. */
  async compileScript(code: string, options: { readonly filename?: string } = {}): Promise<Script> {
    const box = await this.#open()
    await box.compile(code, options.filename === undefined ? {} : { filename: options.filename })
    return new Script(code, options.filename)
  }

  /** Drops its contexts: what runs in them fails. */
  async dispose(): Promise<void> {
    this.#isDisposed = true
    await Promise.all([...this.#contexts].map(async (context) => context.dispose()))
    this.#contexts.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose()
  }

  readonly createContextSync = noSync('createContextSync', 'isolate.createContext()')
  readonly compileScriptSync = noSync('compileScriptSync', 'isolate.compileScript()')

  #assertThere(): void {
    if (this.#isDisposed) throw new Error('Isolate is disposed')
  }

  async #open(): Promise<Box> {
    this.#assertThere()
    return this.#box ?? sharedBox()
  }
}

/** A source that was checked, to be run in any context. */
export class Script {
  readonly #code: string
  readonly #filename: string | undefined

  /** @internal Made by `isolate.compileScript()`. */
  constructor(code: string, filename: string | undefined) {
    this.#code = code
    this.#filename = filename
  }

  /** As `context.eval()`. */
  async run(context: IsolateContext, options: Omit<RunOptions, 'filename'> = {}): Promise<unknown> {
    return context.eval(this.#code, { ...options, ...(this.#filename === undefined ? {} : { filename: this.#filename }) })
  }

  /** Nothing is held on to. */
  release(): void {}

  readonly runSync = noSync('runSync', 'script.run()')
  readonly runIgnored = noSync('runIgnored', 'script.run()')
}
