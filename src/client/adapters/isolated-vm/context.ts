import { type Context, OutputLimitError, ValueError } from '../../index.ts'
import { GUEST_SIDE, GUEST_SOURCE } from './guest-side.ts'
import { type ApplyOptions, argument, Reference } from './reference.ts'
import { ExternalCopy, noSync, notTransferable, type TransferOptions } from './transfer.ts'

export interface RunOptions extends TransferOptions {
  /** Milliseconds, for what is awaited too. Default: the connection's. */
  readonly timeout?: number
  /** Shown in stacks. */
  readonly filename?: string
}

/** As the guest side takes it: operation, handle of its target, how the result crosses, arguments. */
type Asked = readonly [operation: string, target: unknown, how: TransferOptions, ...args: unknown[]]

/** A context of an isolate: globals of its own. Made by `isolate.createContext()`. */
export class IsolateContext {
  /** A reference to the global object. */
  readonly global: Reference
  readonly #context: Context
  readonly #receive: (id: number, request: Asked) => Promise<unknown>
  readonly #released: () => void
  #requests = 0

  private constructor(context: Context, receive: (id: number, request: Asked) => Promise<unknown>, global: unknown, released: () => void) {
    this.#context = context
    this.#receive = receive
    this.#released = released
    this.global = Reference.at('object', { context: this, handle: global })
  }

  /** @internal */
  static async in(context: Context, released: () => void): Promise<IsolateContext> {
    const receive = (await context.run(GUEST_SOURCE, { filename: 'isolated-vm.js' })) as (id: number, request: Asked) => Promise<unknown>
    await receive(0, ['global', undefined, { reference: true }])
    const [, , global] = (await context.run(`${GUEST_SIDE}.serve(0)`)) as [string, string, unknown]
    return new IsolateContext(context, receive, global, released)
  }

  /** Runs code, and resolves with its value if that may cross: a primitive, a function, or what the options say. Otherwise with undefined. */
  async eval(code: string, { timeout, filename, ...how }: RunOptions = {}): Promise<unknown> {
    // A reference needs its value on the other side, where only eval gives it: declarations of let, const and class stay inside of it.
    if (how.reference === true) return this.request(['evaluate', undefined, how, named(code, filename)], timeout, false)
    const isCopied = how.copy === true || how.externalCopy === true
    const options = { ...(timeout === undefined ? {} : { timeout }), ...(filename === undefined ? {} : { filename }) }
    const value = await this.#context.run(code, options).catch((error: unknown) => {
      // Nobody asked for it: a library's last value may be anything.
      if (!isCopied && (error instanceof ValueError || error instanceof OutputLimitError)) return undefined
      throw error
    })
    if (how.externalCopy === true) return new ExternalCopy(value)
    return isCopied || value === null || typeof value !== 'object' ? value : undefined
  }

  /** Runs code as the body of a function of the arguments `$0`, `$1` and so on. */
  async evalClosure(
    code: string,
    args: readonly unknown[] = [],
    options: ApplyOptions & { readonly filename?: string } = {},
  ): Promise<unknown> {
    const given = args.map((each) => argument(each, this, options.arguments))
    return this.request(['closure', undefined, options.result ?? {}, named(code, options.filename), given], options.timeout, true)
  }

  /** Drops the context. */
  async release(): Promise<void> {
    this.#released()
    await this.#context.dispose()
  }

  readonly evalSync = noSync('evalSync', 'context.eval()')
  readonly evalClosureSync = noSync('evalClosureSync', 'context.evalClosure()')
  readonly evalClosureIgnored = noSync('evalClosureIgnored', 'context.evalClosure()')
  readonly evalIgnored = noSync('evalIgnored', 'context.eval()')

  /** @internal Has the guest side do something. */
  async request(asked: Asked, timeout: number | undefined, isStrict: boolean): Promise<unknown> {
    const id = ++this.#requests
    const kept = this.#receive(id, asked)
    // Both go out at once, and are served in order; whether the request could be kept shows first.
    const [, result] = await Promise.all([kept, this.#context.run(`${GUEST_SIDE}.serve(${id})`, timeout === undefined ? {} : { timeout })])
    const [kind, value, handle] = Array.isArray(result) ? (result as unknown[]) : []
    if (kind === 'value') return value
    if (kind === 'external') return new ExternalCopy(value)
    if (kind === 'reference') return Reference.at(String(value), { context: this, handle })
    if (isStrict) throw notTransferable()
    return undefined
  }
}

function named(code: string, filename: string | undefined): string {
  return filename === undefined ? code : `${code}\n//# sourceURL=${filename}`
}
