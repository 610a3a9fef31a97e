import { applyEdits, type Edit } from './edits.ts'
import { isIncomplete, parse, type SyntaxNode } from './syntax.ts'
import { awaits, hoist, namesOf } from './top-level-await.ts'
import { withoutTypes } from './typescript.ts'

/** A line of a REPL as what a context is to run. */
export interface Rewritten {
  /** What was typed, as it was read. */
  readonly source: string
  readonly code: string
  /** How the one became the other. */
  readonly edits: readonly Edit[]
  /** Whether the run gives the text that shows the value; otherwise it gives the value itself, if there is one. */
  readonly shows: boolean
  /** Undefined: JavaScript. */
  readonly language?: 'ts'
  /** Whether the context itself keeps what the line throws, as `_error`. What declares something at the top level cannot be put into a block. */
  readonly keepsError: boolean
  /** Names that it declares at its top level, without being properties of the global object. */
  readonly declares: readonly string[]
}

/** How values are shown: levels of objects within objects, and columns. */
export interface Showing {
  readonly depth: number
  readonly width: number
}

/** The global that shows a value where it is: src/worker/realm/repl. */
export const HOOK = '__glovebox_repl__'

/** The same, of TypeScript. */
export function rewriteTypeScript(typed: string, showing: Showing): Rewritten | 'incomplete' {
  const without = withoutTypes(typed)
  if (without === 'incomplete') return without
  return without === 'for-compiler' ? { ...asTyped(typed), language: 'ts' } : rewrite(without.code, showing)
}

/** As Node's REPL reads what was typed: an object where it is one, `await` at the top level, and else as a script. */
export function rewrite(typed: string, showing: Showing): Rewritten | 'incomplete' {
  const asObject = /^\s*\{/.test(typed) && !/;\s*$/.test(typed) ? `(${typed.trimEnd()})` : undefined
  const object = asObject === undefined ? undefined : parse(asObject)
  const source = object === undefined ? typed : (asObject as string)
  const body = (object ?? parse(typed))?.body
  if (body !== undefined) return rewriteBody(source, body, showing)
  // Whatever else is wrong with it, V8 says best.
  return isIncomplete(typed) ? 'incomplete' : asTyped(typed)
}

const asTyped = (source: string): Rewritten => ({ source, code: source, edits: [], shows: false, keepsError: false, declares: [] })

function rewriteBody(source: string, body: readonly SyntaxNode[], { depth, width }: Showing): Rewritten {
  const last = body.at(-1)
  const isAsync = body.some(awaits)
  const shows = last?.type === 'ExpressionStatement'
  const edits: Edit[] = []
  const hoisting = isAsync ? hoist(body) : undefined
  const [first] = body
  const keepsError = first !== undefined && first['directive'] === undefined && (isAsync || body.every(mayStandInBlock))
  if (hoisting !== undefined) {
    edits.push(
      { at: 0, remove: 0, insert: `${hoisting.before}(async () => { ${keepsError ? TRY : ''}${hoisting.first}` },
      ...hoisting.edits,
    )
  } else if (keepsError) edits.push({ at: first.start, remove: 0, insert: TRY })
  if (shows) {
    const { start, end } = last['expression'] as SyntaxNode
    edits.push({ at: start, remove: 0, insert: `${isAsync ? 'return ' : ''}${HOOK}((` })
    edits.push({ at: end, remove: 0, insert: `), ${depth}, ${width})` })
  }
  if (isAsync) edits.push({ at: source.length, remove: 0, insert: `\n${keepsError ? CATCH : ''}})()` })
  else if (keepsError && last !== undefined) edits.push({ at: last.end, remove: 0, insert: ` ${CATCH.trimEnd()}` })
  const sorted = edits.toSorted((a, b) => a.at - b.at)
  return { source, code: applyEdits(source, sorted), edits: sorted, shows, keepsError, declares: declaredBy(body) }
}

const TRY = 'try { '
const CATCH = `} catch (error) { throw ${HOOK}.failed(error) } `

/** A block has functions and names of its own. */
function mayStandInBlock(node: SyntaxNode): boolean {
  if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') return false
  return node.type !== 'VariableDeclaration' || node['kind'] === 'var'
}

function declaredBy(body: readonly SyntaxNode[]): readonly string[] {
  return body.flatMap((node) => {
    if (node.type === 'ClassDeclaration') return [(node['id'] as SyntaxNode)['name'] as string]
    return node.type === 'VariableDeclaration' && node['kind'] !== 'var' ? namesOf(node) : []
  })
}
