import { asNative } from '../../native-function.ts'
import { replaceConstructor, replaceValue } from './constructors.ts'

const { apply, construct, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect
const { isArray } = Array
const { get: cached, set: cache } = WeakMap.prototype

/** Those that take locales first. */
const CONSTRUCTORS = [
  'Collator',
  'DateTimeFormat',
  'DurationFormat',
  'ListFormat',
  'NumberFormat',
  'PluralRules',
  'RelativeTimeFormat',
  'Segmenter',
] as const
/** Those that may be called without `new`. */
const CALLABLE: Readonly<Record<string, true>> = { __proto__: null, Collator: true, DateTimeFormat: true, NumberFormat: true } as never

type Method = (...args: unknown[]) => unknown
type Described = PropertyDescriptor & { readonly value: Method }

/** The time that `Intl.DateTimeFormat` formats when it is given none. */
export function replaceFormattedNow(now: () => number): void {
  const { prototype } = Intl.DateTimeFormat
  const { formatToParts } = prototype
  const described = getOwnPropertyDescriptor(prototype, 'format') as PropertyDescriptor & { readonly get: () => Method }
  const functions = new WeakMap<Method, Method>()
  const holder = {
    get format(): Method {
      // The engine gives the same function each time.
      const format = apply(described.get, this, [])
      const known = apply(cached, functions, [format]) as Method | undefined
      if (known !== undefined) return known
      const made = asNative<Method>((date) => format(date === undefined ? now() : date), '', 1)
      apply(cache, functions, [format, made])
      return made
    },
    formatToParts(date?: unknown): unknown {
      return apply(formatToParts, this, [date === undefined ? now() : (date as Date)])
    },
  }
  defineProperty(prototype, 'format', { ...described, get: getOwnPropertyDescriptor(holder, 'format')?.get as () => Method })
  replaceValue(prototype, 'formatToParts', holder.formatToParts)
}

/** The locale of everything that is given none. */
export function replaceDefaultLocale(realmGlobal: object, locale: string): void {
  const localesOr = (given: unknown): unknown => (given === undefined || (isArray(given) && given.length === 0) ? locale : given)
  for (let i = 0; i < CONSTRUCTORS.length; i++) {
    const name = CONSTRUCTORS[i] as string
    const original = (Intl as unknown as Record<string, (abstract new (...args: never[]) => object) | undefined>)[name]
    if (original === undefined) continue
    replaceConstructor(Intl, name, original, function replacement(this: unknown, locales?: unknown, options?: unknown): unknown {
      if (new.target !== undefined) return construct(original as never, [localesOr(locales), options], new.target)
      if (CALLABLE[name] !== true) throw new TypeError(`Constructor Intl.${name} requires 'new'`)
      return construct(original as never, [localesOr(locales), options])
    })
  }
  replaceMethods(localesOr)
  replaceTemporalMethods(realmGlobal, localesOr)
}

/** Of the language's own objects. */
function replaceMethods(localesOr: (given: unknown) => unknown): void {
  localise(Date.prototype, 'toLocaleString', 0, localesOr)
  localise(Date.prototype, 'toLocaleDateString', 0, localesOr)
  localise(Date.prototype, 'toLocaleTimeString', 0, localesOr)
  localise(Number.prototype, 'toLocaleString', 0, localesOr)
  localise(BigInt.prototype, 'toLocaleString', 0, localesOr)
  localise(String.prototype, 'localeCompare', 1, localesOr)
  localise(String.prototype, 'toLocaleLowerCase', 0, localesOr)
  localise(String.prototype, 'toLocaleUpperCase', 0, localesOr)
}

function replaceTemporalMethods(realmGlobal: object, localesOr: (given: unknown) => unknown): void {
  const temporal = getOwnPropertyDescriptor(realmGlobal, 'Temporal')?.value as
    | Record<PropertyKey, { readonly prototype?: object }>
    | undefined
  if (temporal === undefined) return
  const names = ownKeys(temporal)
  for (let i = 0; i < names.length; i++) {
    const prototype = temporal[names[i] as PropertyKey]?.prototype
    if (prototype !== undefined && getOwnPropertyDescriptor(prototype, 'toLocaleString') !== undefined)
      localise(prototype, 'toLocaleString', 0, localesOr)
  }
}

/** The argument at `index` of a method is its locales. */
function localise(prototype: object, name: string, index: number, localesOr: (given: unknown) => unknown): void {
  const { value: original } = getOwnPropertyDescriptor(prototype, name) as Described
  const { value: method } = getOwnPropertyDescriptor(
    {
      [name](this: unknown, first?: unknown, second?: unknown, third?: unknown): unknown {
        return apply(original, this, index === 0 ? [localesOr(first), second] : [first, localesOr(second), third])
      },
    },
    name,
  ) as Described
  defineProperty(method, 'length', getOwnPropertyDescriptor(original, 'length') as PropertyDescriptor)
  replaceValue(prototype, name, method)
}
