import type { WebContext } from './libraries.ts'

/** The parameter of the function that the build puts around each library's script. */
declare const gloveboxWeb: WebContext

export const { host, use, notePrototype, isInterfacePrototype } = gloveboxWeb
