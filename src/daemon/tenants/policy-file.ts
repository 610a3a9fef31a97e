import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { findNodeAtLocation, type Node, parseTree, type ParseError, printParseErrorCode } from 'jsonc-parser'
import * as v from 'valibot'
import { errorMessage } from '../../base/error.ts'
import { DaemonError } from '../daemon-error.ts'
import { type Policy, policySchema } from './policy.ts'

/** A policy of a thousand tenants has some 300 KiB. */
const MAX_BYTES = 4 * 1024 * 1024

/** Reads a policy: JSON with comments. Whole or not at all: one error, and none of it holds. Throws ERR_POLICY with path, line, key and rule. */
export function readPolicy(path: string): Policy {
  const text = readText(path)
  const errors: ParseError[] = []
  const root = parseTree(text, errors, { allowTrailingComma: true })
  const [error] = errors
  if (text.trim() === '') throw refused(path, text, 0, 'is empty')
  if (error !== undefined) throw refused(path, text, error.offset, `is no JSON: ${printParseErrorCode(error.error)}`)
  if (root?.type !== 'object') throw refused(path, text, 0, 'must be an object')
  refuseKeys(path, text, root)
  const result = v.safeParse(policySchema, valueOf(root))
  if (result.success) return checked(path, text, root, result.output)
  const [issue] = result.issues
  const keys = (issue.path ?? []).map(({ key }) => key as string | number)
  const node = nodeAt(root, keys)
  const what = keys.length === 0 ? 'the policy' : `'${keys.join('.')}'`
  throw refused(path, text, node.offset, `${what} ${ruleOf(issue)}, got ${excerpt(text, node)}`)
}

function ruleOf({ type, expected, received, message }: v.BaseIssue<unknown>): string {
  if (type !== 'strict_object') return message
  if (expected === 'never') return 'is not an option'
  return received === 'undefined' ? 'is missing' : 'must be an object'
}

function readText(path: string): string {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    throw new DaemonError('ERR_POLICY', `the policy ${path} cannot be read: ${errorMessage(error)}`, { cause: error })
  }
  try {
    const { size, mode, uid } = fstatSync(fd)
    if ((mode & 0o022) !== 0) throw new DaemonError('ERR_POLICY', `others may write to the policy ${path}; 'chmod go-w ${path}'`)
    if (uid !== 0 && uid !== process.getuid?.())
      throw new DaemonError('ERR_POLICY', `the policy ${path} belongs to uid ${uid}, who could change it`)
    if (size > MAX_BYTES) throw new DaemonError('ERR_POLICY', `the policy ${path} has ${size} bytes, over the limit of ${MAX_BYTES}`)
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** A token or a user names one tenant; a default deadline is not over the longest. */
function checked(path: string, text: string, root: Node, policy: Policy): Policy {
  const owners = new Map<string, string>()
  for (const [name, { tokens = [], uids = [], limits }] of Object.entries(policy.tenants)) {
    for (const [kind, list] of [
      ['tokens', tokens],
      ['uids', uids],
    ] as const) {
      for (const [index, each] of list.entries()) {
        const owner = owners.get(String(each))
        if (owner !== undefined)
          throw refused(
            path,
            text,
            nodeAt(root, ['tenants', name, kind, index]).offset,
            `'tenants.${name}.${kind}' names tenant '${owner}' already`,
          )
        owners.set(String(each), name)
      }
    }
    if (limits?.timeout !== undefined && limits.maxTimeout !== undefined && limits.timeout > limits.maxTimeout)
      throw refused(
        path,
        text,
        nodeAt(root, ['tenants', name, 'limits', 'timeout']).offset,
        `'tenants.${name}.limits.timeout' is over 'maxTimeout'`,
      )
  }
  return policy
}

/** Keys that stand twice, of which JSON.parse would take the last, and the one that is no key in JavaScript. */
function refuseKeys(path: string, text: string, node: Node): void {
  const keys = new Set<unknown>()
  for (const child of node.children ?? []) {
    if (node.type === 'object') {
      const key = child.children?.[0]
      if (key?.value === '__proto__') throw refused(path, text, key.offset, "'__proto__' is not an option")
      if (key !== undefined && keys.has(key.value)) throw refused(path, text, key.offset, `'${String(key.value)}' stands twice`)
      keys.add(key?.value)
    }
    refuseKeys(path, text, child)
  }
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
function nodeAt(root: Node, keys: readonly (string | number)[]): Node {
  for (let length = keys.length; length > 0; length--) {
    const node = findNodeAtLocation(root, keys.slice(0, length))
    if (node !== undefined) return node
  }
  return root
}

function excerpt(text: string, { offset, length }: Node): string {
  const source = text.slice(offset, offset + length)
  return source.length <= 40 ? source : `${source.slice(0, 39)}…`
}

function refused(path: string, text: string, offset: number, what: string): DaemonError {
  return new DaemonError('ERR_POLICY', `${path}:${text.slice(0, offset).split('\n').length}: ${what}`)
}
