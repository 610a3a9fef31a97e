import { hasOwn, mapSize, typedArrayLength } from '../../../protocol/msgpack/intrinsics.ts'
import { setSize } from '../../../protocol/values/brand.ts'
import { dateValue, regExpFlags, regExpSource, stringValue } from '../../../protocol/values/exotic-encoder.ts'
import { showBoxed } from './boxed.ts'
import { clip } from './budget.ts'
import { byteLengthOf } from './buffers.ts'
import { plainPrefix, prefixOf } from './class-name.ts'
import { showError } from './errors.ts'
import { showFunction } from './functions.ts'
import type { Inspection } from './inspection.ts'
import { dateToIso, is, iteratorKey, objectToString } from './intrinsics.ts'
import { lengthOf } from './items.ts'
import { type Keys, keysOf, namedKeysOf } from './keys.ts'
import { type Kind, kindName } from './kind.ts'

/** The outside of an object, as its kind decides. */
export interface Outline {
  /** The properties to show besides the items. */
  readonly keys: Keys
  /** What is shown before the bracket and, without properties, instead of it. */
  readonly base: string
  readonly open: string
  readonly close: string
  /** The whole text if there are no properties to show. */
  readonly bare: string | undefined
}

export function outlineOf(
  inspection: Inspection,
  value: object,
  kind: Kind,
  className: string | null,
  tag: string,
  inView: boolean,
): Outline {
  const prefix = (fallback: string, size?: number): string => prefixOf(className, tag, fallback, size === undefined ? '' : `(${size})`)
  switch (kind) {
    case 'array': {
      const length = lengthOf(value)
      const start = className === 'Array' && tag === '' ? '' : prefix('Array', length)
      return bracketed(namedKeysOf(inspection, value, length), start, length === 0)
    }
    case 'typed array': {
      const length = typedArrayLength(value)
      return bracketed(namedKeysOf(inspection, value, length), prefix(kindName(kind, value), length), length === 0 && !inspection.hidden)
    }
    case 'set':
      return braced(keysOf(inspection, value), prefix('Set', setSize(value)), setSize(value) === 0)
    case 'map':
      return braced(keysOf(inspection, value), prefix('Map', mapSize(value)), mapSize(value) === 0)
    case 'function':
      return based(keysOf(inspection, value), showFunction(inspection, value, className, tag))
    case 'regexp':
      return based(
        keysOf(inspection, value),
        unless('RegExp ', prefix('RegExp')) + clip(inspection.budget, `/${regExpSource(value)}/${regExpFlags(value)}`),
      )
    case 'date': {
      const time = dateValue(value)
      return based(keysOf(inspection, value), unless('Date ', prefix('Date')) + (is(time, NaN) ? 'Invalid Date' : dateToIso(value)))
    }
    case 'error': {
      const keys = keysOf(inspection, value)
      return based(keys, showError(inspection, value, className, tag, keys))
    }
    case 'buffer':
    case 'shared buffer': {
      const keys = keysOf(inspection, value)
      const start = prefix(kindName(kind, value))
      const short = inView && keys.length === 0
      return {
        keys,
        base: '',
        open: `${start}{`,
        close: '}',
        bare: short ? `${start}{ [byteLength]: ${byteLengthOf(value, kind)} }` : undefined,
      }
    }
    case 'data view':
    case 'promise':
    case 'weak map':
    case 'weak set':
      return braced(keysOf(inspection, value), prefix(kindName(kind, value)), false)
    case 'number':
    case 'string':
    case 'boolean':
    case 'bigint':
    case 'symbol':
      return based(
        kind === 'string' ? namedKeysOf(inspection, value, stringValue(value).length) : keysOf(inspection, value),
        showBoxed(inspection, value, kind, className, tag),
      )
    case 'object':
      if (className !== 'Object') return braced(keysOf(inspection, value), plainPrefix(value, kind, className, tag), true)
      if (tag !== '') return braced(keysOf(inspection, value), prefix('Object'), true)
      return braced(keysOf(inspection, value), isArguments(value) ? '[Arguments] ' : '', true)
  }
}

const braced = (keys: Keys, prefix: string, empty: boolean): Outline => ({
  keys,
  base: '',
  open: `${prefix}{`,
  close: '}',
  bare: empty ? `${prefix}{}` : undefined,
})

const bracketed = (keys: Keys, prefix: string, empty: boolean): Outline => ({
  keys,
  base: '',
  open: `${prefix}[`,
  close: ']',
  bare: empty ? `${prefix}[]` : undefined,
})

const based = (keys: Keys, base: string): Outline => ({ keys, base, open: '{', close: '}', bare: base })

/** A built-in class is not named before what shows it already. */
const unless = (usual: string, prefix: string): string => (prefix === usual ? '' : prefix)

/** The built-in check asks for `Symbol.toStringTag`, so it comes after the signs that need no such question. */
const isArguments = (value: object): boolean =>
  hasOwn(value, 'length') && hasOwn(value, iteratorKey) && objectToString(value) === '[object Arguments]'
