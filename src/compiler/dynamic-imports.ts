import { init, parse } from 'es-module-lexer'
import type { SourceImport } from '../protocol/compiler-link.ts'

/** Resolves when the lexer is ready: it is WebAssembly. */
export const readyLexer: () => Promise<void> = init

/** The `import()` expressions of code that parses. A lexer without a parser may take one for another thing in rare places; what a module's statements import is V8's to say. */
export function dynamicImportsOf(code: string): SourceImport[] {
  // Most code has none, and large code takes a while.
  if (!code.includes('import')) return []
  const imports: SourceImport[] = []
  for (const found of lexed(code)) {
    if (found.type !== 'dynamic') continue
    imports.push({ specifier: found.glob ? undefined : found.specifier, dynamic: true, attributes: {} })
  }
  return imports
}

function lexed(code: string): ReturnType<typeof parse>[0] {
  try {
    return parse(code)[0]
  } catch {
    // V8 took it, so the lexer lost its way.
    return []
  }
}
