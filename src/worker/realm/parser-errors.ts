import { ErrorOf, method } from '../../protocol/msgpack/intrinsics.ts'
import { inherits } from '../../protocol/values/brand.ts'
import { define } from '../../protocol/values/define.ts'
import { attempt, isObject, readText } from './careful.ts'

const { isError } = ErrorOf as unknown as { readonly isError: (value: unknown) => boolean }
const syntaxErrorPrototype: object = SyntaxError.prototype
const includes = method(String.prototype, 'includes') as (text: string, part: string) => boolean
const startsWith = method(String.prototype, 'startsWith') as (text: string, start: string) => boolean

/** Whether the engine's parser may have made it of code given to `eval` or `Function`. What JSON.parse refuses is no code. */
export function isParserError(thrown: unknown): boolean {
  if (!isObject(thrown) || !isError(thrown) || attempt(() => inherits(thrown, syntaxErrorPrototype)) !== true) return false
  const stack = readText(thrown, 'stack')
  return stack !== undefined && !includes(stack, '\n    at JSON.parse (<anonymous>)')
}

/** Puts the excerpt of the code that does not parse before the stack, if the error takes it, as Node does with an error that nobody catches. */
export function putExcerpt(thrown: unknown, excerpt: string): void {
  const stack = readText(thrown, 'stack')
  if (stack === undefined || startsWith(stack, excerpt)) return
  attempt(() => define(thrown as object, 'stack', `${excerpt}\n\n${stack}`, false))
}
