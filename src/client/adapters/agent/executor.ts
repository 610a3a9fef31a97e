import { InvalidOptionError, OptionReader } from '../../../base/options.ts'
import { type Box, type Context, type ContextOptions, GuestError } from '../../index.ts'
import { sharedBox } from '../../shared-box.ts'
import { type ExecutionError, executionError } from './execution-error.ts'
import { Logs } from './logs.ts'
import { asBody, asExpression, expressionTest } from './wrapped-code.ts'

const LOG_CHARACTERS = { min: 0, default: 65_536, max: 16_777_216 } as const
const FILENAME = 'agent.js'

/** What the code may call: functions, and objects of them, by global name. */
type Callable = (...args: never[]) => unknown
export interface HostFunctions {
  readonly [name: string]: Callable | HostFunctions
}

export interface ExecutorOptions {
  /** Whose workers run the code: its daemon, its tenant, its limits. Stays yours to dispose. Default: one connection for all executors of this process. */
  readonly box?: Box
  /** Deadline of each execution in milliseconds, calls of functions included. Default: the connection's. */
  readonly timeout?: number
  /** `'ts'` strips types. Default `'js'`. */
  readonly language?: 'js' | 'ts'
  /** How contexts are made, as for `box.createContext()`: globals, modules, limits. */
  readonly context?: ContextOptions
  /** Characters of `logs` in all; what is over is counted and left out. 0 to 16,777,216, default 65,536. */
  readonly maxLogs?: number
}

export interface ExecuteOptions {
  /** In place of the executor's. */
  readonly timeout?: number
  readonly language?: 'js' | 'ts'
  /** Cancels; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Plain data, as JSON has it: it can go into a message as it is. */
export interface Execution {
  /** What the code returned or, if it is one expression, its value. Undefined if there is none, and if there is an error. */
  readonly result: unknown
  /** Absent if the code came to its end. */
  readonly error?: ExecutionError
  /** What the code said on its console, in order; calls other than `log`, `info` and `debug` begin with `[level] `. */
  readonly logs: readonly string[]
}

/** Runs code that an agent wrote, each time in a context of its own, with the functions that it is given and nothing else. Made by `createExecutor()`. */
export class Executor implements AsyncDisposable {
  readonly #options: ExecutorOptions
  #isDisposed = false

  /** @internal */
  constructor(options: ExecutorOptions) {
    this.#options = options
  }

  /**
   * Runs the code: one expression (a function is called), or the body of an async function. Failures of the code, limits included, are in `error`.
   * @throws InvalidOptionError, ConnectionError, OverloadedError, AccessDeniedError, and the reason of `signal`
   */
  async execute(code: string, functions: HostFunctions = {}, options?: ExecuteOptions): Promise<Execution> {
    if (typeof code !== 'string') throw new InvalidOptionError('code', 'must be a string', code)
    if (this.#isDisposed) throw new InvalidOptionError('executor', 'must not be disposed', this)
    checkFunctions(functions, 'functions')
    const how = executeOptions(options)
    const { maxLogs = LOG_CHARACTERS.default } = this.#options
    const logs = new Logs(maxLogs)
    const box = this.#options.box ?? (await sharedBox())
    await using context = await box.createContext(functions, { ...this.#options.context, ...signalOf(how) })
    context.on('console', (event) => logs.add(event))
    try {
      const result = await this.#run(context, code, how)
      return { result, logs: logs.lines() }
    } catch (thrown) {
      const error = executionError(thrown, FILENAME)
      if (error === undefined) throw thrown
      return { result: undefined, error, logs: logs.lines() }
    }
  }

  /** Executions under way go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
  }

  async #run(context: Context, code: string, how: ExecuteOptions): Promise<unknown> {
    const timeout = how.timeout ?? this.#options.timeout
    const options = {
      filename: FILENAME,
      language: how.language ?? this.#options.language ?? 'js',
      ...(timeout === undefined ? {} : { timeout }),
      ...signalOf(how),
    }
    const isExpression = await context.run(expressionTest(code), options).then(() => true, falseForSyntaxError)
    const json = await context.run(isExpression ? asExpression(code) : asBody(code), options)
    if (json === undefined) return undefined
    try {
      return JSON.parse(typeof json === 'string' ? json : '') as unknown
    } catch {
      // The code has left its wrapper.
      throw new GuestError('the code gave no JSON')
    }
  }
}

/**
 * Makes an executor for tool-calling agents.
 * @throws InvalidOptionError
 */
export function createExecutor(options?: ExecutorOptions): Executor {
  const read = new OptionReader('createExecutor()', options)
  read.object('box')
  read.object('context')
  read.integer('timeout', 1, Number.MAX_SAFE_INTEGER)
  read.oneOf('language', ['js', 'ts'])
  read.integer('maxLogs', LOG_CHARACTERS.min, LOG_CHARACTERS.max)
  read.finish()
  return new Executor({ ...options })
}

function executeOptions(given: unknown): ExecuteOptions {
  const read = new OptionReader('execute()', given)
  const timeout = read.integer('timeout', 1, Number.MAX_SAFE_INTEGER)
  const language = read.oneOf('language', ['js', 'ts'])
  const signal = read.signal('signal')
  read.finish()
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(language === undefined ? {} : { language }),
    ...(signal === undefined ? {} : { signal }),
  }
}

function signalOf({ signal }: ExecuteOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}

function falseForSyntaxError(thrown: unknown): false {
  if (thrown instanceof GuestError && thrown.name === 'SyntaxError') return false
  throw thrown
}

/** Refuses, by its path, what is neither a function nor an object of functions. */
function checkFunctions(given: unknown, path: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new InvalidOptionError(path, 'must be an object of functions', given)
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'function') checkFunctions(value, `${path}.${name}`)
  }
}
