import { inspect } from 'node:util'

/** An error as Node's own: name, `code` and text. */
function nodeError<Type extends Error>(error: Type, code: string): Type {
  Object.defineProperty(error, 'code', { value: code, writable: true, enumerable: true, configurable: true })
  // As Node's: the code shows in the stack, and not in the name.
  const { name } = error
  Object.defineProperty(error, 'stack', {
    value: (error.stack ?? '').replace(name, `${name} [${code}]`),
    writable: true,
    enumerable: false,
    configurable: true,
  })
  return error
}

/** `ERR_INVALID_ARG_TYPE`. `expected` says what it must be, as `of type string`. */
export function invalidType(name: string, expected: string, value: unknown): TypeError {
  const kind = name.includes('.') ? 'property' : 'argument'
  return nodeError(new TypeError(`The "${name}" ${kind} must be ${expected}. Received ${describe(value)}`), 'ERR_INVALID_ARG_TYPE')
}

/** `ERR_INVALID_ARG_VALUE`. */
export function invalidValue(name: string, value: unknown, reason: string): TypeError {
  const kind = name.includes('.') ? 'property' : 'argument'
  return nodeError(new TypeError(`The ${kind} '${name}' ${reason}. Received ${short(inspect(value), 128)}`), 'ERR_INVALID_ARG_VALUE')
}

/** `ERR_OUT_OF_RANGE`. */
export function outOfRange(name: string, range: string, value: number): RangeError {
  const received = Number.isInteger(value) && Math.abs(value) > 2 ** 32 ? String(value).replace(/\B(?=(?:\d{3})+$)/g, '_') : inspect(value)
  return nodeError(new RangeError(`The value of "${name}" is out of range. It must be ${range}. Received ${received}`), 'ERR_OUT_OF_RANGE')
}

export function executionTimeout(timeoutMs: number, cause: Error): Error {
  return nodeError(new Error(`Script execution timed out after ${timeoutMs}ms`, { cause }), 'ERR_SCRIPT_EXECUTION_TIMEOUT')
}

export function executionInterrupted(): Error {
  return nodeError(new Error('Script execution was interrupted by `SIGINT`'), 'ERR_SCRIPT_EXECUTION_INTERRUPTED')
}

/** Something of `node:vm` that there is not across processes. */
export function notSupported(what: string, instead: string): Error {
  return nodeError(new Error(`${what} is not supported by glovebox/vm: ${instead}`), 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM')
}

/** An error of Node's vm modules, by its code and text. */
export function moduleFailure(code: string, message: string, cause?: unknown): Error {
  return nodeError(new Error(message, cause === undefined ? undefined : { cause }), code)
}

/** `ERR_VM_MODULE_STATUS`. */
export function wrongStatus(must: string): Error {
  return moduleFailure('ERR_VM_MODULE_STATUS', `Module status ${must}`)
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'function') return `function ${value.name}`
  if (typeof value === 'object') {
    const name = (value as { readonly constructor?: { readonly name?: unknown } }).constructor?.name
    return typeof name === 'string' && name !== '' ? `an instance of ${name}` : inspect(value, { depth: -1 })
  }
  const shown = inspect(value, { colors: false })
  return `type ${typeof value} (${typeof value === 'string' && value.length > 28 ? `${inspect(value.slice(0, 25)).slice(0, -1)}...'` : shown})`
}

function short(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}...` : text
}
