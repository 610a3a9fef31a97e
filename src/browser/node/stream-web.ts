/** The realm's own. */
export const { ReadableStream, TransformStream, WritableStream } = globalThis
