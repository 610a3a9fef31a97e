import { withoutFrames } from '../confined/own-error.ts'
import { placeOf, syntaxErrorOf } from '../confined/syntax-error.ts'
import type { SourceImport } from '../protocol/compiler-link.ts'
import { DEFAULT_FILENAME } from '../protocol/default-filename.ts'
import { COMPILED_IMPORTS, MAX_SOURCE, MAX_SOURCE_MAP_BYTES } from '../protocol/limits.ts'
import { parse } from './check-syntax.ts'
import { dynamicImportsOf } from './dynamic-imports.ts'
import { InvalidSourceError } from './invalid-source.ts'
import type { CompileTask, Outcome } from './outcome.ts'
import { originOf, type Stripped, StripperLostError, stripTypes } from './strip-types.ts'

/** They are JavaScript to whoever strips types, and nothing to V8, whose own message names no reason. */
const DECORATOR = 'decorators are not supported, since V8 has none; `glovebox bundle` compiles them'
const TOO_DEEP = 'the source cannot be compiled: it is nested too deeply or too large'

/** Compiles one source, in a thread of the pool. Nothing of it runs. */
export function compile(task: CompileTask): Outcome {
  const { filename = DEFAULT_FILENAME, source, format } = task
  let stripped: Stripped | undefined
  try {
    if (task.language === 'ts') stripped = stripTypes(source, filename, format)
    const { code, sourceMap }: Stripped = stripped ?? { code: source, sourceMap: undefined }
    if (code.length > MAX_SOURCE.default) return tooMuch(`the code has ${code.length} characters without its types`, MAX_SOURCE.default)
    const { imports: statements, cachedData } = parse(code, filename, format, task.cache)
    const imports = [...statements, ...dynamicImportsOf(code)]
    return (
      overLimit(imports) ?? {
        type: 'compiled',
        code,
        imports,
        sourceMap: sourceMap !== undefined && Buffer.byteLength(sourceMap) <= MAX_SOURCE_MAP_BYTES ? sourceMap : undefined,
        cachedData,
      }
    )
  } catch (error) {
    if (error instanceof StripperLostError || error instanceof RangeError)
      return threw(withoutFrames(new RangeError(TOO_DEEP)), error instanceof StripperLostError)
    if (error instanceof InvalidSourceError) return threw(error)
    if (error instanceof SyntaxError) return threw(ofSource(error, task, filename, stripped))
    throw error
  }
}

/** V8's error, told of the source that was given. */
function ofSource(error: SyntaxError, { source, format, language }: CompileTask, filename: string, stripped: Stripped | undefined): Error {
  const place = placeOf(error)
  if (place?.text[place.column] === '@' && language === 'ts') error.message = DECORATOR
  // Node has put its own excerpt into the stack of a script's.
  if (place === undefined || (stripped === undefined && format === 'script')) return syntaxErrorOf(error) ?? error
  return new InvalidSourceError(error.message, source, filename, stripped === undefined ? place : originOf(place, stripped, source))
}

function threw({ name, message, stack = '' }: Error, threadLost = false): Outcome {
  return { type: 'threw', name: name === 'RangeError' ? 'RangeError' : 'SyntaxError', message, stack, threadLost }
}

function overLimit(imports: readonly SourceImport[]): Outcome | undefined {
  if (imports.length > COMPILED_IMPORTS.max) return tooMuch(`the source has ${imports.length} imports`, COMPILED_IMPORTS.max)
  for (const { specifier = '', attributes } of imports) {
    const texts = Object.entries(attributes).flat()
    if (texts.length > 2 * COMPILED_IMPORTS.maxAttributes)
      return tooMuch(`an import has ${texts.length / 2} attributes`, COMPILED_IMPORTS.maxAttributes)
    const longest = Math.max(...[specifier, ...texts].map((text) => Buffer.byteLength(text)))
    if (longest > COMPILED_IMPORTS.maxTextBytes) return tooMuch(`an import has a text of ${longest} bytes`, COMPILED_IMPORTS.maxTextBytes)
  }
  return undefined
}

function tooMuch(what: string, limit: number): Outcome {
  return { type: 'failed', code: 'ERR_SOURCE_LIMIT', message: `${what}, over the limit of ${limit}` }
}
