import { charCodeAt, getOwnPropertyDescriptor, hasOwn, StringOf } from '../../protocol/msgpack/intrinsics.ts'
import { inherits, isError } from '../../protocol/values/brand.ts'
import { inspect } from './inspect.ts'
import { type Budget, clip, spend } from './inspect/budget.ts'
import { isGlobalName } from './inspect/built-in-names.ts'
import { DEFAULT_OPTIONS, type InspectOptions, UNREADABLE } from './inspect/inspection.ts'
import { indexOf, NumberOf, parseInteger, parseNumber, slice, stringify, toPrimitive } from './inspect/intrinsics.ts'
import type { List } from './inspect/list.ts'
import { holderOf, ownData } from './inspect/own-data.ts'
import { showNumber } from './inspect/text.ts'

/** What stands for a conversion in which the guest's own code threw. */
const THREW = '<threw>'

const SHALLOW: InspectOptions = { depth: 0, hidden: false, maxItems: 100, lineWidth: 80 }
const DETAILED: InspectOptions = { depth: 4, hidden: true, maxItems: 100, lineWidth: 80 }

const PERCENT = 0x25

/** The arguments of a console method as one text, as Node's `util.format` makes it. Never throws. */
export function formatArguments(budget: Budget, args: List<unknown>): string {
  // Not even an index that is absent may be read: Array.prototype is the guest's.
  const first = args.length === 0 ? undefined : args[0]
  if (typeof first !== 'string') return formatRest(budget, args, 0)
  if (args.length === 1) return spend(budget, clip(budget, first))
  if (indexOf(first, '%') < 0) return formatRest(budget, args, 0)
  return formatTemplate(budget, first, args)
}

/** The arguments from `from` on, with spaces between them: strings as they are, anything else inspected. */
export function formatRest(budget: Budget, args: List<unknown>, from: number): string {
  let text = ''
  for (let i = from; i < args.length && budget.left > 0; i++) {
    const value = args[i]
    const part = typeof value === 'string' ? spend(budget, clip(budget, value)) : inspect(value, DEFAULT_OPTIONS, budget)
    text += i === from ? part : ` ${part}`
  }
  return text
}

function formatTemplate(budget: Budget, template: string, args: List<unknown>): string {
  const source = clip(budget, template)
  let text = ''
  let start = 0
  let next = 1
  for (let i = 0; i < source.length - 1 && budget.left > 0; i++) {
    if (charCodeAt(source, i) !== PERCENT) continue
    const specifier = source[++i] as string
    let part: string | undefined
    if (specifier === '%') part = '%'
    else if (next < args.length) part = convert(budget, specifier, args[next])
    if (part === undefined) continue
    if (specifier !== '%') next++
    text += spend(budget, slice(source, start, i - 1)) + part
    start = i + 1
  }
  text += spend(budget, slice(source, start))
  return next < args.length ? `${text} ${formatRest(budget, args, next)}` : text
}

/** Undefined for what is no specifier. */
function convert(budget: Budget, specifier: string, value: unknown): string | undefined {
  switch (specifier) {
    case 's':
      return toText(budget, value)
    case 'd':
      return spend(budget, typeof value === 'bigint' ? `${StringOf(value)}n` : toNumber(NumberOf, value))
    case 'i':
      return spend(budget, typeof value === 'bigint' ? `${StringOf(value)}n` : toNumber(parseInteger, value))
    case 'f':
      return spend(budget, toNumber(parseNumber, value))
    case 'j':
      return spend(budget, clip(budget, toJson(value)))
    case 'o':
      return inspect(value, DETAILED, budget)
    case 'O':
      return inspect(value, DEFAULT_OPTIONS, budget)
    case 'c':
      return ''
    default:
      return undefined
  }
}

/** Conversions to a number ask an object for its `valueOf`, as the language does. */
function toNumber(convertTo: (value: string) => number, value: unknown): string {
  if (typeof value === 'symbol') return 'NaN'
  try {
    return showNumber(convertTo(value as string))
  } catch {
    return THREW
  }
}

function toText(budget: Budget, value: unknown): string {
  if (typeof value === 'number') return spend(budget, showNumber(value))
  if (typeof value === 'bigint') return spend(budget, `${StringOf(value)}n`)
  let builtIn: boolean
  try {
    builtIn = typeof value === 'object' && value !== null && hasBuiltInText(value)
  } catch {
    return spend(budget, UNREADABLE)
  }
  if (builtIn) return inspect(value, SHALLOW, budget)
  try {
    return spend(budget, clip(budget, StringOf(value)))
  } catch {
    return spend(budget, THREW)
  }
}

/** Whether an object's conversion to text is the language's own, which would say less than an inspection. */
function hasBuiltInText(value: object): boolean {
  const texts = holderOfFunction(value, 'toString')
  const primitives = holderOfFunction(value, toPrimitive)
  if (texts === value || primitives === value) return false
  // The class of the nearer of the two tells.
  const nearer = texts === undefined || primitives === undefined || texts === primitives || inherits(texts, primitives)
  const holder = nearer ? (texts ?? primitives) : primitives
  if (holder === undefined) return true
  const constructor = ownData(holder, 'constructor')
  if (typeof constructor !== 'function') return false
  const name = ownData(constructor, 'name')
  return typeof name === 'string' && isGlobalName(name)
}

/** Undefined if the property is data, but no function. What a getter would give is not known: it counts. */
function holderOfFunction(value: object, key: PropertyKey): object | undefined {
  const holder = holderOf(value, key)
  if (holder === undefined) return undefined
  const described = getOwnPropertyDescriptor(holder, key)
  return described !== undefined && hasOwn(described, 'value') && typeof described.value !== 'function' ? undefined : holder
}

function toJson(value: unknown): string {
  try {
    return StringOf(stringify(value))
  } catch (error) {
    return isCircular(error) ? '[Circular]' : THREW
  }
}

function isCircular(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !isError(error)) return false
  const message = ownData(error, 'message')
  return typeof message === 'string' && indexOf(message, 'Converting circular structure') === 0
}
