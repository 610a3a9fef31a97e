import { OptionReader } from '../../../base/options.ts'
import type { Box } from '../../index.ts'

/** Turns what is run into JavaScript. */
export type Compile = (code: string, filename: string) => string

/** As vm2's `VM` takes them. */
export interface VMOptions {
  /** Milliseconds for each run, what it awaits included. Default: the connection's. */
  readonly timeout?: number
  /** Globals. Objects in it are kept in step with the guest's after each run; functions are called in this process. */
  readonly sandbox?: object
  /** `false`: `eval` and the constructors of functions throw EvalError. Default true. */
  readonly eval?: boolean
  /** `false`: WebAssembly compiles nothing. Default true. */
  readonly wasm?: boolean
  /** `false`: code with the words `async` or `await` is refused, and promises cannot be waited for. Default true. */
  readonly allowAsync?: boolean
  /** vm2's older name for `allowAsync: false`. */
  readonly fixAsync?: boolean
  /** `'javascript'` (default), `'typescript'` (types are stripped), or a function that gives JavaScript. */
  readonly compiler?: 'javascript' | 'typescript' | Compile
  /** Runs code in strict mode. Default false. */
  readonly strict?: boolean
  /** Whose workers run the code. Default: one connection for all of this process. */
  readonly box?: Box
}

export interface VMSettings {
  readonly timeout: number | undefined
  readonly sandbox: object
  readonly eval: boolean
  readonly wasm: boolean
  readonly allowAsync: boolean
  readonly compiler: 'javascript' | 'typescript' | Compile
  readonly strict: boolean
  readonly box: Box | undefined
}

export function readVMOptions(given: unknown): VMSettings {
  const read = new OptionReader('new VM()', given)
  const compiler = read.any('compiler')
  const settings = {
    timeout: read.integer('timeout', 1, Number.MAX_SAFE_INTEGER),
    sandbox: read.object('sandbox') ?? {},
    eval: read.boolean('eval') ?? true,
    wasm: read.boolean('wasm') ?? true,
    allowAsync: (read.boolean('allowAsync') ?? true) && !(read.boolean('fixAsync') ?? false),
    compiler:
      typeof compiler === 'function' ? (compiler as Compile) : (read.oneOf('compiler', ['javascript', 'typescript']) ?? 'javascript'),
    strict: read.boolean('strict') ?? false,
    box: read.object('box') as Box | undefined,
  }
  read.finish()
  return settings
}
