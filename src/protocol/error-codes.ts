/**
 * Stable codes of failures that are not the guest's own. The number is what travels on a channel; the name is the public `code`.
 * Numbers are never reused.
 */
export const ERROR_CODES = {
  ERR_TIMEOUT: 1,
  ERR_CANCELLED: 2,
  ERR_INTERRUPTED: 3,
  ERR_CONTEXT_LOST: 4,
  ERR_OUTPUT_LIMIT: 5,
  ERR_SOURCE_LIMIT: 6,
  ERR_CONTEXT_LIMIT: 7,
  ERR_VALUE_UNSUPPORTED: 8,
  ERR_VALUE_TOO_DEEP: 9,
  ERR_VALUE_TOO_LARGE: 10,
  ERR_PROTOCOL: 11,
  ERR_OVERLOADED: 12,
  ERR_ACCESS_DENIED: 13,
  ERR_NOT_A_FUNCTION: 14,
  ERR_VERSION: 15,
  ERR_STOPPING: 16,
  ERR_FUNCTION_GONE: 17,
  ERR_HOST_CALL_LIMIT: 18,
  ERR_CALL_DEPTH: 19,
  ERR_COMPILER_CRASHED: 40,
  ERR_SCRIPT_UNKNOWN: 41,
  ERR_TIME_ZONE: 70,
  ERR_NO_CLOCK: 71,
  ERR_CPU_LIMIT: 100,
  ERR_NAME_TAKEN: 110,
  ERR_NAME_UNKNOWN: 111,
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** Made when first needed: a guest's realm, which has this table, too, never does. */
let names: ReadonlyMap<number, ErrorCode> | undefined

/** The name of a code that a peer sent; anything unknown is a protocol error. */
export function errorCodeName(number: number): ErrorCode {
  names ??= new Map(Object.entries(ERROR_CODES).map(([name, code]) => [code, name as ErrorCode]))
  return names.get(number) ?? 'ERR_PROTOCOL'
}
