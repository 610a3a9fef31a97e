import { excerpt } from '../base/excerpt.ts'

/** Where something in a source is wrong. */
export interface Position {
  /** From 1. */
  readonly line: number
  /** From 0, in UTF-16 code units. */
  readonly column: number
}

const LINE_ENDS = /\r\n|[\n\r\u2028\u2029]/

/** A source that does not parse, as the client gets it: place, line and caret before the message. */
export class InvalidSourceError extends Error {
  override readonly name = 'SyntaxError'

  constructor(message: string, source: string, filename: string, { line, column }: Position) {
    super(message)
    this.stack = `${excerpt(filename, line, column, lineOf(source, line))}\n\nSyntaxError: ${message}`
  }
}

/** The position of a code unit. */
export function positionOf(source: string, index: number): Position {
  const before = source.slice(0, index).split(LINE_ENDS)
  return { line: before.length, column: before.at(-1)?.length ?? 0 }
}

export function lineOf(source: string, line: number): string {
  return source.split(LINE_ENDS)[line - 1] ?? ''
}
