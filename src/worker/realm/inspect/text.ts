import { charCodeAt, StringOf } from '../../../protocol/msgpack/intrinsics.ts'
import { indexOf, is, numberToString, repeat, slice, symbolToString } from './intrinsics.ts'
import { type Budget, clip } from './budget.ts'
import { type Inspection, remaining } from './inspection.ts'
import { join, type List, lines, list } from './list.ts'

/** A longer string is cut. */
const MAX_STRING = 10_000
/** A shorter string is not broken at its line feeds. */
const MIN_BROKEN = 17

/** Escapes of the units 8 to 13; 11 has none. */
const LETTERS = 'btn fr'
const HEX = '0123456789ABCDEF'

export function showPrimitive(inspection: Inspection, value: unknown): string {
  switch (typeof value) {
    case 'string':
      return showString(inspection, value)
    case 'number':
      return showNumber(value)
    case 'bigint':
      return `${StringOf(value)}n`
    case 'symbol':
      return clip(inspection.budget, symbolToString(value))
    default:
      return StringOf(value)
  }
}

export const showNumber = (value: number): string => (is(value, -0) ? '-0' : StringOf(value))

function showString(inspection: Inspection, value: string): string {
  const more = value.length - MAX_STRING
  const text = more > 0 ? slice(value, 0, MAX_STRING) : value
  const trailer = more > 0 ? remaining(more, 'character') : ''
  if (text.length < MIN_BROKEN || text.length <= inspection.lineWidth - inspection.indentation - 4) return quoted(text) + trailer
  const broken = lines(text)
  const last = broken.length - 1
  const parts: List<string> = list()
  for (let i = 0; i <= last; i++) {
    if (i < last) parts[i] = quoted(`${broken[i] as string}\n`)
    else if (broken[i] !== '' || last === 0) parts[i] = quoted(broken[i] as string)
  }
  return join(parts, ` +\n${repeat(' ', inspection.indentation + 2)}`) + trailer
}

/** In single quotes or, to spare escapes, in double quotes or backticks. */
export function quoted(text: string): string {
  let quote = "'"
  if (indexOf(text, "'") >= 0) {
    if (indexOf(text, '"') < 0) quote = '"'
    else if (indexOf(text, '`') < 0 && indexOf(text, '${') < 0) quote = '`'
  }
  return quote + escaped(text, quote) + quote
}

/**
 * Control characters, lone surrogates, backslashes and single quotes, if those are the `quote`, as escapes. Without regular expressions, whose matches would show
 * in the guest's `RegExp.lastMatch`.
 */
export function escaped(text: string, quote: string): string {
  let out = ''
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i)
    let escape: string | undefined
    if (unit === 0x27) escape = quote === "'" ? "\\'" : undefined
    else if (unit === 0x5c) escape = '\\\\'
    else if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) escape = escapeOf(unit)
    else if (unit >= 0xd800 && unit <= 0xdfff) {
      if (unit < 0xdc00 && i + 1 < text.length && isLowSurrogate(charCodeAt(text, i + 1))) i++
      else escape = `\\u${numberToString(unit, 16)}`
    }
    if (escape === undefined) continue
    out += slice(text, start, i) + escape
    start = i + 1
  }
  return start === 0 ? text : out + slice(text, start)
}

function escapeOf(unit: number): string {
  if (unit >= 8 && unit <= 13 && unit !== 11) return `\\${LETTERS[unit - 8] as string}`
  return `\\x${HEX[unit >> 4] as string}${HEX[unit & 15] as string}`
}

function isIdentifier(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i)
    const letter = (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || unit === 0x5f
    if (!letter && (i === 0 || unit < 0x30 || unit > 0x39)) return false
  }
  return text !== ''
}

/** The name of a property as it stands before the colon. */
export function showKey(budget: Budget, key: string | symbol): string {
  if (typeof key === 'symbol') return escaped(clip(budget, symbolToString(key)), "'")
  const text = clip(budget, key)
  if (!isIdentifier(text)) return quoted(text)
  return text === '__proto__' ? "['__proto__']" : text
}

/** Puts each line but the first under the `columns`. */
export function indentRest(text: string, columns: number): string {
  return columns === 0 || indexOf(text, '\n') < 0 ? text : join(lines(text), `\n${repeat(' ', columns)}`)
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff
