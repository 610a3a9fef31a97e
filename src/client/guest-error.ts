import { GuestError } from './errors.ts'

/** Names that a guest's error must not put on ours as own properties: what is said elsewhere, and what makes an error one that can be shown. */
const RESERVED = new Set([
  'message',
  'stack',
  'cause',
  'errors',
  'value',
  'toJSON',
  ...Reflect.ownKeys(Error.prototype),
  ...Reflect.ownKeys(Object.prototype),
])

/** The rejection for what a guest threw. HOSTILE: `thrown` is plain decoded data, and may still say anything. */
export function guestErrorOf(thrown: unknown): GuestError {
  if (!(thrown instanceof Error)) {
    const error = new GuestError(`the guest threw ${describe(thrown)}`)
    setHidden(error, 'name', 'GuestError')
    setHidden(error, 'stack', `GuestError: ${error.message}`)
    setHidden(error, 'value', thrown)
    return error
  }
  const error = new GuestError(textOf(thrown.message) ?? '')
  setHidden(error, 'name', textOf(thrown.name) ?? 'Error')
  const stack = textOf(thrown.stack)
  if (stack !== undefined) setHidden(error, 'stack', stack)
  for (const name of ['cause', 'errors'] as const) {
    if (Object.hasOwn(thrown, name)) setHidden(error, name, (thrown as { readonly cause?: unknown; readonly errors?: unknown })[name])
  }
  for (const [key, value] of Object.entries(thrown)) {
    if (!RESERVED.has(key)) Object.defineProperty(error, key, { value, writable: true, enumerable: true, configurable: true })
  }
  return error
}

/** Anything else could not be shown: what inspects an error takes these for texts. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function setHidden(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, enumerable: false, configurable: true })
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return JSON.stringify(thrown.length > 200 ? `${thrown.slice(0, 200)}…` : thrown)
  if (typeof thrown === 'object' && thrown !== null) return Array.isArray(thrown) ? 'an array' : 'an object'
  return typeof thrown === 'function' ? 'a function' : String(thrown)
}
