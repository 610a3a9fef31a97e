import { bigIntValue, booleanValue, numberValue, stringValue, symbolValue } from '../../../protocol/values/exotic-encoder.ts'
import type { Inspection } from './inspection.ts'
import { type Kind, kindName } from './kind.ts'
import { showPrimitive } from './text.ts'

/** `[Number: 5]`. */
export function showBoxed(inspection: Inspection, value: object, kind: Kind, className: string | null, tag: string): string {
  const type = kindName(kind, value)
  const holder = className === type ? '' : className === null ? ' (null prototype)' : ` (${className})`
  const after = tag !== '' && tag !== className ? ` [${tag}]` : ''
  return `[${type}${holder}: ${showPrimitive(inspection, unboxed(value, kind))}]${after}`
}

function unboxed(value: object, kind: Kind): unknown {
  if (kind === 'number') return numberValue(value)
  if (kind === 'string') return stringValue(value)
  if (kind === 'boolean') return booleanValue(value)
  return kind === 'bigint' ? bigIntValue(value) : symbolValue(value)
}
