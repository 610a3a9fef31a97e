import { types } from 'node:util'
import { CodecError } from '../protocol/msgpack/codec-error.ts'
import { GuestError } from './errors.ts'

const CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

/** Properties of Node's errors that name a file or a socket, also as part of their message. */
const PATH_KEYS = ['path', 'dest', 'address', 'url'] as const
/** Codes of errors of Node's module loaders, whose messages name files without saying so elsewhere. */
const LOADER_CODES = /^(MODULE_NOT_FOUND|ERR_(MODULE|PACKAGE|REQUIRE|IMPORT|UNSUPPORTED|UNKNOWN|INVALID_(PACKAGE|MODULE)|DLOPEN)_.*)$/
const FILE_URL = /\bfile:\/\/[^\s'"`)]+/g
const ABSOLUTE_PATH = /(?<![\w.:/@])\/[^\s'"`:,;()]+/g

/**
 * What a guest is told of what a host function threw: name, message and code of an error, without its stack and properties, which tell of the host. Paths that an error of Node's names
 * are taken out of the message as well. Anything else that was thrown crosses as the value that it is, and what another guest's function threw as what it threw.
 */
export function raisedToGuest(thrown: unknown): unknown {
  try {
    if (!types.isNativeError(thrown) && !(thrown instanceof Error)) return thrown
    if (thrown instanceof GuestError && Object.hasOwn(thrown, 'value')) return thrown.value
    return retold(thrown)
  } catch {
    return new Error('a host function failed with an error that cannot be read')
  }
}

function retold(thrown: Error): Error {
  const name = thrown instanceof CodecError ? 'TypeError' : (textOf(thrown, 'name') ?? 'Error')
  const { code } = thrown as { readonly code?: unknown }
  const Class = (Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined) ?? Error
  const error = new Class(withoutPaths(thrown, name, code))
  if (error.name !== name) error.name = name
  // A guest's error without a code of its own has ours, which means nothing to a guest.
  const isOurs = thrown instanceof GuestError && code === 'ERR_GUEST'
  if (!isOurs && (typeof code === 'string' || typeof code === 'number')) Object.assign(error, { code })
  return error
}

function withoutPaths(thrown: Error, name: string, code: unknown): string {
  let text = (textOf(thrown, 'message') ?? '').replace(/\nRequire stack:\n[^]*$/, '')
  for (const key of PATH_KEYS) {
    const path = textOf(thrown, key)
    if (path?.includes('/') === true) text = text.replaceAll(path, '…')
  }
  text = text.replaceAll(process.cwd(), '…').replaceAll(FILE_URL, '…')
  if (typeof code === 'string' && LOADER_CODES.test(code)) text = text.replaceAll(ABSOLUTE_PATH, '…')
  // A module or JSON file that does not parse.
  return name === 'SyntaxError' ? text.replace(/^\/[^\n]*?: /, '…: ') : text
}

function textOf(holder: object, key: string): string | undefined {
  const value: unknown = (holder as Record<string, unknown>)[key]
  return typeof value === 'string' ? value : undefined
}
