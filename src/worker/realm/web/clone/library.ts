import { iterator, newList } from '../captured.ts'
import { isObject, requireArguments, toDictionary, visitSequence } from '../idl.ts'
import { Cloner } from './cloner.ts'
import { cloneWithTransfer } from './transfer.ts'

// A method, because that is no constructor.
export const { structuredClone } = {
  /** https://html.spec.whatwg.org/multipage/structured-data.html#dom-structuredclone */
  structuredClone(value: unknown, options: unknown = undefined): unknown {
    requireArguments(arguments.length, 1, 'structuredClone')
    const transfer = toDictionary(options, 'structuredClone options')?.['transfer']
    if (transfer === undefined) return new Cloner().clone(value)
    if (!isObject(transfer)) throw new TypeError('transfer must be a sequence of objects')
    const list = newList<object>()
    visitSequence(transfer, (transfer as { readonly [iterator]?: unknown })[iterator], (item) => {
      if (!isObject(item)) throw new TypeError('transfer must be a sequence of objects')
      list[list.length] = item
    })
    return cloneWithTransfer(value, list)
  },
}
