import { ERROR_CODES, type ErrorCode } from '../../protocol/error-codes.ts'
import { CodecError, type CodecLimit } from '../../protocol/msgpack/codec-error.ts'
import { define } from '../../protocol/values/define.ts'

const NativeError = Error
const NativeTypeError = TypeError
const NativeRangeError = RangeError

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

/** What a limit of the codec is called where it is set. */
export function limitName(limit: CodecLimit): string {
  return limit === 'bytes' ? 'maxOutput' : limit === 'depth' ? 'maxDepth' : 'maxHandles'
}

/** An error with a code that the guest may catch. */
export function guestError(code: ErrorCode | 'ERR_VALUE_TOO_LARGE', message: string): Error {
  return withCode(new NativeError(message), code)
}

/** What the guest gets for an error that was thrown while its value was read: its own as it is, one of the codec's as a TypeError. */
export function forGuest(error: unknown): unknown {
  return CodecError.is(error) ? withCode(new NativeTypeError(error.message), error.code) : error
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
