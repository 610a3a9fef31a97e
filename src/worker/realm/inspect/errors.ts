import { MAX_CONSOLE_TEXT } from '../../../protocol/limits.ts'
import { apply, ErrorOf, getOwnPropertyDescriptor, hasOwn, isArray } from '../../../protocol/msgpack/intrinsics.ts'
import { prefixOf } from './class-name.ts'
import { clip } from './budget.ts'
import type { Inspection } from './inspection.ts'
import { exec, indexOf, slice } from './intrinsics.ts'
import type { Keys } from './keys.ts'
import { kindOf } from './kind.ts'
import { includes, join, type List, lines, list, remove } from './list.ts'
import { dataOf, ownData } from './own-data.ts'
import { indentRest } from './text.ts'

/** Longer stacks are not compared with those of their causes: that takes the product of both lengths. */
const MAX_COMPARED_FRAMES = 200
/** Fewer frames in common are not worth a line that says so. */
const MIN_COMMON_FRAMES = 4

/** The stack of an error with its headline, in brackets if there are no frames. Takes out of `keys` what it shows, and adds cause and errors. */
export function showError(inspection: Inspection, error: object, className: string | null, tag: string, keys: Keys): string {
  const stack = clip(inspection.budget, stackText(inspection, error))
  const message = textOf(error, 'message')
  const name = textOf(error, 'name')
  if (!inspection.hidden) {
    remove(keys, 'stack')
    if (message !== undefined && indexOf(stack, message) >= 0) remove(keys, 'message')
    if (name !== undefined && indexOf(stack, name) >= 0) remove(keys, 'name')
  }
  if (hasOwn(error, 'cause') && !includes(keys, 'cause')) keys[keys.length] = 'cause'
  if (isArray(ownData(error, 'errors')) && !includes(keys, 'errors')) keys[keys.length] = 'errors'
  const text = withFrames(inspection, error, withClass(stack, className, name ?? 'Error', tag), message ?? '')
  return indentRest(text, inspection.indentation)
}

/** A text property; of no getter. */
function textOf(error: object, key: string): string | undefined {
  const value = dataOf(error, key)
  return typeof value === 'string' ? value : undefined
}

function stackText(inspection: Inspection, error: object): string {
  const stack = stackOf(error)
  if (typeof stack === 'string' && stack !== '') return stack
  const name = textOf(error, 'name') ?? 'Error'
  const message = textOf(error, 'message') ?? ''
  const headline = name === '' || message === '' ? name + message : `${name}: ${message}`
  if (typeof stack !== 'object' || stack === null) return headline
  // What the guest's Error.prepareStackTrace made.
  const { around } = inspection
  around[around.length] = error
  inspection.indentation += 4
  const text = inspection.show(inspection, stack, inspection.depth)
  inspection.indentation -= 4
  around.length--
  return `${headline}\n    ${text}`
}

let knownStackGetter: unknown

/** V8 gives each error an accessor `stack` of its own, with one getter for the realm. Found on first use: a fresh error has nothing that a guest could have changed. */
const stackGetter = (): unknown => (knownStackGetter ??= getOwnPropertyDescriptor(new ErrorOf(''), 'stack')?.get)

/** Of getters only the engine's own is called. */
function stackOf(error: object): unknown {
  const described = getOwnPropertyDescriptor(error, 'stack')
  if (described === undefined) return dataOf(error, 'stack')
  if (hasOwn(described, 'value')) return described.value
  if (described.get === undefined || described.get !== stackGetter()) return undefined
  try {
    return apply(described.get, error, [])
  } catch {
    return undefined
  }
}

/** Puts the class in front where the headline has another name, or one that is only part of it. */
function withClass(stack: string, className: string | null, name: string, tag: string): string {
  let length = name.length
  let fallback = 'Error'
  if (className === null) {
    const start = exec(/^([A-Z][a-z_ A-Z0-9[\]()-]+)(?::|\n {4}at)/, stack) ?? exec(/^([a-z_A-Z0-9-]*Error)$/, stack)
    fallback = start === null ? '' : (start[1] as string)
    length = fallback.length
    if (fallback === '') fallback = 'Error'
  } else if (!isHeadline(stack, name)) return stack
  const prefix = prefixOf(className, tag, fallback)
  const title = slice(prefix, 0, prefix.length - 1)
  if (name === title) return stack
  if (indexOf(title, name) < 0) return `${title} [${name}]${slice(stack, length)}`
  return length === 0 ? `${title}: ${stack}` : title + slice(stack, length)
}

function isHeadline(stack: string, name: string): boolean {
  const { length } = name
  if (slice(name, length - 5) !== 'Error' || slice(stack, 0, length) !== name) return false
  return stack.length === length || stack[length] === ':' || stack[length] === '\n'
}

function withFrames(inspection: Inspection, error: object, stack: string, message: string): string {
  const at = message === '' ? -1 : indexOf(stack, message)
  const start = indexOf(stack, '\n    at', at > 0 ? at + message.length : 0)
  if (start < 0) return `[${stack}]`
  const frames = lines(slice(stack, start + 1))
  return `${slice(stack, 0, start)}\n${join(withoutCommonFrames(inspection, error, frames), '\n')}`
}

/** The cause comes below with the same frames at its end. */
function withoutCommonFrames(inspection: Inspection, error: object, frames: List<string>): List<string> {
  const cause = dataOf(error, 'cause')
  if (typeof cause !== 'object' || cause === null || kindOf(cause) !== 'error' || frames.length > MAX_COMPARED_FRAMES) return frames
  const causeStack = stackText(inspection, cause)
  const start = indexOf(causeStack, '\n    at')
  if (start < 0) return frames
  const causeFrames = lines(slice(causeStack, start + 1, start + MAX_CONSOLE_TEXT))
  if (causeFrames.length > MAX_COMPARED_FRAMES) return frames
  for (let i = 0; i <= frames.length - MIN_COMMON_FRAMES; i++) {
    const common = commonFrames(frames, i, causeFrames)
    if (common < MIN_COMMON_FRAMES) continue
    const out: List<string> = list()
    for (let j = 0; j <= i; j++) out[j] = frames[j] as string
    out[i + 1] = `    ... ${common - 2} lines matching cause stack trace ...`
    for (let j = i + common - 1; j < frames.length; j++) out[out.length] = frames[j] as string
    return out
  }
  return frames
}

/** How many frames from `at` on are also where the first of them is in `others`. */
function commonFrames(frames: List<string>, at: number, others: List<string>): number {
  let start = 0
  while (start < others.length && others[start] !== frames[at]) start++
  let count = 0
  while (at + count < frames.length && start + count < others.length && frames[at + count] === others[start + count]) count++
  return count
}
