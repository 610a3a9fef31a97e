import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { createScanner, findNodeAtLocation, type Node, parseTree, type ParseError, printParseErrorCode } from 'jsonc-parser'
import * as v from 'valibot'
import { errorMessage } from '../../base/error.ts'
import { DaemonError } from '../daemon-error.ts'
import { type Fault, faultOf } from './rules.ts'

/** A policy of a thousand tenants has some 300 KiB. */
const MAX_BYTES = 4 * 1024 * 1024
/** Objects and lists within one another: several times what the deepest option has. Parser and schema call themselves for each. */
const MAX_DEPTH = 32

/** What a file is, for messages, and the code of its errors. */
export interface FileKind {
  readonly title: string
  readonly code: 'ERR_POLICY' | 'ERR_CONFIG'
}

/** A file that was read and found right, and where each of its parts stands. */
export interface CheckedFile<Value> {
  readonly value: Value
  /** `FILE:LINE` of a part, or of what is nearest to it. */
  placeOf(keys: Fault['keys']): string
  /** The error for a part that breaks a rule which the schema does not know. */
  refused(fault: Fault): DaemonError
}

/**
 * Reads JSON with comments. Whole or not at all: one error, and none of it holds. The file must belong to this user or to root, and nobody else may write to it.
 *
 * @throws DaemonError with the code of its kind, and path, line, key, rule and value
 */
export function readChecked<Schema extends v.GenericSchema>(
  path: string,
  kind: FileKind,
  schema: Schema,
): CheckedFile<v.InferOutput<Schema>> {
  const source = readText(path, kind)
  const placeAt = (offset: number): string => `${path}:${source.slice(0, offset).split('\n').length}`
  const wrong = (offset: number, what: string): DaemonError => new DaemonError(kind.code, `${placeAt(offset)}: ${what}`)
  if (source.trim() === '') throw wrong(0, 'is empty')
  const tooDeep = findTooDeep(source)
  if (tooDeep !== undefined) throw wrong(tooDeep, `is nested deeper than ${MAX_DEPTH} levels`)
  const errors: ParseError[] = []
  const root = parseTree(source, errors, { allowTrailingComma: true })
  const [error] = errors
  if (error !== undefined) throw wrong(error.offset, `is no JSON: ${printParseErrorCode(error.error)}`)
  if (root?.type !== 'object') throw wrong(0, 'must be an object')
  const badKey = findBadKey(root)
  if (badKey !== undefined) throw wrong(badKey.offset, badKey.what)
  const refused = ({ keys, rule }: Fault): DaemonError => {
    const node = nodeAt(root, keys)
    const what = keys.length === 0 ? `the ${kind.title}` : `'${keys.join('.')}'`
    return wrong(node.offset, `${what} ${rule}, got ${excerpt(source, node)}`)
  }
  const result = v.safeParse(schema, valueOf(root))
  if (!result.success) throw refused(faultOf(result.issues[0]))
  return { value: result.output, placeOf: (keys) => placeAt(nodeAt(root, keys).offset), refused }
}

function readText(path: string, { title, code }: FileKind): string {
  let fd: number
  try {
    // Without waiting: of a pipe that nobody writes to, opening would never end.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw new DaemonError(code, `the ${title} ${path} cannot be read: ${errorMessage(error)}`, { cause: error })
  }
  try {
    const found = fstatSync(fd)
    const { size, mode, uid } = found
    if (!found.isFile()) throw new DaemonError(code, `the ${title} ${path} is no file`)
    if ((mode & 0o022) !== 0) throw new DaemonError(code, `others may write to the ${title} ${path}; 'chmod go-w ${path}'`)
    if (uid !== 0 && uid !== process.getuid?.())
      throw new DaemonError(code, `the ${title} ${path} belongs to uid ${uid}, who could change it`)
    if (size > MAX_BYTES) throw new DaemonError(code, `the ${title} ${path} has ${size} bytes, over the limit of ${MAX_BYTES}`)
    // A byte order mark is no part of the text.
    return readFileSync(fd, 'utf8').replace(/^\ufeff/, '')
  } finally {
    closeSync(fd)
  }
}

/** Where the nesting goes too far, if it does. The scanner does not call itself, as the parser does. */
function findTooDeep(source: string): number | undefined {
  const scanner = createScanner(source, true)
  let depth = 0
  for (scanner.scan(); scanner.getTokenLength() > 0; scanner.scan()) {
    // The first character tells a bracket from every other token.
    const character = source[scanner.getTokenOffset()] ?? ''
    if ('{['.includes(character)) depth++
    else if ('}]'.includes(character)) depth--
    if (depth > MAX_DEPTH) return scanner.getTokenOffset()
  }
  return undefined
}

/** Keys that stand twice, of which JSON.parse would take the last, and the one that is no key in JavaScript. */
function findBadKey(node: Node): { readonly offset: number; readonly what: string } | undefined {
  const keys = new Set<unknown>()
  for (const child of node.children ?? []) {
    if (node.type === 'object') {
      const key = child.children?.[0]
      if (key?.value === '__proto__') return { offset: key.offset, what: "'__proto__' is not an option" }
      if (key !== undefined && keys.has(key.value)) return { offset: key.offset, what: `'${String(key.value)}' stands twice` }
      keys.add(key?.value)
    }
    const inner = findBadKey(child)
    if (inner !== undefined) return inner
  }
  return undefined
}

function valueOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOf)
  if (node.type !== 'object') return node.value
  const value: Record<string, unknown> = {}
  for (const { children } of node.children ?? []) {
    const [key, child] = children ?? []
    if (key !== undefined && child !== undefined)
      Object.defineProperty(value, key.value as string, { value: valueOf(child), enumerable: true })
  }
  return value
}

/** The deepest node there is on the way. */
function nodeAt(root: Node, keys: Fault['keys']): Node {
  for (let length = keys.length; length > 0; length--) {
    const node = findNodeAtLocation(root, keys.slice(0, length))
    if (node !== undefined) return node
  }
  return root
}

function excerpt(source: string, { offset, length }: Node): string {
  const found = source.slice(offset, offset + length)
  return found.length <= 40 ? found : `${found.slice(0, 39)}…`
}
