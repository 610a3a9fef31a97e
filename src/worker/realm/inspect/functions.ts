import { charCodeAt, getPrototypeOf } from '../../../protocol/msgpack/intrinsics.ts'
import { asyncGeneratorFunctionPrototype, isAsyncFunction } from '../../../protocol/values/exotic-encoder.ts'
import { clip } from './budget.ts'
import type { Inspection } from './inspection.ts'
import { functionToString, generatorFunctionPrototype, slice } from './intrinsics.ts'
import { dataOf, ownData } from './own-data.ts'

/** `[Function: name]` or `[class Name extends Parent]`. */
export function showFunction(inspection: Inspection, fn: object, className: string | null, tag: string): string {
  return isClass(fn) ? showClass(inspection, fn, className, tag) : showPlainFunction(inspection, fn, className, tag)
}

function isClass(fn: object): boolean {
  const source = functionToString(fn)
  if (slice(source, 0, 5) !== 'class' || source[source.length - 1] !== '}') return false
  // A space, a bracket or a comment: a method may have a name that begins with these letters.
  const next = charCodeAt(source, 5)
  return next <= 0x20 || next === 0x7b || next === 0x2f
}

function showClass(inspection: Inspection, fn: object, className: string | null, tag: string): string {
  let text = `class ${nameOf(inspection, fn, true) || '(anonymous)'}`
  if (className !== 'Function' && className !== null) text += ` [${className}]`
  if (tag !== '' && className !== tag) text += ` [${tag}]`
  if (className === null) return `[${text} extends [null prototype]]`
  const parent = getPrototypeOf(fn)
  const parentName = parent === null ? '' : nameOf(inspection, parent, false)
  return parentName === '' ? `[${text}]` : `[${text} extends ${parentName}]`
}

function showPlainFunction(inspection: Inspection, fn: object, className: string | null, tag: string): string {
  const type = `${isAsyncFunction(fn) || getPrototypeOf(fn) === asyncGeneratorFunctionPrototype ? 'Async' : ''}${isGenerator(fn) ? 'Generator' : ''}Function`
  const name = nameOf(inspection, fn, false)
  let text = `[${type}${className === null ? ' (null prototype)' : ''}${name === '' ? ' (anonymous)' : `: ${name}`}]`
  if (className !== type && className !== null) text += ` ${className}`
  if (tag !== '' && className !== tag) text += ` [${tag}]`
  return text
}

function isGenerator(fn: object): boolean {
  const proto = getPrototypeOf(fn)
  return proto === generatorFunctionPrototype || proto === asyncGeneratorFunctionPrototype
}

function nameOf(inspection: Inspection, fn: object, own: boolean): string {
  const name = own ? ownData(fn, 'name') : dataOf(fn, 'name')
  return typeof name === 'string' ? clip(inspection.budget, name) : ''
}
