import { MAX_CONSOLE_TEXT } from '../../../protocol/limits.ts'
import { charCodeAt } from '../../../protocol/msgpack/intrinsics.ts'
import { indexOf, repeat, slice } from './intrinsics.ts'

/**
 * What one call of a console method may still write, in UTF-16 code units.
 *
 * Everything that is looked at is charged for, and never with more than it adds to the text. So what is left out when nothing is left would have been cut off
 * anyway, and as an object costs {@link OBJECT_COST} at least, the number of objects that are looked at has a bound as well.
 */
export interface Budget {
  left: number
  /** Code units of texts that {@link clip} has cut off. */
  omitted: number
}

/** The two brackets of an object. */
export const OBJECT_COST = 2
/** Stands for what was not looked at; always past the end of the text that is kept. */
export const NOT_SHOWN = '...'

/** The first and last piece have no separator that they could be charged for. */
const SLACK = 16

export const newBudget = (): Budget => ({ left: MAX_CONSOLE_TEXT + SLACK, omitted: 0 })

/** Charges for a text that is part of the output. */
export function spend(budget: Budget, text: string): string {
  budget.left -= text.length
  return text
}

/** As much of a text of any length as could be shown. Guest code chooses it; it is cut before it is worked with. */
export function clip(budget: Budget, text: string): string {
  const most = budget.left > 0 ? budget.left : 0
  if (text.length <= most) return text
  budget.omitted += text.length - most
  return slice(text, 0, most)
}

/** The text of one call: indented by `columns`, and no longer than the limit but for the words that say so. */
export function finish(budget: Budget, text: string, columns: number): string {
  const whole = columns === 0 ? text : indented(text, repeat(' ', columns))
  const more = whole.length - MAX_CONSOLE_TEXT
  if (more <= 0) return budget.left > 0 ? whole : `${whole}${NOT_SHOWN} more`
  const split = isHighSurrogate(charCodeAt(whole, MAX_CONSOLE_TEXT - 1))
  return `${slice(whole, 0, split ? MAX_CONSOLE_TEXT - 1 : MAX_CONSOLE_TEXT)}... ${more + budget.omitted} more character${more + budget.omitted > 1 ? 's' : ''}`
}

/** Indents each line, up to the limit. */
function indented(text: string, indentation: string): string {
  let out = indentation
  let start = 0
  for (;;) {
    const end = indexOf(text, '\n', start)
    if (end < 0 || out.length > MAX_CONSOLE_TEXT) break
    out += slice(text, start, end + 1) + indentation
    start = end + 1
  }
  return out + slice(text, start)
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
