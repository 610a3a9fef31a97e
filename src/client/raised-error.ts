const CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

/**
 * What a guest is told of what a host function threw: name, message and code of an error, without its stack and properties, which tell of the host. Paths that an error of Node's names
 * (`path`, `dest`, the stack of a failed require) are taken out of the message as well. Anything else that was thrown crosses as the value that it is.
 */
export function raisedToGuest(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown
  const name = textOf(thrown, 'name') ?? 'Error'
  const Class = (Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined) ?? Error
  const error = new Class(withoutPaths(thrown, textOf(thrown, 'message') ?? ''))
  if (error.name !== name) error.name = name
  const { code } = thrown as { readonly code?: unknown }
  if (typeof code === 'string' || typeof code === 'number') Object.assign(error, { code })
  return error
}

function withoutPaths(thrown: Error, message: string): string {
  let text = message.replace(/\nRequire stack:\n[^]*$/, '')
  for (const key of ['path', 'dest'] as const) {
    const path = textOf(thrown, key)
    if (path !== undefined && path !== '') text = text.replaceAll(path, '…')
  }
  return text.replaceAll(process.cwd(), '…')
}

function textOf(holder: object, key: string): string | undefined {
  const value: unknown = (holder as Record<string, unknown>)[key]
  return typeof value === 'string' ? value : undefined
}
