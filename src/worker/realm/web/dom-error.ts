import { use } from './context.ts'

/** A DOMException of this realm, https://webidl.spec.whatwg.org/#dfn-error-names-table. It is a native error, though its class does not say so. */
export function domException(message: string, name: string): Error {
  return new (use('dom-exception').DOMException)(message, name)
}

export const dataCloneError = (message: string): Error => domException(message, 'DataCloneError')
