import { types } from 'node:util'

/**
 * A SyntaxError that V8 made in the main realm while it compiled a guest's source, as the plain data that its client gets. Its stack begins with the place and
 * the offending line with a caret, and ends with frames of Node's, which are left out.
 */
export function syntaxErrorOf(thrown: unknown): Error | undefined {
  if (!types.isNativeError(thrown) || thrown.name !== 'SyntaxError') return undefined
  const lines = (thrown.stack ?? '').split('\n')
  const firstFrame = lines.findIndex((line) => line.startsWith('    at '))
  const copy = new SyntaxError(thrown.message)
  copy.stack = (firstFrame < 0 ? lines : lines.slice(0, firstFrame)).join('\n').trimEnd()
  return copy
}
