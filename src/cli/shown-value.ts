import { inspect, isDeepStrictEqual } from 'node:util'
import { printable } from './printable.ts'

/** A guest's value as a REPL shows it. Nothing in it decides how it is shown. */
export function shownValue(value: unknown, colors: boolean): string {
  return printable(inspect(value, { colors, customInspect: false, depth: 4 }), colors)
}

/** `value` is there only if JSON can say all of it: a Map would come out as `{}`. `text` always is. */
export function valueToJson(value: unknown): { readonly value?: unknown; readonly text: string } {
  const text = shownValue(value, false)
  try {
    const lossless = isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value)
    return lossless ? { value, text } : { text }
  } catch {
    return { text }
  }
}
