import { GuestError } from './errors.ts'

/** Names that a guest's error must not put on ours as own properties. */
const RESERVED = new Set(['name', 'message', 'stack', 'cause', 'errors', 'value', '__proto__'])

/** The rejection for what a guest threw. HOSTILE: `thrown` is plain decoded data, and may still say anything. */
export function guestErrorOf(thrown: unknown): GuestError {
  if (!(thrown instanceof Error)) {
    const error = new GuestError(`the guest threw ${describe(thrown)}`)
    setHidden(error, 'name', 'GuestError')
    setHidden(error, 'stack', `GuestError: ${error.message}`)
    setHidden(error, 'value', thrown)
    return error
  }
  const error = new GuestError(thrown.message)
  for (const name of ['name', 'stack', 'cause', 'errors'] as const) {
    if (Object.hasOwn(thrown, name) || name === 'name') setHidden(error, name, (thrown as unknown as Record<string, unknown>)[name])
  }
  for (const [key, value] of Object.entries(thrown)) {
    if (!RESERVED.has(key)) Object.defineProperty(error, key, { value, writable: true, enumerable: true, configurable: true })
  }
  return error
}

function setHidden(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, enumerable: false, configurable: true })
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return JSON.stringify(thrown.length > 200 ? `${thrown.slice(0, 200)}…` : thrown)
  if (typeof thrown === 'object' && thrown !== null) return Array.isArray(thrown) ? 'an array' : 'an object'
  return typeof thrown === 'function' ? 'a function' : String(thrown)
}
