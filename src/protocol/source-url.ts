import { method } from './msgpack/intrinsics.ts'

/** What begins a name that a `//# sourceURL=` comment cannot say as it is: V8 ends it at a space, and drops it for a quotation mark. */
const ESCAPED = 'glovebox-source:'

const encode = encodeURIComponent
const decode = decodeURIComponent
const startsWith = method(String.prototype, 'startsWith') as (text: string, start: string) => boolean
const slice = method(String.prototype, 'slice') as (text: string, start: number) => string

/** A file name as a `//# sourceURL=` comment can say it. */
export function toSourceUrl(filename: string): string {
  return /^[^\s'"]+$/.test(filename) && !filename.startsWith(ESCAPED) ? filename : ESCAPED + encode(filename.toWellFormed())
}

/** The file name that it stands for. */
export function fromSourceUrl(url: string): string {
  if (!startsWith(url, ESCAPED)) return url
  try {
    return decode(slice(url, ESCAPED.length))
  } catch {
    // A guest may write what it likes.
    return url
  }
}
