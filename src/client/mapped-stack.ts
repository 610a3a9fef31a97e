import { excerpt } from '../base/excerpt.ts'
import { linesOf, type MappedScript } from './mapped-script.ts'
import { readFrame, type StackFrame, writeFrame } from './stack-frame.ts'

/** The script of a file name, if it has a source map. */
export type ScriptOf = (file: string) => MappedScript | undefined

/** Lines that may still be read. HOSTILE: a guest may make a stack of any length, and any number of errors. */
export interface Budget {
  lines: number
}

/** A stack with the places and names of the original sources. It may begin with `headline`, the error's name and message, which stay as they are; and so does what is beyond the budget. */
export function mapStack(stack: string, headline: string, scriptOf: ScriptOf, budget: Budget): string {
  const from = stack.startsWith(headline) ? headline.length : 0
  const lines: string[] = []
  let at = from
  while (budget.lines > 0 && at <= stack.length) {
    const end = stack.indexOf('\n', at)
    lines.push(stack.slice(at, end < 0 ? undefined : end))
    at = end < 0 ? stack.length + 1 : end + 1
    budget.lines--
  }
  const frames = lines.map((line) => readFrame(line, (file) => scriptOf(file) !== undefined))
  const mapped = lines.map((line, index) => {
    const frame = frames[index]
    return frame === undefined ? line : writeFrame(original(frame, frames[index + 1], scriptOf))
  })
  if (at <= stack.length) mapped.push(stack.slice(at))
  return stack.slice(0, from) + mapped.join('\n')
}

/** A stack whose first lines are the excerpt of a source that does not parse, with the original place; with the original line if the map has the sources. */
export function mapExcerpt(stack: string, scriptOf: ScriptOf): string {
  const [place = '', code = '', caret = '', blank] = stack.split('\n', 4)
  const colon = place.lastIndexOf(':')
  const script = scriptOf(place.slice(0, colon))
  const line = Number(place.slice(colon + 1))
  // A line that was cut does not tell the column.
  if (blank !== '' || script === undefined || code !== script.lineAt(line)) return stack
  const found = script.find(line, (caret.includes('^') ? caret.indexOf('^') : caret.length) + 1)
  if (found === undefined) return stack
  const text = found.content === undefined ? undefined : linesOf(found.content)[found.line - 1]
  const head =
    text === undefined ? `${found.source}:${found.line}\n${code}\n${caret}` : excerpt(found.source, found.line, found.column - 1, text)
  return head + stack.slice(place.length + code.length + caret.length + 2)
}

function original(frame: StackFrame, caller: StackFrame | undefined, scriptOf: ScriptOf): StackFrame {
  const place = scriptOf(frame.file)?.find(frame.line, frame.column)
  const name = caller === undefined ? frame.name : originalName(frame.name, caller, scriptOf)
  return place === undefined
    ? { ...frame, name }
    : { manner: frame.manner, name, file: place.source, line: place.line, column: place.column }
}

/** The last part of a name such as `Object.method` may have been another. */
function originalName(name: string, caller: StackFrame, scriptOf: ScriptOf): string {
  const dot = name.lastIndexOf('.')
  const last = name.slice(dot + 1)
  const found = last === '' ? undefined : scriptOf(caller.file)?.calleeName(caller.line, caller.column, last)
  return found === undefined ? name : name.slice(0, dot + 1) + found
}
