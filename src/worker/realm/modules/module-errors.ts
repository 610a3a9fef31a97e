import { defineProperty, ErrorOf, getOwnPropertyDescriptor, setPrototypeOf } from '../../../protocol/msgpack/intrinsics.ts'
import { define } from '../../../protocol/values/define.ts'
import { attempt, isObject, readText } from '../careful.ts'

const NativeError = ErrorOf
const NativeSyntaxError = SyntaxError
const NativeTypeError = TypeError

type ModuleErrorCode = 'ERR_MODULE_NOT_FOUND' | 'ERR_MODULE_LIMIT' | 'ERR_MODULE_LOAD' | 'ERR_MODULE_EVALUATION' | 'ERR_REQUIRE_ESM'

/** An error about a module, which the guest may catch. */
export function moduleError(code: ModuleErrorCode, message: string, cause?: unknown): Error {
  const error = new NativeError(message)
  define(error, 'code', code)
  if (cause !== undefined) define(error, 'cause', cause, false)
  return error
}

/** Nobody gave this realm any modules. A TypeError, as of browsers. */
export function notGiven(specifier: unknown): Error {
  const error = new NativeTypeError(`Cannot import '${specifier as string}': no module of that name was given`)
  define(error, 'code', 'ERR_MODULE_NOT_FOUND')
  return error
}

export function attributeError(message: string): Error {
  const error = new NativeTypeError(message)
  define(error, 'code', 'ERR_IMPORT_ATTRIBUTE')
  return error
}

/** A SyntaxError of ours for data that is no JSON. */
export function jsonError(message: string): Error {
  return new NativeSyntaxError(message)
}

/** What V8 threw about a source, as Node shows it: with the place before the stack, and no frames, which are the host's. */
export function placedError(thrown: unknown, excerpt: string | undefined): unknown {
  if (!isObject(thrown)) return thrown
  const name = readText(thrown, 'name') ?? 'Error'
  const message = readText(thrown, 'message') ?? ''
  const headline = `${name}: ${message}`
  attempt(() => define(thrown, 'stack', excerpt === undefined ? headline : `${excerpt}\n\n${headline}`, false))
  return thrown
}

/** Says who imported the module that an error is about. */
export function toldOf(error: unknown, what: string): unknown {
  if (!isObject(error)) return error
  attempt(() => {
    const message = getOwnPropertyDescriptor(error, 'message')?.value as unknown
    const stack = readText(error, 'stack')
    if (typeof message !== 'string') return
    define(error, 'message', `${message} (${what})`, false)
    if (stack !== undefined) defineProperty(error, 'stack', bareValue(`${stack} (${what})`))
  })
  return error
}

function bareValue(value: unknown): PropertyDescriptor {
  return setPrototypeOf({ value, writable: true, enumerable: false, configurable: true }, null)
}
