import type { Edit } from './edits.ts'
import { boundNames, childrenOf, isFunction, type SyntaxNode } from './syntax.ts'

/** Whether a script awaits outside of any function, which no script may: it has to become the body of an async one. */
export function awaits(node: SyntaxNode): boolean {
  if (isFunction(node)) return false
  if (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node['await'] === true)) return true
  for (const [, child] of childrenOf(node)) if (awaits(child)) return true
  return false
}

/** How the declarations of a script stay those of the top level when it becomes the body of a function: they are made before it, and it assigns to them. */
export interface Hoisting {
  /** Stands before the function, and at the beginning of its body. */
  readonly before: string
  readonly first: string
  readonly edits: readonly Edit[]
}

export function hoist(body: readonly SyntaxNode[]): Hoisting {
  const lexical: string[] = []
  const vars: string[] = []
  const edits: Edit[] = []
  let first = ''
  for (const node of body) {
    if (node.type === 'FunctionDeclaration') first += `this.${nameOf(node)} = ${nameOf(node)}; `
    else if (node.type === 'ClassDeclaration') {
      lexical.push(nameOf(node))
      edits.push({ at: node.start, remove: 0, insert: `${nameOf(node)} = ` }, { at: node.end, remove: 0, insert: ';' })
    } else if (node.type === 'VariableDeclaration' && (node['kind'] === 'let' || node['kind'] === 'const')) {
      lexical.push(...namesOf(node))
      edits.push(...assignments(node, 'void ('))
    } else hoistVars(node, '', vars, edits)
  }
  const before = [declare('let', lexical), declare('var', vars)].join('')
  return { before, first, edits }
}

const declare = (keyword: string, names: readonly string[]): string =>
  names.length === 0 ? '' : `${keyword} ${[...new Set(names)].join(', ')}; `

const nameOf = (node: SyntaxNode): string => (node['id'] as SyntaxNode)['name'] as string

/** The names that a declaration binds. */
export const namesOf = (node: SyntaxNode): readonly string[] =>
  (node['declarations'] as readonly SyntaxNode[]).flatMap((each) => boundNames(each['id'] as SyntaxNode))

/** `var` belongs to the whole function, wherever it stands. */
function hoistVars(node: SyntaxNode, key: string, vars: string[], edits: Edit[]): void {
  if (isFunction(node)) return
  if (node.type === 'VariableDeclaration' && node['kind'] === 'var') {
    vars.push(...namesOf(node))
    // What a loop over items assigns to is no expression.
    if (key === 'left') edits.push({ at: node.start, remove: 'var'.length, insert: '' })
    else edits.push(...assignments(node, key === 'init' ? '(' : 'void ('))
    return
  }
  for (const [name, child] of childrenOf(node)) hoistVars(child, name, vars, edits)
}

/** `const a = 1, b` as `void ( (a = 1), (b = undefined))`. */
function assignments(node: SyntaxNode, open: string): readonly Edit[] {
  const declarators = node['declarations'] as readonly SyntaxNode[]
  const edits: Edit[] = [{ at: node.start, remove: (node['kind'] as string).length, insert: open }]
  declarators.forEach((each, at) => {
    const close = at === declarators.length - 1 ? '))' : ')'
    edits.push({ at: each.start, remove: 0, insert: '(' })
    edits.push({ at: each.end, remove: 0, insert: each['init'] === null ? ` = undefined${close}` : close })
  })
  return edits
}
