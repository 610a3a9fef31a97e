/** The realm's own. */
export const { TextDecoder, TextEncoder } = globalThis
