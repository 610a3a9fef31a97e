import { parse as parseWithAcorn } from 'acorn'

/** A node of the syntax tree, as ESTree has it; what it has besides depends on its type. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

export interface Parsed {
  readonly body: readonly SyntaxNode[]
}

/** Undefined if it does not parse, as a script in which `await` may stand at the top level. Nothing is run. */
export function parse(source: string): Parsed | undefined {
  try {
    return parseOrThrow(source)
  } catch {
    return undefined
  }
}

/** Whether a source that does not parse may do so with more lines after it. */
export function isIncomplete(source: string): boolean {
  try {
    parseOrThrow(source)
    return false
  } catch (error) {
    const { message, pos } = error as { readonly message: string; readonly pos?: number }
    if (/^Unterminated (?:template|comment)/.test(message)) return true
    // A backslash at the end of a line goes on with the string.
    if (message.startsWith('Unterminated string')) return /\\\n?$/.test(source)
    return pos !== undefined && pos >= source.trimEnd().length
  }
}

function parseOrThrow(source: string): Parsed {
  const options = { ecmaVersion: 'latest', sourceType: 'script', allowAwaitOutsideFunction: true, preserveParens: true } as const
  return parseWithAcorn(source, options) as unknown as Parsed
}

/** The nodes directly within a node, in the order of the source. */
export function* childrenOf(node: SyntaxNode): Generator<readonly [key: string, child: SyntaxNode]> {
  for (const [key, value] of Object.entries(node)) {
    for (const each of Array.isArray(value) ? (value as unknown[]) : [value]) if (isNode(each)) yield [key, each]
  }
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Whether what is within belongs to a function of its own. */
export const isFunction = ({ type }: SyntaxNode): boolean =>
  /Function/.test(type) || type === 'StaticBlock' || type === 'PropertyDefinition'

/** The names that a pattern binds. */
export function boundNames(pattern: SyntaxNode): readonly string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern['name'] as string]
    case 'Property':
      return boundNames(pattern['value'] as SyntaxNode)
    case 'AssignmentPattern':
      return boundNames(pattern['left'] as SyntaxNode)
    default:
      return [...childrenOf(pattern)].flatMap(([, child]) => boundNames(child))
  }
}
