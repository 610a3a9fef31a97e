import { types } from 'node:util'
import { excerpt, isLongLine } from '../base/excerpt.ts'
import { internalBinding } from './internals.ts'

const engine = internalBinding('errors')
const UNDERLINE = /^[ \t]*\^+$/

/**
 * A SyntaxError that V8 made in the main realm while it compiled a guest's source, as the plain data that its client gets. Its stack begins with the place and
 * the offending line with a caret, and ends with frames of Node's, which are left out.
 */
export function syntaxErrorOf(thrown: unknown): Error | undefined {
  if (!types.isNativeError(thrown) || thrown.name !== 'SyntaxError') return undefined
  const copy = new SyntaxError(thrown.message)
  const place = placeOf(thrown)
  const lines = (thrown.stack ?? '').split('\n')
  // Node underlines what V8 names, and that is nothing where the source ends or a character is none of the language's.
  if (place !== undefined && (isLongLine(place.text) || !lines.some((line) => UNDERLINE.test(line)))) {
    copy.stack = `${excerptOf(place)}\n\n${copy.name}: ${copy.message}`
    return copy
  }
  const firstFrame = lines.findIndex((line) => line.startsWith('    at '))
  copy.stack = (firstFrame < 0 ? lines : lines.slice(0, firstFrame)).join('\n').trimEnd()
  return copy
}

/**
 * Where code that was given to `eval` or `Function` does not parse: place, line and caret. Undefined for an error that was not made in such code.
 *
 * @param thrown HOSTILE: an error of a guest's realm, of which only the engine's notes are read, and no property
 */
export function evalExcerpt(thrown: unknown): string | undefined {
  const place = types.isNativeError(thrown) ? placeOf(thrown) : undefined
  // Scripts, the guest's and ours, have names.
  return place === undefined || place.script !== undefined ? undefined : excerptOf(place)
}

const { getPrototypeOf } = Reflect
const OWN_ERRORS: ReadonlySet<object | null> = new Set(
  [Error, RangeError, ReferenceError, SyntaxError, TypeError].map(({ prototype }) => prototype),
)

/**
 * What V8 threw while it worked on a guest's module: where in the source, and, if it is an error of the main realm, which no guest may have, what that says.
 *
 * @param thrown HOSTILE: of a guest's realm, most likely. Nothing of it is read.
 */
export function moduleErrorOf(thrown: unknown): { readonly excerpt: string | undefined; readonly ours: string | undefined } {
  // A fresh error is no Proxy: nobody is asked for its prototype.
  if (!types.isNativeError(thrown)) return { excerpt: undefined, ours: undefined }
  const place = placeOf(thrown)
  return {
    // An overflow is noted where ours asked for it.
    excerpt: place === undefined || /^(?:glovebox|node):/.test(place.script ?? '') ? undefined : excerptOf(place),
    ours: OWN_ERRORS.has(getPrototypeOf(thrown)) ? thrown.message : undefined,
  }
}

export interface Place {
  readonly script: string | undefined
  /** From 1. */
  readonly line: number
  /** From 0, in UTF-16 code units. */
  readonly column: number
  readonly text: string
}

/** Where the engine noted that an error was made: for one of the parser's, where the parser stopped. */
export function placeOf(error: Error): Place | undefined {
  const { scriptResourceName: script, lineNumber: line, startColumn: column, sourceLine: text } = engine.getErrorSourcePositions(error)
  if (typeof line !== 'number' || typeof column !== 'number' || typeof text !== 'string') return undefined
  return typeof script === 'string' || script === undefined ? { script, line, column, text } : undefined
}

function excerptOf({ script = '<anonymous>', line, column, text }: Place): string {
  return excerpt(script, line, column, text)
}
