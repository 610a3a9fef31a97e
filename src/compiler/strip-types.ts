import { SourceMap } from 'node:module'
import { transformSync } from 'amaro'
import type { Format } from '../protocol/compiler-link.ts'
import { InvalidSourceError, lineOf, type Position, positionOf } from './invalid-source.ts'
import { unitsBefore } from './swc-columns.ts'

/** JavaScript that does what TypeScript said. */
export interface Stripped {
  readonly code: string
  /** JSON. Absent where types were only blanked out, so that every line and column is where it was. */
  readonly sourceMap: string | undefined
}

/** The stripper cannot be used any more: it is WebAssembly that overflowed its stack or ran out of memory, and is left in the middle of something. */
export class StripperLostError extends Error {}

const JSX = /\.[jt]sx$/i

/** What swc throws: data, not an Error. */
interface SwcError {
  readonly code: 'InvalidSyntax' | 'UnsupportedSyntax'
  readonly message: string
  readonly startLine: number
  /** As {@link unitsBefore} explains. */
  readonly startColumn: number
}

/**
 * Takes the types out. Where that is all there is to do they become blanks; enums, namespaces, parameter properties and the like need real code, which moves what follows, so those come with a source map.
 * @throws InvalidSourceError, StripperLostError
 */
export function stripTypes(source: string, filename: string, format: Format): Stripped {
  // It could not be kept: the stripper's texts are UTF-8.
  const lone = source.isWellFormed() ? -1 : source.search(/\p{Surrogate}/u)
  if (lone >= 0) {
    const message = 'a lone surrogate, which TypeScript sources cannot have; write it as an escape'
    throw new InvalidSourceError(message, source, filename, positionOf(source, lone))
  }
  try {
    return strip(source, filename, format === 'module')
  } catch (error) {
    const swcError = asSwcError(error)
    if (format === 'module') throw invalid(swcError, source, filename)
    return stripOfModule(source, filename, swcError)
  }
}

/** What is no script as it stands may be one without its types (`import type`). For the rest (`import`, `await`), V8 says better than swc why it is none. */
function stripOfModule(source: string, filename: string, asScript: SwcError): Stripped {
  try {
    return strip(source, filename, true)
  } catch (error) {
    throw invalid(further(asScript, asSwcError(error)), source, filename)
  }
}

function strip(source: string, filename: string, module: boolean): Stripped {
  const options = { filename, module }
  try {
    return { code: transformSync(source, { ...options, mode: 'strip-only' }).code, sourceMap: undefined }
  } catch (error) {
    if (asSwcError(error).code !== 'UnsupportedSyntax') throw error
  }
  const { code, map } = transformSync(source, { ...options, mode: 'transform', sourceMap: true })
  return { code, sourceMap: map }
}

/** The error of the parser that understood more. */
function further(a: SwcError, b: SwcError): SwcError {
  return b.startLine > a.startLine || (b.startLine === a.startLine && b.startColumn > a.startColumn) ? b : a
}

/** Where in the source a place in the code comes from. */
export function originOf({ line, column }: Position, { sourceMap }: Stripped, source: string): Position {
  if (sourceMap === undefined) {
    // The stripper drops a byte order mark.
    return line === 1 && source.startsWith('\ufeff') ? { line, column: column + 1 } : { line, column }
  }
  const map = new SourceMap(JSON.parse(sourceMap) as ConstructorParameters<typeof SourceMap>[0])
  const origin = map.findOrigin(line, column + 1)
  return 'lineNumber' in origin ? { line: origin.lineNumber, column: origin.columnNumber - 1 } : { line, column }
}

function asSwcError(thrown: unknown): SwcError {
  const { code } = thrown as Partial<SwcError>
  if (code === 'InvalidSyntax' || code === 'UnsupportedSyntax') return thrown as SwcError
  throw new StripperLostError('the stripper of types failed', { cause: thrown })
}

function invalid({ message, startLine, startColumn }: SwcError, source: string, filename: string): InvalidSourceError {
  const column = unitsBefore(lineOf(source, startLine), startColumn)
  const hint = JSX.test(filename) ? '; JSX is not TypeScript alone: bundle it first' : ''
  return new InvalidSourceError(`${message}${hint}`, source, filename, { line: startLine, column })
}
