import { stripTypeScriptTypes } from 'node:module'

/** As swc says that a source ends too early, where it does not only point to its end. */
const ENDS_EARLY = /^(?:Unexpected eof|.*got '<eof>'|Unterminated (?:template|block comment))/

/**
 * A line of TypeScript as JavaScript of the same length, by Node's own stripper: Node's REPL wants to know at once whether a line is whole. What the stripper refuses is the compiler's, which
 * does enums and the like, or says what is wrong.
 */
export function withoutTypes(typed: string): { readonly code: string } | 'incomplete' | 'for-compiler' {
  // As rewrite() reads it: an object where it is one.
  const asObject = /^\s*\{/.test(typed) && !/;\s*$/.test(typed) ? stripped(`(${typed.trimEnd()})`) : undefined
  const code = typeof asObject === 'string' ? asObject : stripped(typed)
  if (typeof code === 'string') return { code }
  return (code as NodeJS.ErrnoException).code !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' && endsEarly(code) ? 'incomplete' : 'for-compiler'
}

function stripped(source: string): string | Error {
  const emitWarning = Object.getOwnPropertyDescriptor(process, 'emitWarning') ?? {}
  // Node warns that its stripper may change. Who types a line cannot do anything about it.
  process.emitWarning = () => undefined
  try {
    return stripTypeScriptTypes(source)
  } catch (error) {
    return error as Error
  } finally {
    Object.defineProperty(process, 'emitWarning', emitWarning)
  }
}

/** The stack begins with the line and a caret below what was not expected; there is none if that is the end. */
function endsEarly({ message, stack = '' }: Error): boolean {
  return ENDS_EARLY.test(message) || !/^\s*\^/m.test(stack.slice(0, stack.indexOf('SyntaxError')))
}
