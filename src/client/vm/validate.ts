import { inspect } from 'node:util'
import { invalidType, invalidValue, outOfRange } from './node-errors.ts'

/** Checks of arguments that throw what Node's do. */
export type Options = Readonly<Record<string, unknown>>

export function checkObject(value: unknown, name: string): asserts value is Options {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidType(name, 'of type object', value)
}

/** The same, and an array will do. */
export function checkAnyObject(value: unknown, name: string): asserts value is object {
  if (typeof value !== 'object' || value === null) throw invalidType(name, 'of type object', value)
}

export function checkString(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string') throw invalidType(name, 'of type string', value)
}

export function checkBoolean(value: unknown, name: string): asserts value is boolean {
  if (typeof value !== 'boolean') throw invalidType(name, 'of type boolean', value)
}

export function checkFunction(value: unknown, name: string): asserts value is (...args: never[]) => unknown {
  if (typeof value !== 'function') throw invalidType(name, 'of type function', value)
}

export function checkArray(value: unknown, name: string): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) throw invalidType(name, 'an instance of Array', value)
}

export function checkStrings(value: unknown, name: string): asserts value is readonly string[] {
  checkArray(value, name)
  for (let i = 0; i < value.length; i++) checkString(value[i], `${name}[${i}]`)
}

export function checkInteger(value: unknown, name: string, min: number, max: number): asserts value is number {
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value)
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value)
}

export function checkInt32(value: unknown, name: string): asserts value is number {
  checkInteger(value, name, -2147483648, 2147483647)
}

export function checkOneOf(value: unknown, name: string, choices: readonly unknown[]): void {
  if (choices.includes(value)) return
  throw invalidValue(name, value, `must be one of: ${choices.map((choice) => inspect(choice)).join(', ')}`)
}

/** Bytes of whoever gave them, as a view. */
export function checkBytes(value: unknown, name: string): Uint8Array | undefined {
  if (value === undefined) return undefined
  if (!ArrayBuffer.isView(value)) throw invalidType(name, 'an instance of Buffer, TypedArray, or DataView', value)
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}
