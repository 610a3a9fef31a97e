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
