import { charCodeAt, slice, toLowerCase } from '../captured.ts'
import { use } from '../context.ts'

/** The labels in general use, https://encoding.spec.whatwg.org/#names-and-labels. The legacy library knows all. */
const COMMON = {
  __proto__: null,
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'utf-16': 'utf-16le',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  ascii: 'windows-1252',
  'us-ascii': 'windows-1252',
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
  'windows-1252': 'windows-1252',
} as unknown as Record<string, string | undefined>

/** The name, in lower case, of the encoding that `label` stands for, or undefined. */
export function encodingOf(label: string): string | undefined {
  let from = 0
  let to = label.length
  while (from < to && isWhitespace(charCodeAt(label, from))) from++
  while (to > from && isWhitespace(charCodeAt(label, to - 1))) to--
  // Some letters outside of ASCII have lower-case forms inside.
  for (let at = from; at < to; at++) if (charCodeAt(label, at) > 0x7f) return undefined
  const name = toLowerCase(slice(label, from, to))
  return COMMON[name] ?? use('legacy-encodings').encodingOf(name)
}

/** ASCII whitespace: `trim` would take off more. */
const isWhitespace = (unit: number): boolean => unit === 0x20 || unit === 0x0a || unit === 0x09 || unit === 0x0c || unit === 0x0d
