import { GuestError } from './errors.ts'

/** Names that a guest's error must not put on ours: what is told elsewhere, and what code that handles or shows errors calls. */
const RESERVED = new Set<unknown>([
  'name',
  'message',
  'stack',
  'value',
  'toJSON',
  'then',
  ...Reflect.ownKeys(Error.prototype),
  ...Reflect.ownKeys(Object.prototype),
])

/** The rejection for what a guest threw. HOSTILE: `thrown` is plain decoded data, and may still say anything. Never throws. */
export function guestErrorOf(thrown: unknown): GuestError {
  if (!(thrown instanceof Error)) {
    const error = newError('GuestError', `the guest threw ${describe(thrown)}`, undefined)
    define(error, 'value', thrown, false)
    return error
  }
  // Own properties of any kind may stand in the place of the three texts.
  const said: { readonly name: unknown; readonly message: unknown; readonly stack?: unknown } = thrown
  const error = newError(textOr(said.name, 'Error'), textOr(said.message, ''), said.stack)
  for (const [key, { value, enumerable }] of Object.entries(Object.getOwnPropertyDescriptors(thrown))) {
    if (!RESERVED.has(key)) define(error, key, value === thrown ? error : value, enumerable === true)
  }
  return error
}

function newError(name: string, message: string, stack: unknown): GuestError {
  const error = new GuestError(message)
  define(error, 'name', name, false)
  define(error, 'stack', textOr(stack, message === '' ? name : `${name}: ${message}`), false)
  return error
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, writable: true, enumerable, configurable: true })
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return JSON.stringify(thrown.length > 200 ? `${thrown.slice(0, 200)}…` : thrown)
  if (typeof thrown === 'function') return 'a function'
  if (typeof thrown === 'object' && thrown !== null) return Array.isArray(thrown) ? 'an array' : 'an object'
  return String(thrown)
}
