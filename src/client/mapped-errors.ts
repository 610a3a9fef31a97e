import { mapExcerpt, mapStack, type ScriptOf } from './mapped-stack.ts'

/** Of what one rejection leads to, this much is mapped: lines of stacks, and errors. */
const MAX_LINES = 1_000
const MAX_ERRORS = 1_000

/** Gives the stack of an error, and those of its causes and of its errors, the original places. HOSTILE: the errors are decoded data, and may say anything. */
export function mapErrors(error: Error, scriptOf: ScriptOf): void {
  const budget = { lines: MAX_LINES }
  setStack(error, mapExcerpt(textOf(error, 'stack'), scriptOf))
  const found = new Set([error])
  for (const each of found) {
    setStack(each, mapStack(textOf(each, 'stack'), headline(each), scriptOf, budget))
    for (const part of partsOf(each)) if (part instanceof Error && found.size < MAX_ERRORS) found.add(part)
  }
}

/** As `Error.prototype.toString` has it, which begins a stack. */
function headline(error: Error): string {
  const name = textOf(error, 'name')
  const message = textOf(error, 'message')
  return name === '' || message === '' ? name + message : `${name}: ${message}`
}

function partsOf(error: object): readonly unknown[] {
  const { cause, errors, error: first, suppressed } = error as Readonly<Record<string, unknown>>
  return [cause, first, suppressed, ...(Array.isArray(errors) ? errors.slice(0, MAX_ERRORS) : [])]
}

function textOf(holder: object, key: string): string {
  const value = (holder as Readonly<Record<string, unknown>>)[key]
  return typeof value === 'string' ? value : ''
}

function setStack(error: Error, stack: string): void {
  if (stack !== textOf(error, 'stack'))
    Object.defineProperty(error, 'stack', { value: stack, writable: true, enumerable: false, configurable: true })
}
