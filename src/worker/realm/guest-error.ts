import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts'
import { CodecError } from '../../protocol/msgpack/codec-error.ts'
import { define } from '../../protocol/values/define.ts'

const { getPrototypeOf } = Reflect
const NativeError = Error
const NativeTypeError = TypeError
const NativeRangeError = RangeError

/** A codec error was made by the codec of this realm side. It never reaches the guest, which so cannot make one. */
export function isCodecError(error: unknown): error is CodecError {
  return typeof error === 'object' && error !== null && getPrototypeOf(error) === CodecError.prototype
}

/** What the client is told of a codec error. */
export function codeOf(error: CodecError): ErrorCode {
  switch (error.code) {
    case 'ERR_VALUE_UNSUPPORTED':
    case 'ERR_VALUE_TOO_DEEP':
      return error.code
    case 'ERR_VALUE_TOO_LARGE':
      return 'ERR_OUTPUT_LIMIT'
    case 'ERR_MALFORMED':
    case 'ERR_REENTRANT':
      return 'ERR_PROTOCOL'
  }
}

/** An error with a code that the guest may catch. */
export function guestError(code: ErrorCode | 'ERR_VALUE_TOO_LARGE', message: string): Error {
  return withCode(new NativeError(message), code)
}

/** What the guest gets for an error that was thrown while its value was read: its own as it is, one of the codec's as a TypeError. */
export function forGuest(error: unknown): unknown {
  return isCodecError(error) ? withCode(new NativeTypeError(error.message), error.code) : error
}

/** An Error of this realm with the given texts. */
export function errorLike(plain: { readonly name: string; readonly message: string; readonly stack: string }): Error {
  const error = new NativeError(plain.message)
  // Defined: the prototype may be frozen, or have a setter by now.
  define(error, 'name', plain.name, false)
  define(error, 'stack', plain.stack, false)
  return error
}

export function stackOverflow(): Error {
  return new NativeRangeError('Maximum call stack size exceeded')
}

export function errorNumber(code: ErrorCode): number {
  return ERROR_CODES[code]
}

function withCode(error: Error, code: string): Error {
  define(error, 'code', code)
  return error
}
