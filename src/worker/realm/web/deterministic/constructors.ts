import { asNative } from '../../native-function.ts'

const { defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect

type Constructor = abstract new (...args: never[]) => object

/**
 * Puts `replacement` in the place of a constructor, as the value of `holder[name]` and of its prototype's `constructor`, so that nothing leads to the original. It has the original's static members.
 */
export function replaceConstructor<Original extends Constructor>(
  holder: object,
  name: string,
  original: Original,
  replacement: (...args: never[]) => unknown,
): Original {
  const arity = original.length
  // Whoever constructs it without a class of its own has the replacement itself as the target.
  const own = {
    __proto__: null,
    value: original.prototype as unknown,
    writable: false,
    enumerable: false,
    configurable: false,
  } as PropertyDescriptor
  defineProperty(replacement, 'prototype', own)
  const named = asNative(replacement, name, arity) as unknown as Original
  const keys = ownKeys(original)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as PropertyKey
    if (key !== 'name' && key !== 'length') defineProperty(named, key, getOwnPropertyDescriptor(original, key) as PropertyDescriptor)
  }
  replaceValue(original.prototype as object, 'constructor', named)
  replaceValue(holder, name, named)
  return named
}

/** Gives a data property another value, and leaves its attributes. */
export function replaceValue(holder: object, key: PropertyKey, value: unknown): void {
  const described = getOwnPropertyDescriptor(holder, key)
  defineProperty(holder, key, {
    __proto__: null,
    value,
    writable: described?.writable ?? true,
    enumerable: described?.enumerable ?? false,
    configurable: true,
  } as PropertyDescriptor)
}
