import { InvalidOptionError } from '../base/options.ts'
import { type Brand, brandOf, refusal } from '../protocol/values/brand.ts'
import { mayBeRemote } from './remote-platform.ts'

const WORDS: Readonly<Record<Exclude<Brand, 'object'>, string>> = {
  map: 'a Map',
  set: 'a Set',
  date: 'a Date',
  error: 'an Error',
  regexp: 'a RegExp',
  buffer: 'an ArrayBuffer',
  view: 'a view of a buffer',
  number: 'a boxed number',
  string: 'a boxed string',
  boolean: 'a boxed boolean',
  bigint: 'a boxed bigint',
  symbol: 'a boxed symbol',
}

/**
 * Refuses globals that would not arrive as such: what crosses as a value of a kind of its own. Instances of classes are welcome, as with node:vm, and have their own enumerable properties become globals.
 * @throws InvalidOptionError
 */
export function checkGlobals(globals: unknown): asserts globals is Readonly<Record<string, unknown>> {
  if (typeof globals !== 'object' || globals === null || Array.isArray(globals))
    throw new InvalidOptionError('globals', 'must be an object', globals)
  const kind = kindOf(globals)
  if (kind !== undefined) throw new InvalidOptionError('globals', `must be an object that holds the globals, and not ${kind}`, globals)
}

function kindOf(value: object): string | undefined {
  if (mayBeRemote(value)) return 'a stream, an async iterable or an AbortSignal'
  const prototype = Reflect.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return undefined
  const brand = brandOf(value, prototype)
  if (brand === 'refused') return refusal
  return brand === 'object' ? undefined : WORDS[brand]
}
