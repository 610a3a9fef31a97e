import { apply, defineProperty, ownKeys, toStringTag, toWellFormed } from './captured.ts'
import { notePrototype } from './context.ts'

/** The conversions and property attributes of Web IDL, https://webidl.spec.whatwg.org. */

interface InterfaceObject {
  readonly prototype: object
}

/** Gives a class the attributes of an interface object: its members are enumerable, its prototype has a tag. */
export function defineInterface(constructor: InterfaceObject, name: string): void {
  const { prototype } = constructor
  // The bundler may have given it another.
  defineProperty(constructor, 'name', { __proto__: null, value: name } as PropertyDescriptor)
  enumerate(prototype)
  enumerate(constructor)
  tag(prototype, name)
  notePrototype(prototype)
}

export function tag(prototype: object, name: string): void {
  defineProperty(prototype, toStringTag, { __proto__: null, value: name, configurable: true } as PropertyDescriptor)
}

/** Constants stand on the interface object and on its prototype. */
export function defineConstant(constructor: InterfaceObject, name: string, value: number): void {
  const attributes = { __proto__: null, value, enumerable: true } as PropertyDescriptor
  defineProperty(constructor, name, attributes)
  defineProperty(constructor.prototype, name, attributes)
}

function enumerate(owner: object): void {
  const keys = ownKeys(owner)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as PropertyKey
    if (typeof key === 'symbol' || key === 'constructor') continue
    if (typeof owner === 'function' && (key === 'prototype' || key === 'length' || key === 'name')) continue
    defineProperty(owner, key, { __proto__: null, enumerable: true } as PropertyDescriptor)
  }
}

export function requireArguments(given: number, required: number, what: string): void {
  if (given < required) throw new TypeError(`${what}: ${required} argument${required === 1 ? '' : 's'} required, but only ${given} present`)
}

/** Reading the private field that it is given throws for any other `this`. */
export function requireThis(branded: boolean): void {
  if (!branded) throw new TypeError('Illegal invocation')
}

/** DOMString. A symbol is a TypeError. */
export const toDOMString = (value: unknown): string => (typeof value === 'string' ? value : `${value as number}`)

/** USVString: lone surrogates become U+FFFD. */
export const toUSVString = (value: unknown): string => toWellFormed(toDOMString(value))

export const isObject = (value: unknown): value is object => (typeof value === 'object' && value !== null) || typeof value === 'function'

/** A dictionary's members are read from what this returns; undefined has none. */
export function toDictionary(value: unknown, what: string): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) throw new TypeError(`${what} must be an object`)
  return value as Record<string, unknown>
}

/** Visits each item of a sequence<any>, for which `method` is the iterator method of `value`. */
export function visitSequence(value: object, method: unknown, visit: (item: unknown) => void): void {
  if (typeof method !== 'function') throw new TypeError('a sequence must be iterable')
  const iterator: unknown = apply(method as () => unknown, value, [])
  if (!isObject(iterator)) throw new TypeError('the result of an iterator method must be an object')
  const { next } = iterator as { readonly next: () => unknown }
  for (;;) {
    const result = apply(next, iterator, [])
    if (!isObject(result)) throw new TypeError('an iterator result must be an object')
    if ((result as { readonly done?: unknown }).done) return
    visit((result as { readonly value?: unknown }).value)
  }
}
