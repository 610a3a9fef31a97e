/** The lower-case name of the encoding that a label stands for, or null. */
export function normalizeEncoding(label: string): string | null
/** `loose`: U+FFFD instead of a TypeError. Throws a RangeError for any other encoding. */
export function createMultibyteDecoder(encoding: string, loose: boolean): (bytes: Uint8Array, stream: boolean) => string
export function createSinglebyteDecoder(encoding: string, loose: boolean): (bytes: Uint8Array) => string
