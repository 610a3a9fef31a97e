import { defineProperty } from '../captured.ts'
import { DOMException } from './dom-exception.ts'
import { amountsOf, QuotaExceededError } from './quota-exceeded-error.ts'
import { DOMExceptionSlots } from './slots.ts'

/** A structured clone of an exception, with its stack; undefined for any other object. */
export function copyDOMException(value: object): object | undefined {
  if (!DOMExceptionSlots.has(value)) return undefined
  const { message, name } = DOMExceptionSlots.of(value)
  const amounts = amountsOf(value)
  const copy = amounts === undefined ? new DOMException(message, name) : new QuotaExceededError(message, amounts)
  const { stack } = value as { readonly stack?: unknown }
  const attributes = { __proto__: null, value: stack, writable: true, enumerable: false, configurable: true }
  defineProperty(copy, 'stack', attributes as PropertyDescriptor)
  return copy
}
