/**
 * What the codec throws for a reason of its own. What a guest's getter throws while a value is read is passed on as it is.
 *
 * - `ERR_MALFORMED`: the bytes are not what was expected here. From a peer: a protocol violation.
 * - `ERR_VALUE_UNSUPPORTED`: the value at `path` cannot cross. Leave it out or convert it.
 * - `ERR_VALUE_TOO_DEEP`: nested deeper than `maxDepth`.
 * - `ERR_VALUE_TOO_LARGE`: more than `maxBytes`, `maxItems` or another limit named in the message.
 * - `ERR_REENTRANT`: a getter of the value being written tried to write with the same encoder or writer.
 */
export type CodecErrorCode = 'ERR_MALFORMED' | 'ERR_VALUE_UNSUPPORTED' | 'ERR_VALUE_TOO_DEEP' | 'ERR_VALUE_TOO_LARGE' | 'ERR_REENTRANT'

/** Bytes of a message, levels of a value, functions that the other side holds. */
export type CodecLimit = 'bytes' | 'depth' | 'handles'

export class CodecError extends Error {
  override readonly name = 'CodecError'
  readonly code: CodecErrorCode
  /** Where in the value, as `value.items[3].fn`. Only while writing. */
  readonly path: string | undefined
  /** What is wrong, without the path. */
  readonly reason: string
  /** The limit that the value is over, if it is one that somebody set; what it is set to, and how much was seen of the value. */
  readonly limit: CodecLimit | undefined
  readonly configured: number
  readonly observed: number
  readonly #genuine = true

  /** Asks nothing of the value: a guest's Proxy would answer for its prototype. */
  static is(thrown: unknown): thrown is CodecError {
    return typeof thrown === 'object' && thrown !== null && #genuine in thrown && thrown.#genuine
  }

  constructor(code: CodecErrorCode, reason: string, path?: string, limit?: CodecLimit, configured = 0, observed = configured + 1) {
    super(path === undefined ? reason : `${path}: ${reason}`)
    this.code = code
    this.path = path
    this.reason = reason
    this.limit = limit
    this.configured = configured
    this.observed = observed
  }
}

export const malformed = (reason: string): CodecError => new CodecError('ERR_MALFORMED', reason)
